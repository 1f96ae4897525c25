#!/usr/bin/python3
"""Real daemons, relay and mounts, driven by the CLI alone.

usage: e2e_test.py [TestClass.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted.
"""
import contextlib
import hashlib
import json
import mmap
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import plaintext_search  # noqa: E402
from lockstep_world import PASSPHRASE, World, check_equal, run, tree_difference, wait_until, why_no_mounts  # noqa: E402

VAULT = "papers"
SIBLING = re.compile(r"notes \(conflict from (laptop|desk) \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\)\.txt")


def write_small_tree(top):
    """A few of everything that a tree can hold."""
    (top / "letters/old").mkdir(parents=True)
    (top / "empty folder").mkdir()
    (top / "letters/july.txt").write_text("Dear Ana,\n")
    (top / "letters/old/empty").write_bytes(b"")
    (top / "letters/old/ünïcödé \U0001f511").write_text("names are bytes\n")
    (top / "photo.raw").write_bytes(hashlib.shake_256(b"photo").digest(3 << 20))
    (top / "text.log").write_text("the same line again\n" * 20000)
    (top / "script").write_text("#!/bin/sh\n")
    (top / "script").chmod(0o750)
    os.symlink("letters/july.txt", top / "newest")
    os.symlink("/nowhere", top / "dangling")
    os.utime(top / "letters/july.txt", ns=(10**18, 10**18 + 123456789))


class E2e(unittest.TestCase):
    def make_world(self, **options):
        world = World(prefix="lockstep-e2e-", **options)
        self.addCleanup(world.close)
        return world

    def two_devices(self, role="writer", **options):
        """Laptop has made a vault, desk has joined it."""
        world = self.make_world(**options)
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        laptop.create(VAULT)
        desk.join(laptop.invite(VAULT, role))
        return world, laptop, desk

    def in_step(self, *devices):
        for device in (*devices, devices[0]):
            device.wait(VAULT, timeout=60, copies=1)

    def assert_synced(self, laptop, desk):
        self.in_step(laptop, desk)
        check_equal("the mounts", laptop.mount, desk.mount)


class Sync(E2e):
    def test_two_devices_with_a_relay(self):
        world, laptop, desk = self.two_devices()
        write_small_tree(laptop.mount)
        self.assert_synced(laptop, desk)
        (desk.mount / "letters/july.txt").write_text("Dear Ana, dear Bo,\n")
        os.rename(desk.mount / "letters", desk.mount / "post")
        (desk.mount / "photo.raw").unlink()
        wait_until("the changes of desk are on laptop", lambda: not (laptop.mount / "photo.raw").exists() and
                   (laptop.mount / "post/july.txt").read_text() == "Dear Ana, dear Bo,\n")
        self.assert_synced(laptop, desk)

    def test_two_devices_without_a_relay(self):
        world, laptop, desk = self.two_devices(wants_relay=False)
        write_small_tree(laptop.mount)
        self.assert_synced(laptop, desk)
        # Nor is one needed to meet again.
        for device in (laptop, desk):
            device.stop()
        for device in (laptop, desk):
            device.start()
            device.unlock(VAULT)
        (desk.mount / "again").write_text("met again\n")
        wait_until("the file is on laptop", lambda: (laptop.mount / "again").read_text() == "met again\n", 60)
        self.assert_synced(laptop, desk)

    def test_remote_changes_show_in_open_and_mapped_files(self):
        world, laptop, desk = self.two_devices()
        (laptop.mount / "letters").mkdir()
        (laptop.mount / "letters/july.txt").write_text("Dear Ana,\n" + "a" * 8000)
        self.in_step(laptop, desk)
        folder = world.directory / "mounts" / "desk-letters"
        desk.call("mount", f"{VAULT}:letters", folder)
        self.addCleanup(desk.call, "unmount", folder, "--force", check=False)
        # Both mounts of desk have the file open, read, mapped and its attributes and names cached.
        paths = [desk.mount / "letters/july.txt", folder / "july.txt"]
        readers = [open(path, "rb", buffering=0) for path in paths]
        maps = [mmap.mmap(reader.fileno(), 0, prot=mmap.PROT_READ) for reader in readers]
        for mapped in maps:
            self.addCleanup(mapped.close)
        for reader in readers:
            self.addCleanup(reader.close)
        for reader, mapped, path in zip(readers, maps, paths):
            self.assertEqual(os.pread(reader.fileno(), 9, 0), b"Dear Ana,")
            self.assertEqual(mapped[4096], ord("a"))
            self.assertFalse((path.parent / "august.txt").exists())
        (laptop.mount / "letters/july.txt").write_text("Dear Bo,\n" + "b" * 9000)
        (laptop.mount / "letters/july.txt").chmod(0o600)
        (laptop.mount / "letters/august.txt").write_text("too hot\n")
        for reader, mapped, path in zip(readers, maps, paths):
            wait_until("the open file shows the new bytes", lambda: os.pread(reader.fileno(), 9, 0) == b"Dear Bo,\n")
            wait_until("the mapped file shows the new bytes", lambda: mapped[4096] == ord("b"))
            wait_until("the open file shows its size", lambda: os.fstat(reader.fileno()).st_size == 9009)
            wait_until("the open file shows its mode", lambda: os.fstat(reader.fileno()).st_mode & 0o777 == 0o600)
            wait_until("the name shows", lambda: (path.parent / "august.txt").exists())
            self.assertEqual(os.pread(reader.fileno(), 10000, 0), b"Dear Bo,\n" + b"b" * 9000)

    def test_a_third_device_gets_everything_from_the_second(self):
        world, laptop, desk = self.two_devices(role="owner")
        write_small_tree(laptop.mount)
        self.in_step(laptop, desk)
        laptop.stop()
        phone = world.add_device("phone")
        phone.join(desk.invite(VAULT))
        phone.wait(VAULT, timeout=60)
        check_equal("the mounts", desk.mount, phone.mount)

    def test_conflict_keeps_both_versions_on_both(self):
        world, laptop, desk = self.two_devices()
        (laptop.mount / "notes.txt").write_text("before\n")
        self.in_step(laptop, desk)
        world.cut(desk, VAULT)
        (laptop.mount / "notes.txt").write_text("from laptop\n")
        (desk.mount / "notes.txt").write_text("from desk\n")
        world.heal(desk)
        for device in (laptop, desk):
            wait_until(f"both versions are on {device.name}", lambda: sorted(
                path.read_text() for path in device.mount.iterdir()) == ["from desk\n", "from laptop\n"], 60)
            names = sorted(path.name for path in device.mount.iterdir())
            self.assertEqual("notes.txt", names[1])
            self.assertRegex(names[0], SIBLING)
            found = device.json("conflicts", "list", VAULT)["conflicts"]
            self.assertEqual([names[0]], [Path(conflict["sibling"]).name for conflict in found])
            self.assertEqual(14, device.exit_code("status", "--exit-code"))
        self.assert_synced(laptop, desk)
        # Removing the sibling settles it for both.
        (desk.mount / names[0]).unlink()
        wait_until("the sibling is gone from laptop", lambda: not (laptop.mount / names[0]).exists())
        self.assertEqual(0, laptop.exit_code("status", "--exit-code"))

    def test_a_conflict_is_ended_as_told_on_both(self):
        world, laptop, desk = self.two_devices()

        def disagree(name):
            (laptop.mount / name).write_text("before\n")
            self.in_step(laptop, desk)
            world.cut(desk, VAULT)
            (laptop.mount / name).write_text("from laptop\n")
            (desk.mount / name).write_text("from desk\n")
            world.heal(desk)
            for device in (laptop, desk):
                wait_until(f"{device.name} has the conflict", lambda: device.status(VAULT)["conflicts"] == 1, 60)

        def contents(device):
            return sorted(path.read_text() for path in device.mount.iterdir())

        def end(device, *words):
            device.call("conflicts", "resolve", *words)
            for one in (laptop, desk):
                wait_until(f"{one.name} has no conflict", lambda: one.status(VAULT)["conflicts"] == 0, 30)
            self.assert_synced(laptop, desk)
        disagree("notes.txt")
        self.assertFalse(laptop.json("explain", f"{VAULT}:notes.txt")["inStep"])
        end(laptop, f"{VAULT}:notes.txt", "--keep", "mine")
        self.assertEqual(["from laptop\n"], contents(desk))
        disagree("notes.txt")
        end(laptop, f"{VAULT}:notes.txt", "--keep", "theirs")
        self.assertEqual(["from desk\n"], contents(laptop))
        disagree("notes.txt")
        end(desk, f"{VAULT}:notes.txt", "--keep", "both")
        self.assertEqual(["from desk\n", "from laptop\n"], contents(laptop))
        self.assertTrue(laptop.json("explain", f"{VAULT}:notes.txt")["inStep"])

    def test_bandwidth_limits_count_and_are_lifted(self):
        world, laptop, desk = self.two_devices()
        # All devices of a test are on one local network.
        laptop.call("config", "set", "network.limit_lan", "true")
        laptop.call("config", "set", "network.limit_up", "1024")
        self.assertEqual(1 << 20, laptop.json("status")["limitUp"])
        laptop.call("pause")
        laptop.call("resume")
        laptop.wait(VAULT, copies=1)
        began = time.monotonic()
        (laptop.mount / "film").write_bytes(os.urandom(5 << 20))
        laptop.call("wait", VAULT, "--published")
        wait_until("desk knows of the film", lambda: desk.status(VAULT)["missingPacks"] > 0)
        # On a terminal a wait draws how far it has come.
        leader, follower = os.openpty()
        watcher = subprocess.Popen(desk.command("wait", VAULT, "--timeout", "60s"), stderr=follower,
                                   stdout=subprocess.DEVNULL, env={**os.environ, **desk.environment})
        os.close(follower)
        drawn = bytearray()
        with contextlib.suppress(OSError):
            while piece := os.read(leader, 4096):
                drawn += piece
        self.assertEqual(0, watcher.wait(60))
        os.close(leader)
        self.assertRegex(drawn.decode(), r"papers: \[#*\.+\] +\d+ % ")
        wait_until("the film is on desk", lambda: (desk.mount / "film").stat().st_size == 5 << 20)
        desk.wait(VAULT, copies=1)
        # Never faster than allowed, but for what is sent before the first count.
        self.assertGreater(time.monotonic() - began, 3)
        laptop.call("config", "set", "network.limit_up", "0")
        (laptop.mount / "series").write_bytes(os.urandom(80 << 20))
        self.in_step(laptop, desk)

    def test_explain_names_what_a_file_waits_for(self):
        world, laptop, desk = self.two_devices()
        (laptop.mount / "plan").write_text("text\n")
        self.in_step(laptop, desk)

        def codes(device):
            return [reason["code"] for reason in device.json("explain", f"{VAULT}:plan")["reasons"]]
        self.assertEqual([], codes(laptop))
        with open(laptop.mount / "plan", "a") as file:
            file.write("more\n")
            file.flush()
            self.assertIn("being_written", codes(laptop))
        self.in_step(laptop, desk)
        self.assertEqual([], codes(desk))
        desk.stop()
        wait_until("laptop is alone", lambda: "disconnected" in codes(laptop), 60)
        laptop.call("pause", VAULT)
        self.assertEqual(["paused"], codes(laptop))

    def test_a_device_that_joins_again_gets_its_own_past_back_without_an_alarm(self):
        world, laptop, desk = self.two_devices()
        (desk.mount / "plan").write_text("by desk\n")
        self.assert_synced(laptop, desk)
        desk.call("vault", "remove", VAULT, "--delete-data", "--yes")
        desk.join(laptop.invite(VAULT))
        self.assert_synced(laptop, desk)
        self.assertEqual("by desk\n", (desk.mount / "plan").read_text())
        for device in (laptop, desk):
            self.assertEqual([], device.status(VAULT)["alarms"])

    def test_a_restored_device_that_wrote_before_it_met_anybody_loses_nothing(self):
        world, laptop, desk = self.two_devices()
        (laptop.mount / "plan").write_text("first\n")
        self.assert_synced(laptop, desk)
        laptop.stop()
        backup = world.directory / "backup"
        shutil.copytree(laptop.home, backup, symlinks=True)
        laptop.start()
        laptop.unlock(VAULT)
        for number in range(40):
            (laptop.mount / f"after the backup {number}").write_text(f"{number}\n")
            laptop.call("wait", VAULT, "--published")
        (laptop.mount / "plan").write_text("second\n")
        self.assert_synced(laptop, desk)
        laptop.stop()
        desk.stop()
        shutil.rmtree(laptop.home)
        shutil.copytree(backup, laptop.home, symlinks=True)
        laptop.start()
        laptop.unlock(VAULT)
        self.assertEqual(["plan"], sorted(os.listdir(laptop.mount)))
        for number in range(5):
            (laptop.mount / f"after the restore {number}").write_text(f"{number}\n")
            laptop.call("wait", VAULT, "--published")
        desk.start()
        desk.unlock(VAULT)
        self.assert_synced(laptop, desk)
        self.assertEqual("second\n", (laptop.mount / "plan").read_text())
        self.assertEqual(46, len(os.listdir(laptop.mount)))
        for device in (laptop, desk):
            self.assertIn("cloned or restored", " ".join(device.status(VAULT)["alarms"]))

    def test_edit_survives_a_delete(self):
        world, laptop, desk = self.two_devices()
        (laptop.mount / "plan").write_text("before\n")
        self.in_step(laptop, desk)
        world.cut(desk, VAULT)
        (laptop.mount / "plan").unlink()
        (desk.mount / "plan").write_text("edited\n")
        world.heal(desk)
        for device in (laptop, desk):
            wait_until(f"the edit is on {device.name}", lambda: (device.mount / "plan").read_text() == "edited\n", 60)
        self.assert_synced(laptop, desk)

    def test_a_locked_device_still_stores(self):
        world, laptop, desk = self.two_devices()
        desk.call("vault", "lock", VAULT)
        self.assertEqual("locked", desk.status(VAULT)["state"])
        write_small_tree(laptop.mount)
        laptop.wait(VAULT, timeout=60, copies=1)
        keep = Path(tempfile.mkdtemp(dir=world.directory))
        run(["cp", "-a", f"{laptop.mount}/.", keep])
        laptop.kill()
        desk.unlock(VAULT)
        check_equal("what the locked desk has stored", keep, desk.mount)


class Relay(E2e):
    def metric(self, world, name):
        """A number that the relay tells operators on its own machine."""
        script = f"import urllib.request as r; print(r.urlopen('{world.relay_url}/metrics').read().decode())"
        text = run([*world.network.enter("relay"), sys.executable, "-c", script]).stdout
        found = re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)
        return int(found.group(1)) if found else 0

    def test_devices_meet_through_a_relay_that_wants_tickets(self):
        world, laptop, desk = self.two_devices(relay_config='access = "open"\nmetrics = "open"\n')
        write_small_tree(laptop.mount)
        self.assert_synced(laptop, desk)
        self.assertGreaterEqual(self.metric(world, 'lockstep_relay_tickets_total{result="given"}'), 2)
        # Both are known to the relay by their tickets alone.
        wait_until("the relay knows both", lambda: self.metric(world, "lockstep_relay_peers") >= 2)
        self.assertEqual(self.metric(world, 'lockstep_relay_answers_total{kind="announce",status="403"}'), 0)
        wait_until("the relay is seen to answer", lambda: "announces" in laptop.call("relay", "list").stdout)
        # Cut off, changed, and found again with new addresses' worth of silence between.
        world.cut(desk, VAULT)
        (laptop.mount / "letters/july.txt").write_text("Dear Ana, while you were away\n")
        world.heal(desk)
        self.assert_synced(laptop, desk)

    def test_a_token_is_needed_where_the_relay_wants_one(self):
        directory = Path(tempfile.mkdtemp(prefix="lockstep-token-"))
        self.addCleanup(shutil.rmtree, directory)
        (directory / "family.token").write_text("family-token\n")
        config = f'access = "token"\n[[tokens]]\nname = "family"\nfile = "{directory}/family.token"\n'
        world = self.make_world(relay_config=config)
        laptop = world.add_device("laptop")
        laptop.create(VAULT)
        wait_until("the refusal is shown", lambda: "wants a token" in laptop.call("relay", "list").stdout)


class DropBox(E2e):
    """Devices that share a directory and no network: nothing tells one where the other is."""

    def share(self, laptop, desk, directory):
        """Desk opens laptop's vault, or a copy of it, where it lies; the passphrase admits it."""
        desk.call("vault", "open", directory, "--name", VAULT, "--mount", desk.mount, "--passphrase-file",
                  laptop.world.passphrase_file)

    def make_pair(self):
        world = self.make_world(wants_relay=False)
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        laptop.create(VAULT)
        return world, laptop, desk

    def assert_strangers(self, *devices):
        """They have met nowhere but in the directory."""
        for device in devices:
            self.assertEqual([False], [peer["connected"] for peer in device.status(VAULT)["peers"]])
            self.assertEqual([], device.status(VAULT)["alarms"])

    def soon_equal(self, laptop, desk, work=lambda: None):
        def is_equal():
            work()
            return not tree_difference(laptop.mount, desk.mount)
        wait_until("the mounts are equal", is_equal, 60, 0.1)

    def test_two_devices_on_one_directory_stay_in_step(self):
        world, laptop, desk = self.make_pair()
        self.share(laptop, desk, laptop.vault_directory(VAULT))
        write_small_tree(laptop.mount)
        self.soon_equal(laptop, desk)
        (desk.mount / "letters/july.txt").write_text("Dear Ana, dear Bo,\n")
        os.rename(desk.mount / "letters", desk.mount / "post")
        (desk.mount / "photo.raw").unlink()
        wait_until("the changes of desk are on laptop", lambda: not (laptop.mount / "photo.raw").exists() and
                   (laptop.mount / "post/july.txt").read_text() == "Dear Ana, dear Bo,\n")
        # One starts while the other writes: nothing of what it is writing may be cleared away.
        desk.stop()
        for number in range(50):
            (laptop.mount / f"file-{number}").write_bytes(hashlib.shake_256(str(number).encode()).digest(70000))
            if number == 10:
                desk.start()
        desk.unlock(VAULT)
        self.soon_equal(laptop, desk)
        self.assert_strangers(laptop, desk)
        for device in (laptop, desk):
            self.assertEqual(0, device.exit_code("vault", "check", VAULT))

    def test_two_directories_kept_equal_by_rsync_stay_in_step(self):
        world, laptop, desk = self.make_pair()
        mine, theirs = laptop.vault_directory(VAULT), world.directory / "copy.vault"

        def rsync():
            for source, target in ((mine, theirs), (theirs, mine)):
                done = run(["rsync", "-a", "--exclude", "/incoming", f"{source}/", f"{target}/"], check=False)
                # 24: a file that was still being written has its name by now; the next run takes it.
                self.assertIn(done.returncode, (0, 24), done.stderr)
        rsync()
        self.share(laptop, desk, theirs)
        write_small_tree(laptop.mount)
        (desk.mount / "from desk").write_text("hello\n")
        self.soon_equal(laptop, desk, rsync)
        # Both edit one file between two runs of rsync: a conflict like any other.
        (laptop.mount / "notes.txt").write_text("before\n")
        self.soon_equal(laptop, desk, rsync)
        (laptop.mount / "notes.txt").write_text("from laptop\n")
        (desk.mount / "notes.txt").write_text("from desk\n")
        for device in (laptop, desk):
            device.call("wait", VAULT, "--published")
        self.soon_equal(laptop, desk, rsync)
        self.assertEqual(2, len(list(laptop.mount.glob("notes*"))))
        self.assert_strangers(laptop, desk)

    def test_a_locked_device_stores_and_serves_what_is_dropped_in(self):
        world, laptop, desk = self.two_devices()
        phone = world.add_device("phone")
        phone.join(laptop.invite(VAULT))
        self.in_step(laptop, desk, phone)
        desk.call("vault", "lock", VAULT)
        # From now on what laptop does reaches desk by the directory alone, and phone by desk alone.
        laptop.call("pause", VAULT)
        write_small_tree(laptop.mount)
        laptop.call("wait", VAULT, "--published")
        mine, theirs = laptop.vault_directory(VAULT), desk.vault_directory(VAULT)
        for path in mine.rglob("*"):
            target = theirs / path.relative_to(mine)
            if path.suffix not in (".pack", ".seg") or target.exists():
                continue
            # As a plain copy does: the name is there before the whole of it is.
            target.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            target.write_bytes(content[:len(content) // 2])
            target.write_bytes(content)
        wait_until("phone shows what was dropped in at desk",
                   lambda: not tree_difference(laptop.mount, phone.mount), 60, 0.1)
        self.assertEqual("locked", desk.status(VAULT)["state"])
        self.assertEqual([], desk.status(VAULT)["notes"])
        desk.unlock(VAULT)
        check_equal("what the locked desk has stored", laptop.mount, desk.mount)

    def test_foreign_files_are_left_alone_and_reported(self):
        world, laptop, desk = self.make_pair()
        (laptop.mount / "file").write_text("text\n")
        laptop.call("wait", VAULT, "--published")
        directory = laptop.vault_directory(VAULT)
        log = next((directory / "log").iterdir())
        foreign = [directory / ".stfolder", log / "1 (conflicted copy).seg",
                   directory / "packs/0f.sync-conflict-20261121-101112-ABCDEFG"]
        for path in foreign:
            path.write_text("x")
        wait_until("they are reported", lambda: len(laptop.status(VAULT)["notes"]) == 3)
        self.assertIn("1 (conflicted copy).seg", laptop.call("status", VAULT).stdout)
        self.assertEqual(3, len(laptop.json("vault", "check", VAULT)["notes"]))
        self.assertEqual(0, laptop.exit_code("vault", "check", VAULT))
        for path in foreign:
            self.assertEqual("x", path.read_text())
            path.unlink()
        wait_until("they are forgotten", lambda: not laptop.status(VAULT)["notes"])


class Crash(E2e):
    def test_kill_and_restart_lose_nothing_that_was_fsynced(self):
        world, laptop, desk = self.two_devices()
        recorded = {}

        def write_on():
            try:
                for number in range(100000):
                    content = hashlib.shake_256(str(number).encode()).digest(1 + number * 997 % 40000)
                    with open(laptop.mount / f"file-{number}", "wb") as file:
                        file.write(content)
                        file.flush()
                        os.fsync(file.fileno())
                    recorded[number] = content
            except OSError:
                pass  # the mount went away
        writer = threading.Thread(target=write_on, daemon=True)
        writer.start()
        wait_until("some files are fsynced", lambda: len(recorded) >= 150, 60, 0.002)
        laptop.kill()
        writer.join(30)
        self.assertFalse(writer.is_alive())
        laptop.start()
        self.assertEqual("locked", laptop.status(VAULT)["state"])
        laptop.unlock(VAULT)
        for number, content in recorded.items():
            self.assertEqual(content, (laptop.mount / f"file-{number}").read_bytes(), number)
        self.assert_synced(laptop, desk)
        self.assertEqual(0, laptop.exit_code("vault", "check", VAULT))

    def test_an_orderly_stop_publishes_and_unmounts(self):
        world, laptop, desk = self.two_devices()
        (laptop.mount / "late").write_text("written right before the stop\n")
        laptop.stop()
        self.assertFalse(os.path.ismount(laptop.mount))
        laptop.start()
        laptop.unlock(VAULT)
        self.assert_synced(laptop, desk)
        self.assertEqual("written right before the stop\n", (desk.mount / "late").read_text())


class Offline(E2e):
    """One device, and what can be done with nothing but the vault's directory."""

    def setUp(self):
        self.world = self.make_world(wants_relay=False)
        self.laptop = self.world.add_device("laptop")
        self.laptop.create(VAULT)
        write_small_tree(self.laptop.mount)
        self.laptop.wait(VAULT, timeout=60)
        self.directory = self.world.directory / "copy.vault"
        run(["cp", "-a", self.laptop.vault_directory(VAULT), self.directory])

    def lockstep(self, *words):
        """As on a machine where Lockstep has never been."""
        environment = {"PATH": os.environ["PATH"], "LOCKSTEP_HOME": str(self.world.directory / "nobody")}
        return run([self.world.bin / "lockstep", *words, "--passphrase-file", self.world.passphrase_file], check=False,
                   env=environment)

    def test_decrypt_gives_every_file_back(self):
        out = self.world.directory / "out"
        done = self.lockstep("vault", "decrypt", self.directory, "--to", out)
        self.assertEqual(0, done.returncode, done.stderr)
        check_equal("the decrypted files", self.laptop.mount, out, with_top=False)

    def test_a_changed_byte_in_any_object_is_found_and_named(self):
        objects = sorted(path for path in self.directory.rglob("*") if path.is_file())
        for kind in (".vault", ".keys", ".seg", ".pack"):
            of_kind = [path for path in objects if path.suffix == kind]
            self.assertTrue(of_kind, f"the vault has no {kind}")
            with self.subTest(kind):
                self.check_damage(of_kind[-1])

    def check_damage(self, victim):
        good = victim.read_bytes()
        name = {".seg": victim.parent.name, ".vault": "lockstep.vault"}.get(victim.suffix, victim.stem)
        try:
            for place in (0, len(good) // 2, len(good) - 1):
                bad = bytearray(good)
                bad[place] ^= 0x10
                victim.write_bytes(bad)
                done = self.lockstep("vault", "check", self.directory)
                said = done.stdout + done.stderr
                self.assertNotEqual(0, done.returncode, f"{victim} changed at {place}: not detected")
                self.assertIn(name, said, f"{victim} changed at {place}: not named")
                self.check_no_wrong_plaintext()
        finally:
            victim.write_bytes(good)
        done = self.lockstep("vault", "check", self.directory)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def check_no_wrong_plaintext(self):
        out = self.world.directory / "out"
        self.lockstep("vault", "decrypt", self.directory, "--to", out)
        for path in out.rglob("*") if out.exists() else []:
            original = self.laptop.mount / path.relative_to(out)
            if path.suffix == ".damaged" and not original.exists():
                # What was lost of it is zeros.
                whole = original.with_suffix("").read_bytes()
                self.assertTrue(all(byte in (0, other) for byte, other in zip(path.read_bytes(), whole)),
                                f"wrong plaintext: {path}")
            elif path.is_file() and not path.is_symlink():
                # Without the damaged segment a file may be as an earlier one made it: still empty.
                decrypted = path.read_bytes()
                self.assertTrue(decrypted in (b"", original.read_bytes()), f"wrong plaintext: {path}")
        shutil.rmtree(out, ignore_errors=True)


class ExitCodes(E2e):
    def test_mistakes_have_their_own_exit_codes(self):
        world = self.make_world(wants_relay=False)
        laptop = world.add_device("laptop")
        laptop.create(VAULT)
        wrong = world.directory / "wrong"
        wrong.write_text("not the passphrase\n")
        self.assertEqual(0, laptop.exit_code("vault", "lock", VAULT))
        self.assertEqual(12, laptop.exit_code("vault", "unlock", VAULT, "--passphrase-file", wrong))
        self.assertEqual("locked", laptop.status(VAULT)["state"])
        self.assertEqual(11, laptop.exit_code("mount", VAULT))
        self.assertEqual(11, laptop.exit_code("ls", f"{VAULT}:"))
        self.assertEqual(10, laptop.exit_code("vault", "open", world.directory / "nothing", "--passphrase-file", wrong))
        self.assertEqual(10, laptop.exit_code("vault", "show", "other"))
        self.assertEqual(2, laptop.exit_code("vault", "unlock"))
        self.assertEqual(2, laptop.exit_code("no-such-verb"))
        directory = laptop.vault_directory(VAULT)
        self.assertEqual(12, laptop.exit_code("vault", "decrypt", directory, "--to", world.directory / "out",
                                              "--passphrase-file", wrong))
        laptop.unlock(VAULT)
        self.assertEqual(15, laptop.exit_code("wait", VAULT, "--copies", "1", "--timeout", "1s"))
        laptop.stop()
        self.assertEqual(4, laptop.exit_code("status"))


def memory_holds(pid, text):
    """Whether the process has this text somewhere in memory that it can write to."""
    needle = text.encode()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            where, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            begin, end = (int(number, 16) for number in where.split("-"))
            for at in range(begin, end, 1 << 20):
                with contextlib.suppress(OSError):  # guard pages
                    memory.seek(at)
                    if needle in memory.read(min((1 << 20) + len(needle), end - at)):
                        return True
    return False


class Secrecy(E2e):
    @unittest.mock.patch.dict(os.environ, {"LOCKSTEP_LOG_LEVEL": "debug"})
    def test_no_plaintext_in_state_or_on_the_wire(self):
        world = self.make_world()
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        wire = world.directory / "wire"
        wire.mkdir()
        if world.network.has_namespaces and shutil.which("tcpdump"):
            for name in ("laptop", "relay"):
                world.capture(name, wire / f"{name}.pcap")
        laptop.create(VAULT)
        ticket = laptop.invite(VAULT)
        desk.join(ticket)
        secret = "canary-0f7e6d5c4b3a2918"
        folder = laptop.mount / f"{secret}-folder"
        folder.mkdir()
        (folder / f"{secret}-small").write_text(f"{secret} small\n")
        (folder / f"{secret}-large").write_text("".join(f"{number * 7919} {secret}\n" for number in range(60000)))
        os.symlink(f"{secret}-target", folder / "link")
        os.setxattr(folder / f"{secret}-small", f"user.{secret}", secret.encode())
        with open(folder / f"{secret}-small", "rb") as file:
            os.fsync(file.fileno())
        self.assert_synced(laptop, desk)
        os.rename(folder, laptop.mount / f"{secret}-renamed")
        self.assert_synced(laptop, desk)
        needles = plaintext_search.forms_of(secret) | {ticket.rpartition(":")[2], PASSPHRASE}
        logs = world.directory / "logs"
        logs.mkdir()
        for log in world.directory.glob("*.log"):
            shutil.copy(log, logs)
        for what, places in (("the daemons' files", [laptop.home, desk.home]), ("a log", [logs])):
            plaintext_search.check_none(what, needles, places, world.directory)
        if list(wire.iterdir()):
            self.assertGreater((wire / "laptop.pcap").stat().st_size, 100_000)
            plaintext_search.check_none("a packet", needles, [wire], world.directory)

    @unittest.skipUnless(os.geteuid() == 0, "only root may look into the memory of a process that is not dumpable")
    def test_memory_keeps_no_passphrase(self):
        world = self.make_world(wants_relay=False)
        laptop = world.add_device("laptop")
        laptop.create(VAULT)
        self.assertFalse(memory_holds(laptop.daemon.pid, PASSPHRASE), "after the vault was created")
        laptop.call("vault", "lock", VAULT)
        laptop.unlock(VAULT)
        self.assertFalse(memory_holds(laptop.daemon.pid, PASSPHRASE), "after an unlock")
        # What is looked for is found where it is.
        self.assertTrue(memory_holds(os.getpid(), PASSPHRASE))

    # SECURITY.md, T42. Whoever may raise the limit is root, and then nothing but "not dumpable" is in the way.
    def test_what_dies_with_keys_in_memory_leaves_no_core(self):
        world = self.make_world(wants_relay=False)
        laptop = world.add_device("laptop")
        laptop.create(VAULT)

        def dumps_core(process):
            with contextlib.suppress(PermissionError):
                resource.prlimit(process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            process.send_signal(signal.SIGABRT)
            state = os.waitpid(process.pid, 0)[1]
            process.returncode = -signal.SIGABRT
            self.assertTrue(os.WIFSIGNALED(state))
            return os.WCOREDUMP(state)

        cores = world.directory / "cores"
        cores.mkdir()
        other = subprocess.Popen(["sleep", "60"], cwd=cores, start_new_session=True)
        if not dumps_core(other):
            self.skipTest("nothing leaves a core here")
        asking = subprocess.Popen(laptop.command("vault", "unlock", VAULT, "--passphrase-file", "/dev/stdin"),
                                  stdin=subprocess.PIPE, env={**os.environ, **laptop.environment}, start_new_session=True)
        try:
            about = Path(f"/proc/{asking.pid}")
            wait_until("it waits for its secret", lambda: (about / "comm").read_text() == "lockstep\n" and
                       re.search(r"Max core file size +0 +0 ", (about / "limits").read_text()) and
                       "State:\tS" in (about / "status").read_text(), 30)
            self.assertFalse(dumps_core(asking), "the command line's program")
        finally:
            asking.stdin.close()
            if asking.returncode is None:
                asking.kill()
                asking.wait()
        self.assertFalse(dumps_core(laptop.daemon.popen), "the daemon")

    def test_secret_files_are_the_users_alone(self):
        world = self.make_world(wants_relay=False)
        laptop = world.add_device("laptop")
        laptop.create(VAULT)
        open_to_others = [str(path) for path in laptop.home.rglob("*") if not path.is_symlink() and
                          path.stat().st_mode & 0o077 and not any(
                              parent.stat().st_mode & 0o077 == 0 for parent in path.parents
                              if parent != laptop.home and laptop.home in parent.parents)]
        state = [path for path in open_to_others if "/state/" in path or "/runtime/" in path]
        self.assertEqual([], state)
        self.assertEqual(json.loads(laptop.call("vault", "list", "--json").stdout)["vaults"][0]["name"], VAULT)


if __name__ == "__main__":
    if why := why_no_mounts():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(verbosity=2)
