"""Looks for names and contents of a vault's files where only ciphertext may be."""
import base64
import os
import re
import subprocess
from pathlib import Path

from lockstep_world import Failure, run

NAME_LENGTH_MIN = 12  # shorter names are words that other files may contain by chance


def forms_of(secret):
    """A secret as it is, in hexadecimal and in base64 at each of its three alignments."""
    raw = secret.encode()
    forms = {secret, raw.hex(), raw.hex().upper()}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).decode()
        forms.add(text[4:-4])  # without what depends on the neighbours
    return forms


def names_of(tree):
    names = set()
    for _, directories, files in os.walk(tree):
        names.update(name for name in directories + files if len(name) >= NAME_LENGTH_MIN and name.isascii())
    return names


def lines_of(tree, lines_max=500):
    """One long line of text from each of some files."""
    lines = set()
    for directory, _, files in sorted(os.walk(tree)):
        for name in sorted(files):
            path = os.path.join(directory, name)
            if os.path.islink(path) or len(lines) >= lines_max:
                continue
            with open(path, "rb") as file:
                head = file.read(20000)
            found = re.search(rb"^[ -~]{60,200}$", head, re.M)
            if found and len(set(found.group())) > 20:
                lines.add(found.group().decode())
    return lines


def search(needles, places, work_directory, skip=()):
    """Files below `places` that contain a needle. Directories in `skip` (mounts) are not entered."""
    patterns = Path(work_directory) / "needles"
    patterns.write_text("\n".join(sorted(needles)) + "\n")
    files = []
    for place in places:
        for directory, directories, names in os.walk(place):
            directories[:] = [name for name in directories if os.path.join(directory, name) not in skip]
            files += [os.path.join(directory, name) for name in names]
            for name in directories + names:  # file names must say nothing either
                if name in needles:
                    return f"{os.path.join(directory, name)}: its name"
    files = [file for file in files if os.path.isfile(file) and not os.path.islink(file)]
    if not files:
        raise Failure("there is nothing to search, so the search proves nothing")
    environment = {**os.environ, "LC_ALL": "C"}
    found = run(["xargs", "-0", "grep", "-a", "-l", "-F", "-f", patterns, "--"], timeout=600, check=False,
                input="\0".join(files) + "\0", env=environment).stdout.split("\n")[0]
    if not found:
        return ""
    which = subprocess.run(["grep", "-a", "-o", "-m", "1", "-F", "-f", patterns, "--", found], capture_output=True,
                           env=environment, timeout=60).stdout.split(b"\n")[0]
    return f"{found}: {which.decode(errors='replace')}"


def check_none(what, needles, places, work_directory, skip=()):
    """Fails on the first needle found; proves first that the search would find one."""
    proof = Path(work_directory) / "search-proof"
    proof.mkdir(exist_ok=True)
    (proof / "file").write_bytes(b"\0\1" + sorted(needles)[0].encode() + b"\xff")
    if not search(needles, [proof], work_directory):
        raise Failure("the search for plaintext finds nothing even where there is some")
    if found := search(needles, places, work_directory, skip):
        raise Failure(f"plaintext in {what}: {found}")
