#!/usr/bin/python3
"""The frozen vault of format version 1 is read by lockstep_reader.py, which has nothing of Lockstep's, and by
`lockstep vault decrypt`, and both find what vault_v1.json says.

usage: golden_vault_test.py LOCKSTEP

Two devices made it: it has a conflict, a merged directory, hard links, holes, a save by rename, a deleted file and a
name that is no UTF-8. Its passphrase is `correct horse battery staple`.
"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import lockstep_reader  # noqa: E402

PASSPHRASE = b"correct horse battery staple"
LOCKSTEP = None


def described(directory):
    """What a plain directory holds, in the reader's words; device-made times of symbolic links and FIFOs left out."""
    out = {}
    for top, directories, files in os.walk(os.fsencode(directory)):
        for name in directories + files:
            path = os.path.join(top, name)
            found = os.lstat(path)
            entry = {"mode": oct(stat.S_IMODE(found.st_mode))}
            if stat.S_ISDIR(found.st_mode):
                entry["type"] = "directory"
            elif stat.S_ISLNK(found.st_mode):
                entry = {"type": "symlink", "target": os.fsdecode(os.readlink(path))}
            elif stat.S_ISFIFO(found.st_mode):
                entry["type"] = "fifo"
            else:
                with open(path, "rb") as file:
                    content = file.read()
                entry |= {"type": "file", "size": len(content), "sha256": lockstep_reader.hashlib.sha256(content).hexdigest()}
            if entry["type"] in ("file", "directory"):
                entry["mtime_ns"] = found.st_mtime_ns
            out[os.fsdecode(os.path.relpath(path, os.fsencode(directory)))] = entry
    return out


def expected_on_disk(listing):
    out = {}
    for path, entry in listing.items():
        entry = {key: value for key, value in entry.items() if key != "xattrs"}
        if entry["type"] == "symlink":
            del entry["mode"], entry["mtime_ns"]
        elif entry["type"] == "fifo":
            del entry["mtime_ns"]
        out[path] = entry
    return out


class GoldenVault(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.expected = json.loads((HERE / "vault_v1.json").read_text())
        cls.vault = lockstep_reader.Vault(HERE / "vault_v1", PASSPHRASE)

    def listing(self, vault, at_ms=None):
        return {os.fsdecode(path): entry for path, entry, _ in vault.entries(at_ms, checks_cuts=True)}

    def test_the_independent_reader_finds_everything(self):
        self.assertEqual(self.expected["now"], self.listing(self.vault))
        self.assertEqual([], self.vault.problems)

    def test_the_independent_reader_finds_the_state_at_a_time(self):
        self.assertEqual(self.expected["then"], self.listing(self.vault, self.expected["then_ms"]))
        self.assertEqual([], self.vault.problems)

    def test_a_wrong_passphrase_opens_nothing(self):
        with self.assertRaises(lockstep_reader.Damaged):
            lockstep_reader.Vault(HERE / "vault_v1", b"correct horse battery stable")

    def test_lockstep_decrypts_the_same(self):
        with tempfile.TemporaryDirectory(prefix="lockstep-golden-") as place:
            passphrase = Path(place, "passphrase")
            passphrase.write_bytes(PASSPHRASE)
            subprocess.run([LOCKSTEP, "vault", "decrypt", HERE / "vault_v1", "--to", f"{place}/out", "--passphrase-file", passphrase],
                           check=True, stdout=subprocess.DEVNULL, env=os.environ | {"LOCKSTEP_HOME": place})
            self.assertEqual(expected_on_disk(self.expected["now"]), described(f"{place}/out"))

    def test_every_damaged_byte_is_noticed(self):
        # One byte of each object, at a place that differs from object to object.
        files = sorted(path for path in (HERE / "vault_v1").rglob("*") if path.is_file())
        for number, path in enumerate(files):
            with self.subTest(object=path.name), tempfile.TemporaryDirectory(prefix="lockstep-golden-") as place:
                shutil.copytree(HERE / "vault_v1", f"{place}/vault")
                damaged = Path(place, "vault", path.relative_to(HERE / "vault_v1"))
                content = bytearray(damaged.read_bytes())
                content[(number * 7919 + 11) % len(content)] ^= 1
                damaged.write_bytes(content)
                try:
                    vault = lockstep_reader.Vault(Path(place, "vault"), PASSPHRASE)
                    list(vault.entries())
                    self.assertNotEqual([], vault.problems)
                except lockstep_reader.Damaged:
                    pass


if __name__ == "__main__":
    LOCKSTEP = sys.argv.pop(1)
    unittest.main()
