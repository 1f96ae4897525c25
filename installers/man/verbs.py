#!/usr/bin/python3
"""Prints lockstep(1) for scdoc: lockstep.1.scd, with the verbs and their options as --help has them in place of @VERBS@.

usage: verbs.py LOCKSTEP TEMPLATE
"""
import re
import subprocess
import sys

EVERYWHERE = {"-h,--help", "--json", "--version"}
PASSPHRASE = ["--passphrase-file", "--passphrase-stdin", "--passphrase-command"]


def sections_of(text):
    """{"Subcommands": [[name, description], ...], ...} of a help text."""
    sections, current = {}, None
    for line in text.splitlines():
        if re.fullmatch(r"(Options|Subcommands|Positionals|Examples):", line):
            current = sections.setdefault(line[:-1], [])
        elif current is None or not line.strip():
            continue
        elif entry := re.match(r"  (\S.*?)(?:  +(.*))?$", line):
            current.append([re.sub(r" (Excludes|Needs):.*", "", entry[1]), entry[2] or ""])
        else:
            current[-1][1] = f"{current[-1][1]} {line.strip()}".strip()
    return sections


def escape(text):
    return re.sub(r"([\\*_#<>`~\[\]])", r"\\\1", text)


class Verbs:
    def __init__(self, program):
        self.program = program

    def help(self, words):
        return subprocess.run([self.program, *words, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout

    def all(self, words=()):
        """(words, help text) of every verb, groups left out."""
        text = self.help(words)
        below = sections_of(text).get("Subcommands", [])
        if not below:
            yield words, text
        for name, _ in below:
            yield from self.all((*words, name))

    def page(self, words, text):
        sections = sections_of(text)
        usage = re.search(r"^Usage: .*?\[OPTIONS\] ?(.*)", text, flags=re.M)[1].split()
        named = [name.split()[-1] for name, _ in sections.get("Positionals", [])]
        given = [f"\\[_{escape(name)}_\\]" if word.startswith("[") else f"_{escape(name)}_" for word, name in zip(usage, named)]
        lines = [" ".join([f"*{' '.join(words)}*", *given]), f"\t{escape(text.splitlines()[0])}.", ""]
        options = [option for option in sections.get("Options", []) if option[0] not in EVERYWHERE]
        has_passphrase = all(any(name.split()[0] == one for name, _ in options) for one in PASSPHRASE)
        for name, description in options:
            flag, *value = name.split()
            if has_passphrase and flag in PASSPHRASE:
                continue
            lines += [f"\t*{flag}*" + (f" _{escape(value[0])}_" if value else ""), f"\t\t{escape(description)}.", ""]
        if has_passphrase:
            lines += ["\t" + ", ".join(f"*{flag}*" for flag in PASSPHRASE), "\t\tSee *PASSPHRASES*.", ""]
        return "\n".join(lines)


def main(program, template):
    verbs = Verbs(program)
    with open(template, encoding="utf-8") as file:
        text = file.read()
    assert text.count("@VERBS@") == 1
    print(text.replace("@VERBS@", "\n".join(verbs.page(*verb) for verb in verbs.all())), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
