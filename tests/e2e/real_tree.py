"""A tree of this machine's own files: headers, libraries, programs, symlinks; the same choice at every run."""
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from lockstep_world import MIB, Failure, run

FILES_MIN, BYTES_MIN, BYTES_MAX = 5000, 200 * MIB, 400 * MIB
FILE_SIZE_MAX = 40 * MIB
# Where from, how many files and bytes of each; the second round may take more when a machine has little.
SOURCES = [("usr/include", 4500, 50 * MIB), ("usr/lib/{multiarch}", 700, 120 * MIB), ("usr/bin", 500, 60 * MIB),
           ("usr/lib/python3", 900, 20 * MIB), ("usr/share/doc", 600, 10 * MIB), ("usr/share/perl", 400, 10 * MIB)]
MORE_SOURCES = [("usr/include", 9000, 100 * MIB), ("usr/lib", 6000, 200 * MIB), ("usr/share", 6000, 100 * MIB)]


@dataclass
class TreeFacts:
    files: int = 0
    symlinks: int = 0
    bytes: int = 0

    def __str__(self):
        return f"{self.files} files, {self.symlinks} symlinks, {self.bytes / MIB:.0f} MiB"


def is_wanted(entry):
    """Regular files and symlinks that anybody may read, without setuid and its like (never synced)."""
    info = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(info.st_mode):
        return True
    return stat.S_ISREG(info.st_mode) and info.st_size <= FILE_SIZE_MAX and \
        not info.st_mode & 0o7000 and os.access(entry.path, os.R_OK)


def walk(top):
    """Files and symlinks below a directory, in the order of their names."""
    try:
        entries = sorted(os.scandir(top), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path)
        elif is_wanted(entry):
            yield entry


def choose(root="/"):
    """Paths relative to `root`, and what they sum up to."""
    multiarch = next((name.name for name in sorted(Path(root, "usr/lib").glob("*-linux-gnu"))), "")
    chosen, facts = {}, TreeFacts()
    for sources in (SOURCES, MORE_SOURCES):
        for source, files_max, bytes_max in sources:
            files = size = 0
            for entry in walk(os.path.join(root, source.format(multiarch=multiarch))):
                path = os.path.relpath(entry.path, root)
                info = entry.stat(follow_symlinks=False)
                if path in chosen or facts.bytes + info.st_size > BYTES_MAX - 80 * MIB:
                    continue
                if files >= files_max or size >= bytes_max:
                    break
                chosen[path] = True
                files, size = files + 1, size + info.st_size
                facts.bytes += info.st_size
                if stat.S_ISLNK(info.st_mode):
                    facts.symlinks += 1
                else:
                    facts.files += 1
        if facts.files >= FILES_MIN and facts.bytes >= BYTES_MIN:
            return list(chosen), facts
    raise Failure(f"this machine's /usr has too little for a demo: {facts}")


def stage(directory):
    """Copies the chosen files to a new directory, as they are but owned by this user. The facts."""
    paths, facts = choose()
    directory = Path(directory)
    directory.mkdir()
    listing = "\0".join(paths) + "\0"
    run(["rsync", "-a", "--no-owner", "--no-group", "--chmod=a-st,Da-st", "--from0", "--files-from=-", "/", f"{directory}/"],
        timeout=300, input=listing)
    return facts
