#!/usr/bin/python3
"""Two builds of one commit are the same bytes, package by package; where they are not, the files in them that differ.

usage: reproducible_test.py DIRECTORY OTHER
"""
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def differences(one, other):
    """Names of what differs in two packages: files by content, and control files and archives as a whole."""
    with tempfile.TemporaryDirectory(prefix="lockstep-reproducible-") as directory:
        places = [Path(directory, name) for name in ("one", "other")]
        for deb, place in zip((one, other), places):
            subprocess.run(["dpkg-deb", "--raw-extract", deb, place], check=True)
        names = {file.relative_to(place) for place in places for file in place.rglob("*") if file.is_file() and not file.is_symlink()}
        differing = sorted(str(name) for name in names
                           if not all((place / name).exists() for place in places) or digest(places[0] / name) != digest(places[1] / name))
        listings = [subprocess.run(["dpkg-deb", "--contents", deb], check=True, capture_output=True, text=True).stdout.splitlines()
                    for deb in (one, other)]
    return differing or sorted(set(listings[0]) ^ set(listings[1])) or ["nothing in it: the archive itself"]


def main(directory, other):
    debs = sorted(directory.glob("lockstep*.deb"))
    debs = [deb for deb in debs if "+later" not in deb.name]
    assert debs and {deb.name for deb in debs} == {deb.name for deb in other.glob("lockstep*.deb")}, "both have the same packages"
    faults = 0
    for deb in debs:
        if digest(deb) == digest(other / deb.name):
            print(f"the same twice: {digest(deb)}  {deb.name}")
        else:
            faults += 1
            print(f"NOT the same: {deb.name}", *differences(deb, other / deb.name), sep="\n    ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
