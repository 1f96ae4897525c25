#!/usr/bin/python3
"""Vaults that are locked by themselves: unused, and before the machine sleeps, as a logind that is made up says on a
system bus of its own.

usage: autolock_test.py [TEST]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted, or without python3-dbusmock; also for a build without libsystemd.
"""
import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import World, default_bin, wait_until, why_no_mounts  # noqa: E402

try:
    import dbusmock
except ImportError:
    dbusmock = None

VAULT = "papers"
SERVICE, PATH, MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
# Who inhibits holds the writing end of a pipe; when all have let go, the reading end is at its end.
INHIBIT = ("import os; self.asked = list(args); old = getattr(self, 'end', None); self.end, there = os.pipe()\n"
           "if old is not None: os.close(old)\n"
           "ret = dbus.types.UnixFd(there); os.close(there)")
IS_HELD = "import select; ret = not select.select([self.end], [], [], 0)[0] if hasattr(self, 'end') else False"


def events(device, kind):
    """What has happened of that kind since the vault was made."""
    command = device.command("events", "--since", device.begin, "--json")
    found, past = [], device.json("status")["sequence"]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env={**os.environ, **device.environment})
    try:
        device.call("config", "set", "network.limit_lan", "false")  # an event at the end of all
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == kind:
                found.append(event)
            if event["type"] == "config.changed" and event["sequence"] > past:
                return found
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
    return found


class AutoLock(unittest.TestCase):
    def make_device(self):
        world = World(prefix="lockstep-autolock-", wants_relay=False, wants_namespaces=False)
        self.addCleanup(world.close)
        device = world.add_device("laptop")
        device.create(VAULT)
        device.begin = device.json("status")["sequence"]
        return device

    def test_an_unused_vault_is_locked_and_a_used_one_is_not(self):
        laptop = self.make_device()
        self.assertEqual(laptop.exit_code("vault", "autolock", VAULT, "--idle", "0s"), 2)
        self.assertEqual(laptop.exit_code("vault", "autolock", VAULT, "--idle", "31d"), 2)
        with open(laptop.mount / "open.txt", "w", encoding="utf-8") as file:
            file.write("not saved yet")
            shown = laptop.json("vault", "autolock", VAULT, "--idle", "2s", "--suspend", "on")
            self.assertEqual((shown["idleLockSeconds"], shown["lockOnSuspend"]), (2, True))
            # Looking at it is no use of it. What is open is not cut off.
            waits = wait_until("the lock waits for the file", lambda: events(laptop, "vault.lock_waits"), 30, 0.3)
            self.assertEqual([event["subject"] for event in waits], ["idle"])
            self.assertEqual(laptop.status(VAULT)["state"], "mounted")
        wait_until("it is locked", lambda: laptop.status(VAULT)["state"] == "locked", 30)
        (locked,) = events(laptop, "vault.locked")
        self.assertEqual((locked["subject"], locked["message"]), ("idle", "locked: not used for 2 s"))
        laptop.call("vault", "autolock", VAULT, "--idle", "off")
        laptop.unlock(VAULT)
        self.assertEqual((laptop.mount / "open.txt").read_text(), "not saved yet")
        # It is remembered.
        laptop.stop()
        laptop.start()
        self.assertEqual((laptop.status(VAULT)["idleLockSeconds"], laptop.status(VAULT)["lockOnSuspend"]), (0, True))

    def test_the_machine_sleeps_when_vaults_are_locked(self):
        dbusmock.DBusTestCase.start_system_bus()  # the daemon finds it by DBUS_SYSTEM_BUS_ADDRESS
        self.addCleanup(dbusmock.DBusTestCase.tearDownClass)
        laptop = self.make_device()
        self.assertEqual(laptop.call("vault", "autolock", VAULT, "--suspend", "on").returncode, 0)
        # It comes after the daemon, and is found.
        server = dbusmock.DBusTestCase.spawn_server(SERVICE, PATH, MANAGER, system_bus=True, stdout=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        logind = dbusmock.DBusTestCase.get_dbus(True).get_object(SERVICE, PATH)
        for name, takes, gives, code in (("Inhibit", "ssss", "h", INHIBIT), ("IsHeld", "", "b", IS_HELD)):
            logind.AddMethod(MANAGER, name, takes, gives, code, dbus_interface=dbusmock.MOCK_IFACE)

        def is_held():
            return bool(logind.IsHeld(dbus_interface=MANAGER))

        def sleep(begins):
            logind.EmitSignal(MANAGER, "PrepareForSleep", "b", [begins], dbus_interface=dbusmock.MOCK_IFACE)

        def hold():
            # It may have asked before the methods were there: waking up asks again.
            sleep(False)
            wait_until("the sleep waits for the daemon", is_held, 10)
        hold()
        with open(laptop.mount / "a.txt", "w", encoding="utf-8") as file:
            file.write("one")
            file.flush()
            sleep(True)
            wait_until("the machine may sleep", lambda: not is_held(), 10)
            self.assertEqual(laptop.status(VAULT)["state"], "mounted")  # a file was open
        self.assertEqual([event["subject"] for event in events(laptop, "vault.lock_waits")], ["suspend"])
        hold()
        sleep(True)
        wait_until("the machine may sleep", lambda: not is_held(), 10)
        self.assertEqual(laptop.status(VAULT)["state"], "locked")
        hold()
        laptop.unlock(VAULT)
        self.assertEqual((laptop.mount / "a.txt").read_text(), "one")
        # Where nobody wants it the machine waits for nothing.
        laptop.call("vault", "autolock", VAULT, "--suspend", "off")
        wait_until("nothing is held up", lambda: not is_held(), 10)


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
