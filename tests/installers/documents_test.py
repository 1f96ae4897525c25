"""What the documents tell people to type exists: verbs, flags, files, ./dev's verbs.

usage: documents_test.py BIN_DIRECTORY SOURCE_DIRECTORY
"""
import re
import shlex
import subprocess
import sys
from pathlib import Path

DOCUMENTS = ("README.md", "installers/README.md", "relay/README.md", "debian/lockstep.README.Debian", "installers/man/lockstep.1.scd",
             "installers/man/lockstepd.1.scd", "installers/man/lockstep-config.5.scd", "installers/systemd/lockstepd@.service",
             "installers/systemd/lockstepd-no-mount@.service", "installers/systemd/lockstepd.service", "installers/containers/join-once",
             "installers/containers/compose.yml", "installers/kubernetes/blind/base/kustomization.yaml")
SETTING = re.compile(r"lockstep config set (\S+)")


def help_of(program, words=()):
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, timeout=60)
    return done.stdout if done.returncode == 0 else ""


def below(text):
    """Verbs that a help text lists."""
    part = re.search(r"^Subcommands:\n((?:  .*\n)*)", text, flags=re.M)
    return {line.split()[0] for line in part[1].splitlines() if not line.startswith("   ")} if part else set()


def words_of(command):
    try:
        words = shlex.split(re.split(r"\s#|;|\s\||\s<|\s>|\(|…|`", command)[0].replace("[", " ").replace("]", " "))
    except ValueError:
        return []
    return words


def fault_of(program, words):
    """None when the help knows the verb and every flag."""
    at, text = [], help_of(program)
    for word in words:
        if word in below(text):
            at.append(word)
            text = help_of(program, at)
        elif below(text) and not word.startswith("-"):
            return f"no verb '{word}'" if re.fullmatch(r"[a-z-]+", word) else None
        elif word.startswith("--") and word not in ("--help", "--json"):
            if not re.search(rf"(?<![\w-]){re.escape(word.split('=')[0])}(?![\w-])", text):
                return f"no flag {word} of '{' '.join(at)}'"
    return None


def commands_in(text):
    for line in text.splitlines():
        for match in re.finditer(r"(?:^|[\s`(;*_]|-- )(lockstep(?:d|-relay)?) ([^`*]+)", line):
            yield match[1], match[2]


def main(programs, source):
    faults, count = [], 0
    settings = (source / "daemon/settings.cpp").read_text()
    verbs = help_of(source / "dev")
    for name in DOCUMENTS:
        text = (source / name).read_text()
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{name}:{number}"
            is_code = line.startswith(("    ", "\t", "lockstep", "#     ")) or "`" in line or "*" in line
            if not is_code:
                continue
            for program, rest in commands_in(line):
                # Code begins with a verb or a flag; prose goes on with words.
                words = words_of(rest)
                is_prose = not re.search(rf"[`*]{program} |^(?:#? {{4}}|\t|lockstep)", line)
                if not words or words[0] in ("-", "--") or is_prose:
                    continue
                count += 1
                if fault := fault_of(programs / program, words):
                    faults.append(f"{where}: {fault}: {program} {rest}")
            for key in SETTING.findall(line):
                if f'"{key}"' not in settings and key != "KEY":
                    faults.append(f"{where}: no setting {key}")
            for verb in re.findall(r"\./dev ([a-z]+)", line):
                if not re.search(rf"^  {verb} ", verbs, flags=re.M):
                    faults.append(f"{where}: ./dev has no {verb}")
    assert count > 50, f"only {count} commands were found"
    assert not faults, "\n".join(faults)
    print(f"good: {count} commands")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
