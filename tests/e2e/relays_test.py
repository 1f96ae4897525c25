#!/usr/bin/python3
"""Devices with several relays, each behind a NAT of its own: strategies, relays that die and come back, and DNS.

usage: relays_test.py [TestClass.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted or networks cannot be made.
"""
import ipaddress
import json
import re
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import Process, World, check_equal, run, wait_until, why_no_mounts  # noqa: E402
from weather_network import WeatherNetwork, why_no_weather  # noqa: E402

VAULT = "papers"
PORT = 7000
DOMAIN = "relays.test"


class Relay:
    """A relay in a network namespace of its own."""

    def __init__(self, world, name):
        self.world, self.name, self.process = world, name, None
        world.network.add(name)
        self.address = world.network.address(name)
        self.url = f"http://{self.address}:{PORT}"
        self.config = world.directory / f"{name}.toml"
        self.config.write_text('access = "open"\nmetrics = "open"\n')
        self.start()

    def start(self):
        log = self.world.directory / f"{self.name}.log"
        log.unlink(missing_ok=True)
        self.process = Process([*self.world.network.enter(self.name), self.world.bin / "lockstep-relay", "--config",
                                self.config, "--listen", f"{self.address}:{PORT}", "--interval", "10"], log)
        self.world.others.append(self.process)
        wait_until(f"{self.name} listens", lambda: "listening on" in log.read_text(errors="replace"), 15)

    def kill(self):
        self.process.kill()

    def members(self):
        """Control connections it has."""
        script = f"import urllib.request as r; print(r.urlopen('{self.url}/metrics').read().decode())"
        text = run([*self.world.network.enter(self.name), sys.executable, "-c", script]).stdout
        return int(re.search(r"^lockstep_relay_members (\d+)$", text, re.M).group(1))


class Relays(unittest.TestCase):
    def make_world(self, relays):
        world = World(prefix="lockstep-relays-", wants_relay=False,
                      network=WeatherNetwork(behind_nat=("laptop", "desk")))
        self.addCleanup(world.close)
        self.relays = [Relay(world, f"relay{number}") for number in range(relays)]
        return world

    def two_devices(self, world, strategy):
        world.device_config = {"relays": [relay.url for relay in self.relays], "relay_strategy": strategy}
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        laptop.create(VAULT)
        desk.join(laptop.invite(VAULT))
        self.assert_synced(laptop, desk)
        return laptop, desk

    def assert_synced(self, laptop, desk):
        for device in (laptop, desk, laptop):
            device.wait(VAULT, timeout=90, copies=1)
        check_equal("the mounts", laptop.mount, desk.mount)

    def ways(self, device):
        return [peer.get("relay", "") for peer in device.status(VAULT)["peers"] if peer["connected"]]

    def carrier(self, device):
        """The relay that a device is reached through."""
        return wait_until("a relay carries", lambda: next(
            (relay for relay in self.relays if self.ways(device) == [relay.url]), None), 90)

    def wait_for_way(self, devices, url):
        for device in devices:
            wait_until(f"{device.name} is connected through {url}", lambda: self.ways(device) == [url], 90)

    def states(self, device):
        return {relay["url"]: relay["state"] for relay in device.json("relay", "list")["relays"]}

    def wait_for_state(self, devices, url, state):
        for device in devices:
            wait_until(f"{url} is {state} at {device.name}", lambda: self.states(device).get(url) == state, 90)

    def send(self, laptop, desk, name):
        (laptop.mount / name).write_text(f"{name}\n")
        wait_until(f"{name} is on desk", lambda: (desk.mount / name).exists(), 90)

    def test_the_next_one_carries_on_when_one_dies_and_a_probe_finds_it_again(self):
        world = self.make_world(3)
        both = laptop, desk = self.two_devices(world, "failover")
        carrier = self.carrier(laptop)
        carrier.kill()
        self.send(laptop, desk, "while-the-first-is-dead")
        self.wait_for_state(both, carrier.url, "down")
        heir = self.carrier(laptop)
        self.assertNotEqual(heir.url, carrier.url)
        # Nobody asks it anything but one probe now and then: that one closes the circuit.
        carrier.start()
        self.wait_for_state(both, carrier.url, "up")
        for relay in self.relays:
            if relay is not carrier:
                relay.kill()
        self.send(laptop, desk, "through-the-first-again")
        self.wait_for_way(both, carrier.url)
        self.assert_synced(laptop, desk)

    def test_hash_meets_at_two_and_moves_and_the_others_meet_everywhere(self):
        world = self.make_world(3)
        both = laptop, desk = self.two_devices(world, "hash")
        wait_until("both are at the same two", lambda: sorted(relay.members() for relay in self.relays) == [0, 2, 2], 60)
        spare = next(relay for relay in self.relays if relay.members() == 0)
        carrier = self.carrier(laptop)
        self.assertNotEqual(carrier.url, spare.url)
        carrier.kill()
        self.send(laptop, desk, "hash")
        self.wait_for_state(both, carrier.url, "down")
        wait_until("both are at the spare one", lambda: spare.members() == 2, 60)
        carrier.start()
        self.wait_for_state(both, carrier.url, "up")
        wait_until("and back", lambda: spare.members() == 0 and carrier.members() == 2, 60)
        for strategy in ("round-robin", "weighted", "least-latency"):
            for device in both:
                device.call("config", "set", "network.relay_strategy", strategy)
                self.assertEqual(device.json("relay", "list")["strategy"], strategy)
            wait_until("both are at all relays", lambda: [relay.members() for relay in self.relays] == [2, 2, 2], 60)
            # A tunnel stays where it is; the next one goes where the strategy says.
            laptop.call("pause", VAULT)
            wait_until("they are apart", lambda: self.ways(desk) == [], 60)
            laptop.call("resume", VAULT)
            self.send(laptop, desk, strategy)
            self.carrier(laptop)
        self.assert_synced(laptop, desk)

    def serve_names(self, world, device, zone):
        """The machine's own name server, inside a device's namespace."""
        server = self.name_server()
        if not ipaddress.ip_address(server).is_loopback:
            namespace = f"{world.network.tag}-{device}"
            run(["ip", "-n", namespace, "addr", "add", f"{server}/32", "dev", "lo"])
        log = world.directory / f"dns-{device}.log"
        script = Path(__file__).resolve().parent / "tiny_dns.py"
        world.others.append(Process([*world.network.enter(device), sys.executable, script, server, zone], log))
        wait_until(f"the name server of {device} answers", lambda: "answers" in log.read_text(), 15)

    def name_server(self):
        """Whom this machine asks; only the first is asked when it answers."""
        lines = Path("/etc/resolv.conf").read_text().splitlines()
        servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
        if servers and ":" in servers[0]:
            self.skipTest("the machine's first name server has an IPv6 address")
        return servers[0] if servers else "127.0.0.1"

    def test_dns_names_them_to_a_guest_who_has_none(self):
        world = self.make_world(2)
        first, second = self.relays
        zone = world.directory / "zone.json"
        zone.write_text(json.dumps({
            f"_lockstep._tcp.{DOMAIN}": [[20, 1, PORT, f"second.{DOMAIN}"], [10, 1, PORT, f"first.{DOMAIN}"]],
            f"first.{DOMAIN}": first.address, f"second.{DOMAIN}": second.address}))
        devices = []
        for name, relays in (("laptop", [f"srv+http:{DOMAIN}"]), ("desk", [])):
            world.device_config = {"relays": relays}
            devices.append(world.add_device(name))
            self.serve_names(world, name, zone)
        laptop, desk = devices
        laptop.create(VAULT)
        ticket = laptop.invite(VAULT)
        desk.join(ticket)
        self.assert_synced(laptop, desk)
        urls = [f"http://{name}.{DOMAIN}:{PORT}" for name in ("first", "second")]
        self.wait_for_way(devices, urls[0])
        for device in devices:
            listed = {relay["url"]: relay.get("domain") for relay in device.json("relay", "list")["relays"]}
            self.assertEqual([listed.get(url) for url in urls], [f"srv+http:{DOMAIN}"] * 2, listed)
        first.kill()
        self.send(laptop, desk, "through-the-second")
        self.wait_for_way(devices, urls[1])


if __name__ == "__main__":
    if reason := why_no_mounts() or why_no_weather():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)
