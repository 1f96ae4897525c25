#!/usr/bin/python3
"""Devices that cannot reach each other: each behind a NAT of its own, and a relay between them.

usage: tunnel_test.py [Tunnels.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted or networks cannot be made.
"""
import os
import re
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import World, check_equal, run, wait_until, why_no_mounts  # noqa: E402
from weather_network import WeatherNetwork, why_no_weather  # noqa: E402

VAULT = "papers"


class NatWorld(unittest.TestCase):
    def make_world(self, relay_config='access = "open"\nmetrics = "open"\n', **options):
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
        self.assertEqual(self.ways(desk), [world.relay_url])


if __name__ == "__main__":
    if reason := why_no_mounts() or why_no_weather():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)
