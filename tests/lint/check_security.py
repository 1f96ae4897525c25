#!/usr/bin/env python3
"""Every test that SECURITY.md names exists.

usage: check_security.py TOP
"""
import re
import sys
from pathlib import Path


def tests_in(top):
    """Names as ctest has them, as far as sources tell; and of suites."""
    names = set()
    for path in sorted((Path(top) / "tests").rglob("*")):
        if path.suffix == ".cpp":
            text = path.read_text()
            names |= {f"{suite}.{name}" for suite, name in
                      re.findall(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", text, re.M)}
            names |= {suite for suite, _ in re.findall(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", text, re.M)}
            if path.name.endswith("_fuzz.cpp"):
                names.add(f"fuzz_corpus.{path.stem}")
        elif path.suffix == ".py":
            group = "?"
            for line in path.read_text().splitlines():
                if found := re.match(r"class (\w+)", line):
                    group = found.group(1)
                elif found := re.match(r"    def (test_\w+)", line):
                    kind = path.stem.removesuffix("_test")
                    names |= {f"{prefix}{found.group(1)}" for prefix in
                              (f"e2e.{group}.", f"{path.parent.name}.{group}.", f"{kind}.")}
    return names


def main(top):
    text = (Path(top) / "SECURITY.md").read_text()
    known = tests_in(top)
    wrong = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not re.match(r"\| T\d\d", line):
            continue
        for name in re.findall(r"`([^`]+)`", line):
            if re.fullmatch(r"[\w.]+", name) and (("." in name and not name.startswith(".")) or name.startswith("Vault")) \
                    and name not in known:
                print(f"SECURITY.md:{number}: there is no test {name}")
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
