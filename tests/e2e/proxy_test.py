#!/usr/bin/python3
"""Devices behind a proxy: what they say goes through it, and nothing goes around it.

usage: proxy_test.py [TestClass.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted or networks cannot be made.
"""
import os
import re
import subprocess
import sys
import tarfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import Namespaces, Process, World, check_equal, run, wait_until, why_no_mounts  # noqa: E402
from weather_network import why_no_weather  # noqa: E402

VAULT = "papers"
USER, PASSWORD = "ana", "swordfish-eleven"
PORT = 1080
RELAY_NAME = "relay.test"


class FarApart(Namespaces):
    """Parties with addresses of the Internet: none is on another's local network."""

    def address(self, name):
        return f"203.0.113.{self.names[name]}"

    def add(self, name):
        super().add(name)
        # So that whatever is sent to the rest of the world is seen on its way.
        run(["ip", "-n", f"{self.tag}-{name}", "route", "add", "default", "dev", "eth0"])

    def watch(self, name, *allowed):
        """Counts, and drops, what a party sends to others than these or gets from them."""
        hosts = ", ".join(allowed)
        run([*self.enter(name), "nft", "-f", "-"], input=f"""
            table ip gate {{
                counter around {{ }}
                chain out {{
                    type filter hook output priority filter
                    oifname "eth0" ip daddr != {{ {hosts} }} counter name around drop
                }}
                chain in {{
                    type filter hook input priority filter
                    iifname "eth0" ip saddr != {{ {hosts} }} drop
                }}
            }}""")

    def around(self, name):
        """Packets that tried."""
        text = run([*self.enter(name), "nft", "list", "counter", "ip", "gate", "around"]).stdout
        return int(re.search(r"packets (\d+)", text).group(1))


class TinyProxy:
    """A proxy in a network namespace of its own."""

    def __init__(self, world, kind, user=USER, password=PASSWORD):
        self.world, self.kind, self.user, self.password = world, kind, user, password
        world.network.add("proxy")
        self.address = world.network.address("proxy")
        self.log = world.directory / "proxy.log"
        self.process = None
        self.start()

    def start(self):
        self.log.write_text("")
        names = ["--name", f"{RELAY_NAME}={self.world.network.address('relay')}"]
        self.process = Process([*self.world.network.enter("proxy"), "/usr/bin/python3", Path(__file__).parent / "tiny_proxy.py",
                                "--listen", f"{self.address}:{PORT}", "--kind", self.kind, "--user", self.user,
                                "--password", self.password, *names, "--log", self.log], self.world.directory / "proxy.err")
        self.world.others.append(self.process)
        wait_until("the proxy listens", lambda: "listens" in self.lines(), 15)

    def kill(self):
        self.process.kill()

    def lines(self):
        return self.log.read_text().splitlines()

    def asked_for(self, host, port=None):
        return any(line == f"connect {host}:{port}" if port else line.startswith(f"connect {host}:") for line in self.lines())

    def url(self, password=None):
        credentials = f"{self.user}:{password or self.password}@" if self.user else ""
        return f"{self.kind}://{credentials}{self.address}:{PORT}"

    @property
    def name(self):
        return f"{self.kind}://{self.address}:{PORT}"


class Proxies(unittest.TestCase):
    def make_world(self):
        world = World(prefix="lockstep-proxy-", network=FarApart(), relay_config='access = "open"\n')
        self.addCleanup(world.close)
        return world

    def add_device(self, world, name, proxy=None, relay=None):
        """One behind a proxy knows the relay by a name that the proxy alone can look up, and can reach nothing else."""
        network = {"relays": [relay or world.relay_url]}
        if proxy:
            network = {"relays": [f"http://{RELAY_NAME}:{world.relay_url.rpartition(':')[2]}"], "proxy": proxy.url()}
        world.device_config = network
        device = world.add_device(name)
        if proxy:
            world.network.watch(name, proxy.address)
        return device

    def assert_synced(self, *devices):
        for device in (*devices, devices[0]):
            device.wait(VAULT, timeout=90, copies=1)
        check_equal("the mounts", devices[0].mount, devices[1].mount)

    def send(self, sender, receiver, name):
        (sender.mount / name).write_text(f"{name}\n")
        wait_until(f"{name} has come", lambda: (receiver.mount / name).exists(), 90)

    def ways(self, device):
        return [(peer.get("relay", ""), peer.get("address", "")) for peer in device.status(VAULT)["peers"] if peer["connected"]]

    def findings(self, device):
        return {one["id"]: one for one in device.json("doctor", check=False)["findings"]}

    def test_two_behind_a_socks_proxy_meet_at_a_relay_and_nothing_goes_around(self):
        world = self.make_world()
        proxy = TinyProxy(world, "socks5")
        laptop, desk = (self.add_device(world, name, proxy) for name in ("laptop", "desk"))
        laptop.create(VAULT)
        desk.join(laptop.invite(VAULT))
        (laptop.mount / "large").write_bytes(os.urandom(3 << 20))
        self.assert_synced(laptop, desk)
        self.assertTrue(proxy.asked_for(RELAY_NAME, world.relay_url.rpartition(":")[2]))
        for device in (laptop, desk):
            self.assertEqual([way for way, _ in self.ways(device)],
                             [f"http://{RELAY_NAME}:{world.relay_url.rpartition(':')[2]}"])
            self.assertIn("proxy.used", self.findings(device))
            self.assertEqual(world.network.around(device.name), 0)

        # Down: it is said, by name, and nothing is tried without it.
        proxy.kill()
        wait_until("the way is gone", lambda: self.ways(laptop) == [], 60)
        (laptop.mount / "meanwhile").write_text("while the proxy was down\n")
        found = self.findings(laptop)["proxy.unreachable"]
        self.assertEqual((found["severity"], found["where"]), ("problem", proxy.name))
        self.assertIn("connection refused", found["what"].lower())
        wait_until("the relay's line says it", lambda: f"proxy {proxy.name}" in
                   laptop.json("relay", "list")["relays"][0]["detail"], 60)
        tested = laptop.call("relay", "test", world.relay_url, check=False)
        self.assertIn(f"proxy {proxy.name}", tested.stdout + tested.stderr)
        proxy.start()
        wait_until("it has come when the proxy was back", lambda: (desk.mount / "meanwhile").exists(), 90)
        self.assert_synced(laptop, desk)
        for device in (laptop, desk):
            self.assertEqual(world.network.around(device.name), 0)

    def test_a_device_elsewhere_is_reached_through_an_http_proxy_and_a_wrong_password_is_said(self):
        world = self.make_world()
        proxy = TinyProxy(world, "http")
        desk = self.add_device(world, "desk")
        laptop = self.add_device(world, "laptop", proxy)
        desk.create(VAULT)
        laptop.join(desk.invite(VAULT))
        (desk.mount / "large").write_bytes(os.urandom(3 << 20))
        self.assert_synced(laptop, desk)
        address, port = world.network.address("desk"), desk.json("status")["listenPort"]
        wait_until("there is a connection without the relay", lambda: self.ways(laptop) == [("", f"{address}:{port}")], 90)
        self.assertTrue(proxy.asked_for(address, port))
        self.send(laptop, desk, "to-the-other")
        self.send(desk, laptop, "and-back")

        wrong = proxy.url("sword-of-nobody")
        laptop.call("config", "set", "network.proxy", "-", stdin=wrong + "\n")
        self.assertEqual(laptop.call("config", "get", "network.proxy").stdout.strip(), f"http://{USER}:***@{proxy.address}:{PORT}")
        found = self.findings(laptop)["proxy.unreachable"]
        self.assertIn("does not take this user and password (407)", found["what"])
        wait_until("all connections are cut", lambda: self.ways(laptop) == [], 60)
        bundle = world.directory / "bundle.tar.gz"
        laptop.call("diagnostics", bundle)
        with tarfile.open(bundle) as archive:
            told = b"".join(archive.extractfile(member).read() for member in archive.getmembers())
        told += laptop.call("config", "get").stdout.encode() + laptop.call("doctor", "--json", check=False).stdout.encode()
        told += laptop.call("relay", "list", "--json").stdout.encode() + laptop.call("status", "--json").stdout.encode()
        told += (world.directory / "laptop.log").read_bytes()
        for secret in (PASSWORD, "sword-of-nobody"):
            self.assertNotIn(secret.encode(), told)

        laptop.call("config", "set", "network.proxy", "-", stdin=proxy.url() + "\n")
        self.send(desk, laptop, "with-the-right-password")
        self.assertEqual(world.network.around("laptop"), 0)

    def test_it_counts_at_once_and_what_was_connected_directly_is_cut(self):
        world = self.make_world()
        proxy = TinyProxy(world, "socks5", user="", password="")
        desk, laptop = self.add_device(world, "desk"), self.add_device(world, "laptop")
        desk.create(VAULT)
        laptop.join(desk.invite(VAULT))
        self.assert_synced(laptop, desk)
        wait_until("they are connected directly", lambda: [way for way, _ in self.ways(laptop)] == [""], 60)
        laptop.call("config", "set", "network.proxy", proxy.url())
        wait_until("the relay is asked through it", lambda: proxy.asked_for(world.network.address("relay")), 60)
        wait_until("nothing is connected directly", lambda: self.established(world, "laptop") <= {proxy.address}, 60)
        world.network.watch("laptop", proxy.address)
        self.send(desk, laptop, "through-it")
        self.assert_synced(laptop, desk)
        self.assertEqual(world.network.around("laptop"), 0)
        # And without it again.
        run([*world.network.enter("laptop"), "nft", "delete", "table", "ip", "gate"])
        laptop.call("config", "set", "network.proxy", "none")
        proxy.kill()
        self.send(desk, laptop, "without-it")

    def established(self, world, name):
        """Addresses of others that a party has connections with."""
        text = run([*world.network.enter(name), "ss", "-Htn", "state", "established"]).stdout
        peers = {line.split()[3].rpartition(":")[0].strip("[]").removeprefix("::ffff:") for line in text.splitlines()}
        return {peer for peer in peers if not peer.startswith("127.")}


if __name__ == "__main__":
    if reason := why_no_mounts() or why_no_weather():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)
