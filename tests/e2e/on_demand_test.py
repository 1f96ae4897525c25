#!/usr/bin/python3
"""Content that is not on every device: real daemons and mounts, driven by the CLI alone.

usage: on_demand_test.py [OnDemand.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted.
"""
import hashlib
import os
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import MIB, World, wait_until, why_no_mounts  # noqa: E402

VAULT = "papers"


def noise(name, size):
    """Bytes that no compressor makes smaller, the same for the same name."""
    return hashlib.shake_256(name.encode()).digest(size)


class OnDemand(unittest.TestCase):
    def make_world(self, *names, on_demand=("desk",), wants_relay=False):
        world = World(prefix="lockstep-demand-", wants_relay=wants_relay)
        self.addCleanup(world.close)
        self.laptop, *self.others = devices = [world.add_device(name) for name in names]
        self.laptop.create(VAULT)
        for device in self.others:
            device.join(self.laptop.invite(VAULT))
        for device in devices:
            if device.name in on_demand:
                device.call("keep", VAULT, "on-demand")
            setattr(self, device.name, device)
        return world

    def write(self, device, path, size):
        content = noise(path, size)
        target = device.mount / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return content

    def settle(self, *devices):
        for device in (*devices, devices[0]):
            device.wait(VAULT, timeout=60)

    def bytes_here(self, device):
        """Of packs and of cached ranges."""
        state = device.home / "state"
        cached = sum(file.stat().st_size for file in state.rglob("*.ranges"))
        return device.status(VAULT)["packBytes"], cached

    def attribute(self, device, path, name="status"):
        return os.getxattr(device.mount / path, f"user.lockstep.{name}").decode()

    def holds(self, device, path):
        answer = device.json("whereis", f"{VAULT}:{path}")
        return {one["label"]: one["holds"] for one in answer["devices"]}

    def test_a_device_that_joins_on_demand_fetches_no_content_unasked(self):
        self.make_world("laptop", "desk", on_demand=())
        contents = {path: self.write(self.laptop, path, size)
                    for path, size in {"first.bin": 4 * MIB, "second.bin": 100_000}.items()}
        self.settle(self.laptop, self.desk)
        phone = self.laptop.world.add_device("phone")
        phone.join(self.laptop.invite(VAULT), "--on-demand")
        self.settle(self.laptop, phone)
        for path, content in contents.items():
            self.assertEqual((phone.mount / path).stat().st_size, len(content))
            self.assertEqual(self.attribute(phone, path), "absent")
        self.assertLess(sum(self.bytes_here(phone)), MIB)
        self.assertEqual((phone.mount / "second.bin").read_bytes(), contents["second.bin"])
        phone.kill()
        phone.start()
        phone.call("vault", "unlock", VAULT, "--passphrase-file", self.laptop.world.passphrase_file)
        self.settle(self.laptop, phone)
        self.assertEqual(self.attribute(phone, "first.bin"), "absent")

    def test_lists_everything_and_reads_a_range_without_the_rest(self):
        self.make_world("laptop", "desk")
        content = self.write(self.laptop, "films/first.bin", 40 * MIB)
        self.settle(self.laptop, self.desk)
        film = self.desk.mount / "films/first.bin"
        self.assertEqual(film.stat().st_size, len(content))
        self.assertEqual(self.attribute(self.desk, "films/first.bin"), "absent")
        before = sum(self.bytes_here(self.desk))
        self.assertLess(before, MIB)
        with open(film, "rb", buffering=0) as file:
            self.assertEqual(os.pread(file.fileno(), 65536, 20 * MIB), content[20 * MIB:20 * MIB + 65536])
        self.assertLess(sum(self.bytes_here(self.desk)), 6 * MIB)
        self.assertEqual(self.attribute(self.desk, "films/first.bin"), "partial")
        self.assertEqual(self.holds(self.desk, "films/first.bin"), {"laptop": "all", "desk": "a part"})
        # A player reads on and on.
        with open(film, "rb") as file:
            self.assertEqual(file.read(), content)
        wait_until("the rest of its packs has come, too",
                   lambda: self.attribute(self.desk, "films/first.bin") == "local", 30)
        # What was read is there without the other device, also after a restart.
        self.desk.stop()
        self.laptop.stop()
        self.desk.start()
        self.desk.unlock(VAULT)
        self.assertEqual(film.read_bytes(), content)
        self.laptop.start()
        self.laptop.unlock(VAULT)

    def test_pinned_folders_come_whole_and_stay(self):
        self.make_world("laptop", "desk")
        self.desk.call("status")
        kept = self.write(self.laptop, "letters/kept.bin", 5 * MIB)
        self.laptop.wait(VAULT)
        self.write(self.laptop, "films/absent.bin", 20 * MIB)
        self.settle(self.laptop, self.desk)
        self.assertEqual(self.attribute(self.desk, "letters/kept.bin"), "absent")
        self.desk.call("pin", f"{VAULT}:letters")
        wait_until("the pinned file is here", lambda: self.attribute(self.desk, "letters/kept.bin") == "pinned", 30)
        self.assertEqual(self.attribute(self.desk, "letters", "pinned"), "1")
        self.assertEqual(self.attribute(self.desk, "films/absent.bin"), "absent")
        # What comes later into the folder as well, and under its new name.
        self.settle(self.laptop, self.desk)
        (self.laptop.mount / "letters").rename(self.laptop.mount / "post")
        later = self.write(self.laptop, "post/later.bin", 3 * MIB)
        wait_until("the later file is here", lambda: self.attribute(self.desk, "post/later.bin") == "pinned", 30)
        refused = self.desk.call("evict", f"{VAULT}:post", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("pinned", refused.stdout)
        self.settle(self.laptop, self.desk)
        self.laptop.stop()
        self.assertEqual((self.desk.mount / "post/kept.bin").read_bytes(), kept)
        self.assertEqual((self.desk.mount / "post/later.bin").read_bytes(), later)
        self.laptop.start()
        self.laptop.unlock(VAULT)
        self.desk.call("unpin", f"{VAULT}:post")
        self.assertEqual(self.desk.json("keep", f"{VAULT}:post")["here"]["keep"], "on-demand")

    def test_evicts_what_another_device_keeps_and_reads_it_again(self):
        self.make_world("laptop", "desk")
        content = self.write(self.desk, "films/mine.bin", 20 * MIB)
        self.settle(self.desk, self.laptop)
        self.assertGreater(self.bytes_here(self.desk)[0], 20 * MIB)
        answer = self.desk.json("evict", f"{VAULT}:films")
        self.assertGreaterEqual(answer["bytes"], 20 * MIB, answer)
        self.assertEqual(self.attribute(self.desk, "films/mine.bin"), "absent")
        self.assertEqual(self.holds(self.desk, "films/mine.bin"), {"laptop": "all", "desk": "nothing"})
        self.assertEqual((self.desk.mount / "films/mine.bin").read_bytes(), content)
        self.assertEqual(self.desk.status(VAULT)["alarms"], [])
        self.desk.call("vault", "check", VAULT)
        # The one that promised does not evict now, whatever it would like.
        self.laptop.call("keep", VAULT, "on-demand")
        refused = self.laptop.call("evict", f"{VAULT}:films", check=False)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("promised to another device", refused.stdout)
        self.assertEqual((self.laptop.mount / "films/mine.bin").read_bytes(), content)

    def test_the_only_copy_is_never_evicted(self):
        world = self.make_world("laptop", "desk", on_demand=("laptop", "desk"))
        content = self.write(self.laptop, "films/only.bin", 6 * MIB)
        self.settle(self.laptop, self.desk)
        # The other one has it not.
        refused = self.laptop.call("evict", f"{VAULT}:films", check=False)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("only copy", refused.stdout)
        # Nobody is there to ask.
        world.cut(self.desk, VAULT)
        self.assertEqual(self.laptop.exit_code("evict", f"{VAULT}:films"), 1)
        world.heal(self.desk)
        self.assertEqual((self.laptop.mount / "films/only.bin").read_bytes(), content)

    def test_two_that_evict_at_once_do_not_rely_on_each_other(self):
        self.make_world("laptop", "desk", "phone", on_demand=("phone",), wants_relay=True)
        for device in (self.laptop, self.desk, self.phone):
            wait_until("all are connected", lambda: all(peer["connected"] for peer in device.status(VAULT)["peers"]), 60)
        contents = {f"films/{number}.bin": self.write(self.laptop, f"films/{number}.bin", 5 * MIB) for number in range(4)}
        self.settle(self.laptop, self.desk, self.phone)
        for path in contents:
            # Who is busy says less than it holds. A small pack may have come to phone unasked.
            wait_until("both say that they hold it", lambda: all(
                self.holds(self.phone, path)[label] == "all" for label in ("laptop", "desk")), 30)
            self.assertNotEqual("all", self.holds(self.phone, path)["phone"])
        for device in (self.laptop, self.desk):
            device.call("keep", VAULT, "on-demand")
        evictions = [threading.Thread(target=device.call, args=("evict", f"{VAULT}:films"), kwargs={"check": False})
                     for device in (self.laptop, self.desk) for _ in range(2)]
        for eviction in evictions:
            eviction.start()
        for eviction in evictions:
            eviction.join(60)
        for path, content in contents.items():
            # Each of the two may keep some packs of a file for the other.
            self.assertEqual((self.phone.mount / path).read_bytes(), content)

    def test_readers_of_what_nobody_has_get_an_error_and_do_not_hold_up_a_lock(self):
        world = self.make_world("laptop", "desk")
        content = self.write(self.laptop, "films/away.bin", 6 * MIB)
        self.settle(self.laptop, self.desk)
        world.cut(self.laptop, VAULT)
        film = self.desk.mount / "films/away.bin"
        with open(film, "rb", buffering=0) as file, self.assertRaises(OSError):
            os.pread(file.fileno(), 4096, 3 * MIB)
        # Readers that wait go when they are told to, and nobody waits for them.
        readers = [subprocess.Popen(["cat", film], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
        readers[0].send_signal(signal.SIGINT)
        self.assertEqual(readers[0].wait(60), -signal.SIGINT)
        self.desk.call("vault", "lock", VAULT, "--force")
        self.assertNotEqual(readers[1].wait(60), 0)
        self.desk.unlock(VAULT)
        world.heal(self.laptop)
        wait_until("both are connected again", lambda: self.desk.status(VAULT)["peers"][0]["connected"], 60)
        self.assertEqual(film.read_bytes(), content)

    def test_nothing_is_evicted_from_a_directory_that_two_devices_use(self):
        world = self.make_world("laptop", on_demand=())
        desk = world.add_device("desk")
        desk.call("vault", "open", self.laptop.vault_directory(VAULT), "--name", VAULT, "--mount", desk.mount,
                  "--passphrase-file", world.passphrase_file)
        content = self.write(self.laptop, "films/shared.bin", 3 * MIB)
        wait_until("the file is on desk", lambda: (desk.mount / "films/shared.bin").read_bytes() == content)
        for device in (self.laptop, desk):
            device.call("keep", VAULT, "on-demand")
            refused = device.call("evict", VAULT, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("other devices use this vault directory", refused.stderr)
        self.assertEqual((desk.mount / "films/shared.bin").read_bytes(), content)

    def test_a_vault_has_a_cache_of_its_own_size(self):
        self.make_world("laptop", "desk")
        self.assertIn("as in all vaults", self.desk.call("quota", VAULT).stdout)
        for number in range(6):
            self.write(self.laptop, f"film{number}", 4 * MIB)
        self.settle(self.laptop, self.desk)
        for number in range(6):
            self.assertEqual(noise(f"film{number}", 4 * MIB), (self.desk.mount / f"film{number}").read_bytes())
        self.assertGreater(sum(self.bytes_here(self.desk)), 23 * MIB)
        self.assertEqual(16 * MIB, self.desk.json("quota", VAULT, "16M")["quotaBytes"])
        wait_until("what is too much has gone", lambda: sum(self.bytes_here(self.desk)) <= 16 * MIB, 60, 0.2)
        self.desk.stop()
        self.desk.start()
        self.assertIn("16.0 MiB of content on demand", self.desk.call("quota", VAULT).stdout)
        self.desk.call("quota", VAULT, "none")
        self.assertEqual(0, self.desk.status(VAULT)["quotaBytes"])
        for wrong in ("15M", "0", "much"):
            self.assertEqual(self.desk.exit_code("quota", VAULT, wrong), 2)

    def test_words_for_what_cannot_be(self):
        self.make_world("laptop", "desk")
        self.assertEqual(self.desk.exit_code("pin", f"{VAULT}:nowhere"), 10)
        self.assertEqual(self.desk.exit_code("keep", VAULT, "sometimes"), 2)
        self.assertEqual(self.desk.exit_code("whereis", f"{VAULT}:nowhere"), 10)
        self.assertEqual(self.laptop.exit_code("evict", VAULT), 0)
        self.desk.call("vault", "lock", VAULT)
        self.assertEqual(self.desk.exit_code("pin", f"{VAULT}:letters"), 11)


if __name__ == "__main__":
    if why := why_no_mounts():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(verbosity=2)
