"""A power cut for a daemon that runs with unsynced_pages.cpp: of what it wrote and did not sync, the disk keeps what it likes."""
import os
import struct
from pathlib import Path

PAGE = 4096
HEAD = struct.Struct("=QQQ")


def library(bin_directory):
    return Path(bin_directory).resolve().parent / "tests/liblockstep_unsynced.so"


def before(content, records):
    """What the file was when it was synced last."""
    at, writes = 0, []
    while at + HEAD.size <= len(records):
        offset, size, length = HEAD.unpack_from(records, at)
        at += HEAD.size
        writes.append((offset, size, records[at:at + length]))
        at += length
    out = bytearray(content)
    for offset, size, old in reversed(writes):
        del out[size:]
        out.extend(bytes(size - len(out)))
        out[offset:offset + len(old)] = old
    return bytes(out)


def mixture(old, new, choose):
    """Each page as it was or as it was written; so is the length."""
    size = len(choose.choice([old, new]))
    out = bytearray()
    for at in range(0, size, PAGE):
        page = choose.choice([old, new])[at:at + PAGE]
        out += page + bytes(min(PAGE, size - at) - len(page)) if len(page) < min(PAGE, size - at) else page
    return bytes(out[:size])


def cut_power(home, directory, choose):
    """REQUIRES: nothing that writes below `home` runs. The number of files that lost something."""
    paths = {}
    for top, _, names in os.walk(home):
        for name in names:
            path = os.path.join(top, name)
            paths[os.lstat(path).st_ino] = path
    loses_all = choose.random() < 0.4
    changed = 0
    for record in sorted(Path(directory).iterdir()):
        path = paths.get(int(record.name))
        if path is not None:
            with open(path, "r+b") as file:
                new = file.read()
                old = before(new, record.read_bytes())
                kept = old if loses_all else mixture(old, new, choose)
                if kept != new:
                    changed += 1
                    file.seek(0)
                    file.write(kept)
                    file.truncate()
        record.unlink()
    return changed
