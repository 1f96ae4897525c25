#!/usr/bin/python3
"""German is complete, English has its plurals, and both are as the sources are: nothing new, nothing left over, the same
placeholders on both sides.

usage: translation_test.py SOURCE_DIRECTORY LUPDATE
"""
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def messages(file):
    for context in ElementTree.parse(file).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            forms = [form.text or "" for form in translation.iter("numerusform")] or [translation.text or ""]
            yield (context.findtext("name"), message.findtext("source")), translation.get("type"), forms


def faults_of(file, fresh):
    known, now = {key for key, _, _ in messages(file)}, {key for key, _, _ in messages(fresh)}
    yield from (f"not in the sources any more: {key}" for key in known - now)
    yield from (f"not translated: {key}" for key in now - known)
    for (context, source), kind, forms in messages(file):
        if kind or not all(forms):
            yield f"unfinished: {context}: {source}"
        for form in forms:
            if sorted(re.findall(r"%(?:\d|n)", source)) != sorted(re.findall(r"%(?:\d|n)", form)):
                yield f"other placeholders: {context}: {source}: {form}"


def main(source, lupdate):
    faults = []
    with tempfile.TemporaryDirectory(prefix="lockstep-gui-") as directory:
        for language, options in (("de", []), ("en", ["-pluralonly"])):
            file, fresh = Path(source, f"gui/resources/lockstep_{language}.ts"), Path(directory, f"{language}.ts")
            subprocess.run([lupdate, "-silent", "-locations", "none", "-I", ".", *options, "gui", "-ts", fresh], cwd=source,
                           check=True, timeout=60)
            faults += [f"{file.name}: {fault}" for fault in faults_of(file, fresh)]
    print("\n".join(faults) or "complete")
    if faults:
        print(f"To take up what is new: {lupdate} -locations none -no-obsolete -I . gui -ts gui/resources/lockstep_de.ts "
              "(for lockstep_en.ts add -pluralonly), then translate what is unfinished in it.")
    return 1 if faults else 0


if __name__ == "__main__":
    if not shutil.which(sys.argv[2]):
        print(f"skipped: {sys.argv[2]} is not installed (./dev setup)")
        sys.exit(77)
    sys.exit(main(*sys.argv[1:]))
