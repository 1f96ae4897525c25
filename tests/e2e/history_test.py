#!/usr/bin/python3
"""What a vault held before: real daemons and mounts, driven by the CLI alone.

usage: history_test.py [History.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted.
"""
import hashlib
import os
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import World, wait_until, why_no_mounts  # noqa: E402

VAULT = "papers"


def noise(name, size):
    return hashlib.shake_256(name.encode()).digest(size)


def tree(directory):
    """path → content; directories end in '/'."""
    found = {}
    for top, directories, files in os.walk(directory):
        for name in directories:
            found[os.path.relpath(os.path.join(top, name), directory) + "/"] = None
        for name in files:
            path = Path(top, name)
            found[os.path.relpath(path, directory)] = os.readlink(path) if path.is_symlink() else path.read_bytes()
    return found


class History(unittest.TestCase):
    def make_world(self, *names):
        world = World(prefix="lockstep-history-", wants_relay=False)
        self.addCleanup(world.close)
        self.laptop, *others = devices = [world.add_device(name) for name in names]
        self.laptop.create(VAULT)
        for device in others:
            device.join(self.laptop.invite(VAULT))
        for device in devices:
            setattr(self, device.name, device)
        self.world = world

    def settle(self, *devices):
        for device in (*devices, devices[0]):
            device.wait(VAULT, timeout=60)

    def moment(self, device):
        """A time at which all is published, and which nothing later shares."""
        device.wait(VAULT, timeout=60)
        def clock():
            return time.time_ns() // 1_000_000
        before = clock()
        wait_until("the clock goes on", lambda: clock() > before + 1, interval=0.001)
        now = clock()
        wait_until("the clock goes on", lambda: clock() > now + 1, interval=0.001)
        return f"@{now}"

    def write_tree(self, top):
        (top / "letters/old").mkdir(parents=True)
        (top / "letters/july.txt").write_text("first")
        (top / "letters/old/june.txt").write_text("june")
        (top / "film").write_bytes(noise("film", 700_000))
        os.symlink("july.txt", top / "letters/link")
        (top / "letters/july.txt").chmod(0o640)

    def test_a_file_a_folder_and_deleted_things_come_back(self):
        self.make_world("laptop")
        mount, call = self.laptop.mount, self.laptop.call
        self.write_tree(mount)
        then, shown = self.moment(self.laptop), tree(mount)
        (mount / "letters/july.txt").write_text("second, longer")
        (mount / "film").write_bytes(noise("other film", 500_000))
        self.moment(self.laptop)
        versions = self.laptop.json("history", f"{VAULT}:letters/july.txt")["versions"]
        self.assertEqual([("shown", 14), ("replaced", 5)], [(one["end"], one["size"]) for one in versions])
        call("restore", f"{VAULT}:letters/july.txt", "--version", versions[1]["id"])
        self.assertEqual("first", (mount / "letters/july.txt").read_text())
        self.assertEqual(0o640, (mount / "letters/july.txt").stat().st_mode & 0o777)
        call("restore", f"{VAULT}:film", "--at", then, "--to", "films/old")
        self.assertEqual(noise("film", 700_000), (mount / "films/old").read_bytes())
        self.assertEqual(noise("other film", 500_000), (mount / "film").read_bytes())
        run = call("restore", f"{VAULT}:film", "--at", then, "--to", "films/old", check=False)
        self.assertEqual(1, run.returncode, run.stderr)
        # Gone with all that was in it.
        for path in ("letters/old/june.txt", "letters/july.txt", "letters/link"):
            (mount / path).unlink()
        (mount / "letters/old").rmdir()
        (mount / "letters").rmdir()
        self.moment(self.laptop)
        self.assertEqual(["letters"], [one["name"] for one in self.laptop.json("history", f"{VAULT}:")["deleted"] if one["type"] == "directory"])
        call("restore", f"{VAULT}:letters")
        now = tree(mount)
        self.assertEqual({path: shown[path] for path in shown if path.startswith("letters")},
                         {path: now[path] for path in now if path.startswith("letters")})
        # To this machine, and listed without restoring.
        out = self.world.directory / "then"
        call("restore", f"{VAULT}:", "--at", then, "--output", out)
        self.assertEqual(shown, tree(out))
        names = {one["name"] for one in self.laptop.json("ls", f"{VAULT}:", "--at", then)["entries"]}
        self.assertEqual({"letters", "film"}, names)

    def test_the_past_is_shown_by_mounts_and_snapshots(self):
        self.make_world("laptop", "desk")
        mount, call = self.laptop.mount, self.laptop.call
        self.write_tree(mount)
        self.settle(self.laptop, self.desk)
        call("snapshot", "create", VAULT, "monday")
        shown = tree(mount)
        then = self.moment(self.laptop)
        self.settle(self.laptop, self.desk)
        (mount / "film").unlink()
        (mount / "letters/july.txt").write_text("later")
        self.settle(self.laptop, self.desk)
        self.assertNotIn(".lockstep", os.listdir(mount))
        self.assertEqual(["snapshots"], os.listdir(mount / ".lockstep"))
        for device in (self.laptop, self.desk):
            place = device.mount / ".lockstep/snapshots"
            self.assertIn("monday", os.listdir(place))
            self.assertEqual(shown, tree(place / "monday"))
            with self.assertRaises(OSError):
                (place / "monday/film").write_bytes(b"")
            with self.assertRaises(FileNotFoundError):
                os.stat(place / "tuesday")
        call("snapshot", "create", VAULT, "tuesday", "--at", then)
        self.settle(self.laptop, self.desk)
        wait_until("the new snapshot is seen", lambda: (self.desk.mount / ".lockstep/snapshots/tuesday").is_dir())
        at = self.world.directory / "then"
        call("mount", VAULT, at, "--at", then)
        self.assertEqual(shown, tree(at))
        with self.assertRaises(OSError):
            (at / "new").write_text("x")
        call("unmount", at, "--forget")
        call("snapshot", "delete", VAULT, "monday")
        self.assertEqual(["tuesday"], [one["name"] for one in self.laptop.json("snapshot", "list", VAULT)["snapshots"]])

    def test_an_undo_takes_back_one_devices_changes_everywhere(self):
        self.make_world("laptop", "desk")
        self.write_tree(self.laptop.mount)
        self.settle(self.laptop, self.desk)
        shown, since = tree(self.laptop.mount), self.moment(self.laptop)
        desk = self.desk.mount
        (desk / "film").write_bytes(noise("ransom", 700_000))
        (desk / "letters/july.txt").unlink()
        (desk / "letters/old").rename(desk / "stolen")
        (desk / "READ_ME").write_text("pay")
        self.settle(self.desk, self.laptop)
        found = {(one["kind"], one["path"]) for one in self.laptop.json("diff", VAULT, "--from", since)["differences"]}
        self.assertEqual({("changed", "film"), ("removed", "letters/july.txt"), ("renamed", "stolen"), ("added", "READ_ME")}, found)
        plan = self.laptop.json("undo", VAULT, "--device", "desk", "--since", since, "--dry-run")
        self.assertEqual([], plan["left"])
        self.assertEqual(noise("ransom", 700_000), (self.laptop.mount / "film").read_bytes())
        done = self.laptop.json("undo", VAULT, "--device", "desk", "--since", since)
        self.assertEqual(len(plan["done"]), len(done["done"]))
        self.assertEqual(shown, tree(self.laptop.mount))
        self.settle(self.laptop, self.desk)
        wait_until("the desk shows what was", lambda: tree(desk) == shown)

    def test_retention_is_chosen_for_all_and_words_for_what_cannot_be(self):
        self.make_world("laptop", "desk")
        self.assertEqual({"policy": "all 30d", "own": False, "cutMs": 0}, self.laptop.json("retention", VAULT))
        self.laptop.call("retention", VAULT, "all 30d, daily 1y")
        self.settle(self.laptop, self.desk)
        chosen = {"policy": "all 30d, daily 1y", "own": True, "cutMs": 0}
        self.assertEqual(chosen, self.desk.json("retention", VAULT))
        self.desk.call("retention", VAULT, "--quota", "50M")
        self.settle(self.laptop, self.desk)
        self.assertEqual({**chosen, "quotaBytes": 50 << 20}, self.laptop.json("retention", VAULT))
        self.laptop.call("retention", VAULT, "--quota", "none")
        self.settle(self.laptop, self.desk)
        self.assertEqual(chosen, self.desk.json("retention", VAULT))
        for words in (("retention", VAULT, "all 1d"), ("history", f"{VAULT}:nothing"), ("restore", f"{VAULT}:nothing"),
                      ("diff", VAULT, "--from", "never"), ("undo", VAULT, "--device", "nobody", "--since", "1h"),
                      ("snapshot", "delete", VAULT, "none"), ("snapshot", "create", VAULT, "a/b")):
            with self.subTest(words):
                run = self.laptop.call(*words, check=False)
                self.assertIn(run.returncode, (1, 2, 10), run.stderr)
                self.assertTrue(run.stderr.startswith("lockstep: "), run.stderr)

    def test_a_damaged_pack_is_fetched_again(self):
        self.make_world("laptop", "desk")
        (self.laptop.mount / "film").write_bytes(noise("film", 700_000))
        self.settle(self.laptop, self.desk)
        pack = next(Path(self.laptop.vault_directory(VAULT)).rglob("*.pack"))
        good = pack.read_bytes()
        pack.write_bytes(good[:5000] + b"damaged" + good[5007:])
        run = self.laptop.call("vault", "check", VAULT, "--repair", "--json", check=False)
        self.assertEqual(26, run.returncode, run.stderr)
        wait_until("the pack is whole again", lambda: pack.read_bytes() == good, timeout=60)
        self.assertEqual(0, self.laptop.call("vault", "check", VAULT, check=False).returncode)


if __name__ == "__main__":
    if why := why_no_mounts():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(verbosity=2)
