#!/usr/bin/python3
"""Mirrors of real daemons: two devices, each with a plain folder, driven by the CLI alone.

usage: mirror_test.py [Mirrors.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted.
"""
import os
import stat
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import Failure, World, wait_until, why_no_mounts  # noqa: E402

VAULT = "papers"
OURS = (".lockstep-mirror", ".lockstep-part-", ".lockstep-swap-")


def tree(top):
    """path -> (kind, mode or target, content, time) of everything that a mirror carries over."""
    found = {}
    for directory, directories, files in os.walk(top):
        for name in directories + files:
            path = Path(directory, name)
            facts = path.lstat()
            key = str(path.relative_to(top))
            if name.startswith(OURS):
                continue
            if stat.S_ISLNK(facts.st_mode):
                found[key] = ("link", os.readlink(path))
            elif stat.S_ISDIR(facts.st_mode):
                found[key] = ("directory", oct(facts.st_mode & 0o777))
            else:
                found[key] = ("file", oct(facts.st_mode & 0o777), path.read_bytes(), facts.st_mtime_ns)
    return found


def difference(left, right):
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            return f"{path}: {str(left.get(path))[:200]} | {str(right.get(path))[:200]}"
    return ""


class Mirrors(unittest.TestCase):
    def two_mirrors(self, **options):
        world = World(prefix="lockstep-mirror-", wants_relay=False, **options)
        self.addCleanup(world.close)
        self.laptop, self.desk = world.add_device("laptop"), world.add_device("desk")
        self.laptop.create(VAULT)
        self.desk.join(self.laptop.invite(VAULT))
        for device in (self.laptop, self.desk):
            device.folder = world.directory / f"{device.name}-folder"
        return world

    def add(self, device, *more):
        return device.json("mirror", "add", VAULT, device.folder, *more)

    def add_both(self, *more):
        self.add(self.laptop, *more)
        self.add(self.desk, *more)

    def settle(self, timeout=60):
        """Both folders and both mounts show the same."""
        def equal():
            self.said = difference(tree(self.laptop.folder), tree(self.desk.folder))
            return not self.said and all(self.mirror(each)["state"] == "up to date" for each in (self.laptop, self.desk))
        try:
            wait_until("the folders are equal", equal, timeout, interval=0.1)
        except Failure as failure:
            raise Failure(f"{failure}: {self.said or [self.mirror(each) for each in (self.laptop, self.desk)]}") from None
        for device in (self.laptop, self.desk):
            device.wait(VAULT)
            self.assertEqual({key: value[:3] for key, value in tree(device.mount).items()},
                             {key: value[:3] for key, value in tree(device.folder).items()})

    def mirror(self, device):
        return device.json("mirror", "list")["mirrors"][0]

    def test_edits_renames_and_deletes_reach_the_other_folder(self):
        self.two_mirrors()
        self.laptop.folder.mkdir()
        (self.laptop.folder / "letters").mkdir()
        (self.laptop.folder / "letters/july.txt").write_text("Dear Ana,\n")
        (self.laptop.folder / "script").write_text("#!/bin/sh\n")
        (self.laptop.folder / "script").chmod(0o750)
        os.symlink("letters/july.txt", self.laptop.folder / "newest")
        self.add_both()
        self.settle()
        # A program holds its file open; half of it is nobody's business.
        with open(self.desk.folder / "download", "wb") as half:
            half.write(b"half")
            half.flush()
            (self.desk.folder / "beside").write_text("done\n")
            wait_until("beside is there", lambda: (self.laptop.folder / "beside").exists())
            self.assertFalse((self.laptop.folder / "download").exists())
            half.write(b" and whole")
        self.settle()
        self.assertEqual((self.laptop.folder / "download").read_bytes(), b"half and whole")
        # Both directions at once, renames with edits, an editor's save.
        os.rename(self.laptop.folder / "letters", self.laptop.folder / "post")
        (self.laptop.folder / "post/august.txt").write_text("Dear Bo,\n")
        (self.desk.folder / "script.tmp").write_text("#!/bin/bash\n")
        os.rename(self.desk.folder / "script.tmp", self.desk.folder / "script")
        (self.desk.folder / "deep/er/est").mkdir(parents=True)
        self.settle()
        self.assertEqual((self.desk.folder / "post/august.txt").read_text(), "Dear Bo,\n")
        self.assertEqual((self.laptop.folder / "script").read_text(), "#!/bin/bash\n")
        self.assertFalse((self.desk.folder / "letters").exists())
        # What the mount changes, both folders get; and deletes.
        (self.laptop.mount / "post/july.txt").write_text("Dear all,\n")
        os.unlink(self.desk.folder / "newest")
        self.settle()
        wait_until("july has changed", lambda: (self.desk.folder / "post/july.txt").read_text() == "Dear all,\n")
        self.assertFalse(os.path.lexists(self.laptop.folder / "newest"))
        self.assertEqual(self.laptop.status(VAULT)["conflicts"], 0)

    def test_changes_while_both_were_away_are_joined(self):
        self.two_mirrors()
        self.laptop.folder.mkdir()
        for name in ("edited", "deleted", "both", "moved", "quiet"):
            (self.laptop.folder / name).write_text(f"{name}, as it was\n")
        self.add_both()
        self.settle()
        for device in (self.laptop, self.desk):
            device.stop()
        (self.laptop.folder / "edited").write_text("edited while away\n")
        (self.laptop.folder / "both").write_text("of the laptop\n")
        os.rename(self.laptop.folder / "moved", self.laptop.folder / "moved to")
        (self.desk.folder / "both").write_text("of the desk\n")
        (self.desk.folder / "deleted").unlink()
        (self.desk.folder / "new").mkdir()
        (self.desk.folder / "new/file").write_text("new\n")
        for device in (self.laptop, self.desk):
            device.start()
            device.unlock(VAULT)
        wait_until("both are told apart", lambda: len(list(self.laptop.folder.glob("both*"))) == 2)
        self.settle()
        for device in (self.laptop, self.desk):
            names = sorted(path.name for path in device.folder.iterdir() if not path.name.startswith(".lockstep"))
            self.assertEqual([name for name in names if not name.startswith("both")],
                             ["edited", "moved to", "new", "quiet"])
            self.assertEqual({path.read_text() for path in device.folder.glob("both*")},
                             {"of the laptop\n", "of the desk\n"})
            self.assertEqual((device.folder / "edited").read_text(), "edited while away\n")

    def test_a_mass_of_deletes_asks_first(self):
        self.two_mirrors()
        (self.laptop.folder / "many").mkdir(parents=True)
        for number in range(60):
            (self.laptop.folder / f"many/{number}").write_text(f"{number}\n")
        self.add_both()
        self.settle()
        for number in range(60):
            (self.laptop.folder / f"many/{number}").unlink()
        wait_until("the brake holds", lambda: self.mirror(self.laptop)["state"] == "held")
        self.assertEqual(self.laptop.status(VAULT)["status"], "Frozen (mass change)")
        self.assertEqual(self.laptop.json("brake", "show", VAULT)["mirrors"][0]["heldInVault"], 60)
        self.assertIn("60 files were deleted here", self.laptop.call("brake", "show", VAULT).stdout)
        self.assertEqual(len(list((self.desk.folder / "many").iterdir())), 60)
        self.laptop.call("brake", "release", VAULT)
        # The other device asks as well before its own folder loses them.
        wait_until("the other brake holds", lambda: self.mirror(self.desk)["heldInFolder"] == 60)
        self.assertEqual(len(list((self.desk.folder / "many").iterdir())), 60)
        self.desk.call("brake", "release", VAULT)
        self.settle()
        self.assertEqual(list((self.desk.folder / "many").iterdir()), [])

    # Noise in a folder, as of ransomware: it reaches nobody else, and one command takes it back.
    def test_a_mass_of_rewrites_to_noise_is_frozen_and_undone(self):
        self.two_mirrors()
        files = {f"many/{number}": f"{number}: what was written\n".encode() * (1 + number * 10) for number in range(90)}
        for name, content in files.items():
            (self.laptop.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.laptop.folder / name).write_bytes(content)
        self.add_both()
        self.settle()

        def changed(device):
            return [name for name, content in files.items() if (device.folder / name).read_bytes() != content]

        # What was made within ten minutes counts as new: a daemon that starts has forgotten it.
        self.laptop.stop()
        self.laptop.start()
        self.laptop.unlock(VAULT)
        self.settle()
        for name, content in files.items():
            (self.laptop.folder / name).write_bytes(os.urandom(max(len(content), 500)))
        wait_until("the brake holds", lambda: self.laptop.status(VAULT)["status"] == "Frozen (mass change)")
        held = self.laptop.json("brake", "show", VAULT)["rewrites"][0]
        self.assertTrue(held["own"])
        self.assertGreater(held["files"], 20)
        self.assertIn("brake undo", self.laptop.call("brake", "show", VAULT).stdout)
        doctor = self.laptop.call("doctor", check=False)
        self.assertEqual(doctor.returncode, 25)
        self.assertIn("Ransomware", doctor.stdout)
        wait_until("all are imported", lambda: self.mirror(self.laptop)["state"] == "up to date")
        self.assertLessEqual(len(changed(self.desk)), 20)
        self.laptop.call("brake", "undo", VAULT)
        wait_until("the folder has its files again", lambda: not changed(self.laptop), 60)
        wait_until("the other folder too", lambda: not changed(self.desk), 60)
        self.settle()
        self.assertEqual([], self.laptop.json("brake", "show", VAULT)["rewrites"])

    def test_a_folder_without_its_marker_stops_the_mirror(self):
        self.two_mirrors()
        self.laptop.folder.mkdir()
        (self.laptop.folder / "file").write_text("text\n")
        self.add_both()
        self.settle()
        # As when a disk is not mounted: the folder is there, and empty.
        away = self.laptop.folder.with_name("away")
        os.rename(self.laptop.folder, away)
        self.laptop.folder.mkdir()
        wait_until("it stops", lambda: self.mirror(self.laptop)["state"] == "stopped")
        self.assertIn(".lockstep-mirror", self.mirror(self.laptop)["problem"])
        self.laptop.call("vault", "lock", VAULT)
        self.laptop.unlock(VAULT)
        self.assertEqual(self.mirror(self.laptop)["state"], "stopped")
        self.assertEqual((self.desk.folder / "file").read_text(), "text\n")
        self.laptop.folder.rmdir()
        os.rename(away, self.laptop.folder)
        self.laptop.call("vault", "lock", VAULT)
        self.laptop.unlock(VAULT)
        self.settle()

    def test_what_is_refused_and_what_is_ignored(self):
        world = self.two_mirrors()
        laptop = self.laptop
        laptop.folder.mkdir()
        (laptop.folder / ".lockstepignore").write_text("*.o\n")
        self.add(laptop, "--no-brake")
        for overlap in (laptop.mount, laptop.mount / "below", laptop.folder, laptop.folder / "below", laptop.home,
                        laptop.vault_directory(VAULT), laptop.folder.parent):
            self.assertNotEqual(laptop.exit_code("mirror", "add", VAULT, overlap), 0, overlap)
        os.symlink(laptop.folder, world.directory / "link")
        self.assertNotEqual(laptop.exit_code("mirror", "add", VAULT, world.directory / "link/below"), 0)
        self.assertEqual(laptop.exit_code("mirror", "add", VAULT + ":missing", world.directory / "other"), 10)
        self.assertEqual(laptop.exit_code("mount", VAULT, laptop.folder / "inside"), 2)
        (laptop.folder / "x.o").write_text("object\n")
        (laptop.folder / "x.c").write_text("source\n")
        wait_until("x.c is in the vault", lambda: (laptop.mount / "x.c").exists())
        laptop.wait(VAULT)
        self.assertFalse((laptop.mount / "x.o").exists())
        self.assertEqual(laptop.json("mirror", "ignore-test", laptop.folder / "sub/y.o")["rule"], "*.o")
        self.assertFalse(laptop.json("mirror", "ignore-test", laptop.folder / "y.c")["ignored"])
        # A folder of the vault, and the end of a mirror.
        (laptop.mount / "part").mkdir()
        part = world.directory / "part"
        laptop.call("mirror", "add", VAULT + ":part", part)
        (part / "inside").write_text("inside\n")
        wait_until("it is in the vault", lambda: (laptop.folder / "part/inside").exists())
        laptop.call("mirror", "remove", part)
        self.assertFalse((part / ".lockstep-mirror").exists())
        self.assertEqual((part / "inside").read_text(), "inside\n")
        self.assertEqual(len(laptop.json("mirror", "list")["mirrors"]), 1)
        self.assertEqual(laptop.exit_code("mirror", "remove", part), 10)


if __name__ == "__main__":
    if why := why_no_mounts():
        print(why)
        sys.exit(77)
    unittest.main()
