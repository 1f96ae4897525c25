#!/usr/bin/python3
"""What an attacker of a memory fault meets in the packaged programs: PIE, RELRO, no lazy binding, canaries, checked libc calls.

usage: hardening_test.py DEB...
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
PROGRAMS = {"lockstep": {"lockstep", "lockstepd"}, "lockstep-gui": {"lockstep-gui"}, "lockstep-relay": {"lockstep-relay"}}


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, timeout=120).stdout


def faults_of(program):
    """What is missing, as sentences."""
    header, dynamic = run("readelf", "--file-header", "--program-headers", "-W", program), run("readelf", "--dynamic", "-W", program)
    imported = run("readelf", "--dyn-syms", "-W", program)
    stack = re.search(r"GNU_STACK.*", header)
    wanted = {
        "is no position-independent executable": "DYN" in re.search(r"Type:.*", header)[0] and re.search(r"FLAGS_1.*PIE", dynamic),
        "has no read-only relocations": "GNU_RELRO" in header,
        "binds lazily": re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic),
        "has a stack that can be executed": stack and "E" not in stack[0].split()[6],
        "looks for libraries where it was built": "RPATH" not in dynamic and "RUNPATH" not in dynamic,
        "has no stack canaries": "__stack_chk_fail" in imported,
        "calls libc unchecked": re.search(r"__\w+_chk\b(?<!__stack_chk)", imported.replace("__stack_chk_fail", "")),
        "names the directory that it was built in": str(SOURCE).encode() not in program.read_bytes(),
        "has its symbols": ".symtab" not in run("readelf", "--sections", "-W", program),
    }
    return [fault for fault, is_good in wanted.items() if not is_good]


def check_that_faults_are_seen(scratch):
    (scratch / "soft.c").write_text("int main(void) { return 0; }\n")
    run("cc", "-no-pie", "-fno-stack-protector", "-z", "norelro", "-z", "lazy", "-z", "execstack", scratch / "soft.c", "-o", scratch / "soft")
    assert len(faults_of(scratch / "soft")) == 7, faults_of(scratch / "soft")


def main(debs):
    faults, count = [], 0
    with tempfile.TemporaryDirectory(prefix="lockstep-hardening-") as directory:
        check_that_faults_are_seen(Path(directory))
        for deb in debs:
            name = deb.name.split("_")[0]
            run("dpkg-deb", "--extract", deb, Path(directory, name))
            programs = {file.name: file for file in Path(directory, name).rglob("*") if file.is_file() and not file.is_symlink()
                        and file.open("rb").read(4) == b"\x7fELF"} if not name.endswith("-dbgsym") else {}
            assert set(programs) == PROGRAMS.get(name, set()), f"{deb.name} has {sorted(programs)}"
            faults += [f"{deb.name}: {program} {fault}" for program, file in programs.items() for fault in faults_of(file)]
            count += len(programs)
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"{count} programs are hardened" if not faults else f"{len(faults)} faults in {count} programs")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main([Path(word).resolve() for word in sys.argv[1:]]))
