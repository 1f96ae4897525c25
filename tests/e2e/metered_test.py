#!/usr/bin/python3
"""Real daemons beside a NetworkManager that is made up, on a system bus of their own.

usage: metered_test.py     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted, or without python3-dbusmock; also for a build without libsystemd.
"""
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import World, default_bin, wait_until, why_no_mounts  # noqa: E402

try:
    import dbus
    import dbusmock
except ImportError:
    dbusmock = None

VAULT = "papers"
MANAGER = "org.freedesktop.NetworkManager"
YES, NO, GUESS_YES = 1, 2, 3


class Metered(unittest.TestCase):
    def setUp(self):
        # The daemons find it by DBUS_SYSTEM_BUS_ADDRESS.
        dbusmock.DBusTestCase.start_system_bus()
        self.addCleanup(dbusmock.DBusTestCase.tearDownClass)
        path = "/org/freedesktop/NetworkManager"
        server = dbusmock.DBusTestCase.spawn_server(MANAGER, path, MANAGER, system_bus=True, stdout=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        self.manager = dbusmock.DBusTestCase.get_dbus(True).get_object(MANAGER, path)
        self.manager.AddProperty(MANAGER, "Metered", dbus.UInt32(NO), dbus_interface=dbusmock.MOCK_IFACE)

    def become(self, metered):
        self.manager.UpdateProperties(MANAGER, {"Metered": dbus.UInt32(metered)}, dbus_interface=dbusmock.MOCK_IFACE)

    def test_nothing_is_synced_while_the_network_is_metered(self):
        world = World(prefix="lockstep-metered-", wants_relay=False)
        self.addCleanup(world.close)
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        laptop.create(VAULT)
        desk.join(laptop.invite(VAULT))

        def all_are(metered):
            return all(device.status(VAULT)["metered"] == metered for device in (laptop, desk))
        self.become(GUESS_YES)
        wait_until("both have heard of it", lambda: all_are(True), 30)
        self.assertEqual(laptop.status(VAULT)["status"], "Paused")
        (laptop.mount / "a.txt").write_text("one")
        self.assertIn("not metered", laptop.call("explain", f"{VAULT}:a.txt").stdout)
        self.become(YES)
        # Whom it does not matter to goes on, as far as the other one does.
        for device in (laptop, desk):
            device.call("config", "set", "network.pause_when_metered", "false")
        wait_until("both go on", lambda: all_are(False), 30)
        wait_until("the file has come", (desk.mount / "a.txt").exists, 60)
        for device in (laptop, desk):
            device.call("config", "set", "network.pause_when_metered", "true")
        wait_until("both wait again", lambda: all_are(True), 30)
        self.become(NO)
        wait_until("both go on", lambda: all_are(False), 30)
        laptop.wait(VAULT, timeout=60)


if __name__ == "__main__":
    why = why_no_mounts() or ("" if dbusmock else "python3-dbusmock is not installed")
    linked = subprocess.run(["ldd", Path(default_bin()) / "lockstepd"], stdout=subprocess.PIPE, text=True).stdout
    if not why and "libsystemd" not in linked:
        why = "this build knows nothing of D-Bus"
    if not why and not shutil.which("dbus-daemon"):
        why = "dbus-daemon is not installed"
    if why:
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(verbosity=2)
