#!/usr/bin/python3
"""Devices that cannot reach each other: each behind a NAT of its own, and a relay between them.

usage: tunnel_test.py [TestClass.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted or networks cannot be made.
"""
import hashlib
import os
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import World, check_equal, run, wait_until, why_no_mounts  # noqa: E402
from weather_network import WeatherNetwork, why_no_weather  # noqa: E402

VAULT = "papers"
PICTURE = hashlib.shake_256(b"picture").digest(2 << 20)


RELAY = 'access = "open"\nmetrics = "open"\n'


class NatWorld(unittest.TestCase):
    def make_world(self, relay_config=RELAY, **options):
        network = WeatherNetwork(behind_nat=("laptop", "desk"))
        world = World(prefix="lockstep-tunnel-", network=network, relay_config=relay_config, **options)
        self.addCleanup(world.close)
        return world

    def two_devices(self, **options):
        """Laptop has made a vault, desk has joined it: through the relay, as there is no other way."""
        world = self.make_world(**options)
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        laptop.create(VAULT)
        desk.join(laptop.invite(VAULT))
        return world, laptop, desk

    def ways(self, device):
        """How each connected member is reached: the relay's URL, or "" when directly."""
        return [peer.get("relay", "") for peer in device.status(VAULT)["peers"] if peer["connected"]]

    def metric(self, world, name):
        script = f"import urllib.request as r; print(r.urlopen('{world.relay_url}/metrics').read().decode())"
        text = run([*world.network.enter("relay"), sys.executable, "-c", script]).stdout
        found = re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)
        return int(found.group(1)) if found else 0

    def assert_synced(self, laptop, desk):
        for device in (laptop, desk, laptop):
            device.wait(VAULT, timeout=60, copies=1)
        check_equal("the mounts", laptop.mount, desk.mount)


class Tunnels(NatWorld):
    def test_two_behind_nats_join_and_stay_in_step_through_the_relay(self):
        world, laptop, desk = self.two_devices()
        (laptop.mount / "large").write_bytes(os.urandom(5 << 20))
        (desk.mount / "note.txt").write_text("from desk\n")
        self.assert_synced(laptop, desk)
        for device in (laptop, desk):
            self.assertEqual(self.ways(device), [world.relay_url])
        self.assertIn("through " + world.relay_url, laptop.call("status").stdout)
        self.assertGreater(self.metric(world, "lockstep_relay_tunnel_bytes_total"), 5 << 20)

    def test_a_restarted_relay_is_found_again(self):
        world, laptop, desk = self.two_devices()
        self.assert_synced(laptop, desk)
        world.restart_relay()
        (laptop.mount / "later.txt").write_text("after the relay came back\n")
        wait_until("what was written meanwhile is on desk", lambda: (desk.mount / "later.txt").exists(), 60)
        self.assert_synced(laptop, desk)

    def test_a_direct_way_is_taken_again_when_there_is_one(self):
        world, laptop, desk = self.two_devices()
        self.assert_synced(laptop, desk)
        self.assertEqual(self.ways(laptop), [world.relay_url])
        world.network.let_in("laptop", laptop.json("status")["listenPort"])
        wait_until("both left the tunnel", lambda: self.ways(laptop) == [""] and self.ways(desk) == [""], 120)
        wait_until("the tunnel is closed", lambda: self.metric(world, "lockstep_relay_tunnels") == 0, 30)
        (laptop.mount / "direct.txt").write_text("no relay between\n")
        self.assert_synced(laptop, desk)
        # And the relay again, when that way is shut.
        world.network.keep_out("laptop")
        (laptop.mount / "again.txt").write_text("through the relay\n")
        wait_until("it came through the relay", lambda: (desk.mount / "again.txt").exists(), 90)
        # The side that waited for nothing may notice later that the direct way is dead.
        wait_until("desk sees the relay's way alone", lambda: self.ways(desk) == [world.relay_url], 30)


class Mailboxes(NatWorld):
    def never_together(self, **options):
        """As two_devices(), in step, with a mailbox at the relay; then desk is off."""
        directory = Path(tempfile.mkdtemp(prefix="lockstep-mailbox-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        config = RELAY + f'[mailbox]\ndirectory = "{directory}"\n'
        world, laptop, desk = self.two_devices(relay_config=config, **options)
        desk.call("vault", "unlock", VAULT, "--at-start", "--passphrase-file", world.passphrase_file)
        self.assert_synced(laptop, desk)
        wait_until("both have said what they have",
                   lambda: self.metric(world, "lockstep_relay_mailbox_objects") >= 2, 60)
        desk.stop()
        wait_until("desk is gone", lambda: self.ways(laptop) == [], 60)
        return world, laptop, desk, directory

    def objects(self, world):
        return self.metric(world, "lockstep_relay_mailbox_objects")

    def wait_for_more_objects(self, world, before):
        wait_until("it lies in the mailbox", lambda: self.objects(world) > before, 60)
        # Until nothing comes any more: each segment and its packs.
        seen = []
        wait_until("all of it does", lambda: seen.append(self.objects(world)) or
                   (len(seen) > 8 and len(set(seen[-8:])) == 1), 60, interval=0.5)

    def test_what_laptop_wrote_is_on_desk_the_next_day(self):
        world, laptop, desk, directory = self.never_together()
        before = self.objects(world)
        (laptop.mount / "letter.txt").write_text("written while desk was off\n")
        (laptop.mount / "picture").write_bytes(PICTURE)
        self.wait_for_more_objects(world, before)
        laptop.stop()
        # What waits there survives a power cut of the relay, and says nothing.
        world.restart_relay()
        stored = b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())
        for plain in (b"written while desk", b"letter.txt", PICTURE[:64], VAULT.encode() + b".vault"):
            self.assertNotIn(plain, stored)
        desk.start()
        wait_until("laptop's words are on desk", lambda: (desk.mount / "letter.txt").exists() and
                   (desk.mount / "picture").exists() and
                   (desk.mount / "picture").stat().st_size == len(PICTURE), 90)
        self.assertEqual((desk.mount / "picture").read_bytes(), PICTURE)
        # And back: desk answers and goes at once, and is off when laptop comes.
        (desk.mount / "answer.txt").write_text("written while laptop was off\n")
        desk.stop()
        laptop.start()
        laptop.unlock(VAULT)
        wait_until("desk's answer is on laptop", lambda: (laptop.mount / "answer.txt").exists(), 90)

    def test_nothing_is_left_there_when_all_are_connected(self):
        directory = Path(tempfile.mkdtemp(prefix="lockstep-mailbox-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        world, laptop, desk = self.two_devices(
            relay_config=RELAY + f'[mailbox]\ndirectory = "{directory}"\n')
        self.assert_synced(laptop, desk)
        wait_until("the mailbox is known", lambda: "mailbox" in laptop.call("relay", "list").stdout, 60)
        (laptop.mount / "large").write_bytes(os.urandom(3 << 20))
        self.assert_synced(laptop, desk)
        self.assertLess(sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()), 2 << 20)


class Access(NatWorld):
    def test_a_token_opens_a_relay_that_wants_one(self):
        directory = Path(tempfile.mkdtemp(prefix="lockstep-token-"))
        self.addCleanup(shutil.rmtree, directory)
        token, wrong = directory / "family.token", directory / "wrong.token"
        token.write_text("family-token\n")
        wrong.write_text("not-the-token\n")
        world = self.make_world(
            relay_config=f'access = "token"\nmetrics = "open"\n[[tokens]]\nname = "family"\nfile = "{token}"\n')
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        laptop.create(VAULT)
        wait_until("the refusal is shown", lambda: "wants a token" in laptop.call("status").stdout)
        laptop.call("relay", "add", world.relay_url, "--token", wrong)
        wait_until("the wrong one is refused", lambda: "not the one that we show" in laptop.call("relay", "list").stdout)
        laptop.call("relay", "add", world.relay_url, "--token", token)
        desk.call("relay", "add", world.relay_url, "--token", "-", stdin="family-token\n")
        desk.join(laptop.invite(VAULT))
        (laptop.mount / "note.txt").write_text("let in\n")
        self.assert_synced(laptop, desk)
        self.assertNotIn("family-token", laptop.call("relay", "list", "--json").stdout)

    def test_a_relay_under_tls_is_known_by_its_key_and_no_other_takes_its_place(self):
        directory = Path(tempfile.mkdtemp(prefix="lockstep-tls-"))
        self.addCleanup(shutil.rmtree, directory)
        for name in ("relay", "other"):
            run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", f"/CN={name}", "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem"])
        for kind in ("key", "pem"):
            shutil.copy(directory / f"relay.{kind}", directory / f"used.{kind}")
        world = self.make_world(relay_config=f'''access = "open"
            metrics = "open"
            [tls]
            certificate = "{directory}/used.pem"
            key = "{directory}/used.key"''')
        world.relay_url = world.relay_url.replace("http:", "https:")
        url = world.relay_url
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        for device in (laptop, desk):
            device.call("relay", "remove", url)
        refused = laptop.call("relay", "add", url, check=False)
        self.assertNotEqual(refused.returncode, 0)
        pin = re.search(r"shows the key ([0-9a-f]{64})", refused.stderr).group(1)
        self.assertIn(pin, (world.directory / "relay.log").read_text())
        laptop.call("relay", "add", url, "--pin", pin)
        # Desk is told by the ticket where the relay is, and whose key it has.
        laptop.create(VAULT)
        desk.join(laptop.invite(VAULT))
        (laptop.mount / "note.txt").write_text("under TLS\n")
        self.assert_synced(laptop, desk)
        for device in (laptop, desk):
            self.assertEqual([relay["pin"] for relay in device.json("relay", "list")["relays"]], [pin])
        desk.call("relay", "add", url, "--pin", "first")
        self.assertEqual([relay["pin"] for relay in desk.json("relay", "list")["relays"]], [pin])
        self.assertEqual(self.ways(desk), [url])
        # T58: somebody in the middle with a key of his own gets nothing said to him, and only keeps devices apart.
        for kind in ("key", "pem"):
            shutil.copy(directory / f"other.{kind}", directory / f"used.{kind}")
        world.restart_relay()
        wait_until("the stranger is refused", lambda: "not the pinned one" in laptop.call("relay", "list").stdout, 90)
        self.assertEqual(self.tickets_given(world), 0)
        (laptop.mount / "later.txt").write_text("waits\n")
        self.assertFalse((desk.mount / "later.txt").exists())
        # The right one again, and all is well.
        for kind in ("key", "pem"):
            shutil.copy(directory / f"relay.{kind}", directory / f"used.{kind}")
        world.restart_relay()
        wait_until("what waited is on desk", lambda: (desk.mount / "later.txt").exists(), 150)

    def tickets_given(self, world):
        script = ("import ssl, urllib.request as r; c = ssl._create_unverified_context(); "
                  f"print(r.urlopen('{world.relay_url}/metrics', context=c).read().decode())")
        text = run([*world.network.enter("relay"), sys.executable, "-c", script]).stdout
        found = re.search(r'^lockstep_relay_tickets_total\{result="given"\} (\d+)$', text, re.M)
        return int(found.group(1)) if found else 0


if __name__ == "__main__":
    if reason := why_no_mounts() or why_no_weather():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)
