#!/usr/bin/python3
"""The app in a desktop's tray: a StatusNotifierWatcher of our own (status_notifier_watcher.py) and a notification service
that is made up (python3-dbusmock) meet lockstep-gui with a real daemon; the icon and the menu are read, the icon, menu
entries and notifications are clicked.

usage: tray_test.py     (LOCKSTEP_BIN: where the programs are)
Exits 77 when something is not installed.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from desktop_test import PATIENCE, App, Desktop, check  # noqa: E402
from lockstep_world import PASSPHRASE, World, wait_until  # noqa: E402

try:
    import dbus
    import dbusmock
except ImportError:
    dbusmock = None

WATCHER, ITEM, MENU = "org.kde.StatusNotifierWatcher", "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"
NOTIFICATIONS = "org.freedesktop.Notifications"


def mock_service(stack, name, path, interface):
    server = dbusmock.DBusTestCase.spawn_server(name, path, interface, system_bus=False, stdout=subprocess.DEVNULL)
    stack.callback(server.wait, 10)
    stack.callback(server.terminate)
    return dbus.Interface(dbus.SessionBus().get_object(name, path), dbusmock.MOCK_IFACE)


class Tray:
    """What a panel sees of the app."""

    def __init__(self, watcher):
        self.watcher = watcher

    def items(self):
        return [str(item) for item in self.watcher.Get(WATCHER, "RegisteredStatusNotifierItems",
                                                       dbus_interface=dbus.PROPERTIES_IFACE)]

    def find(self):
        def registered():
            return next(iter(self.items()), None)
        self.service = wait_until("the app is in the tray", registered, PATIENCE, 0.1)
        self.item = dbus.SessionBus().get_object(self.service, "/StatusNotifierItem")

    def property(self, name):
        return self.item.Get(ITEM, name, dbus_interface=dbus.PROPERTIES_IFACE)

    def icon(self):
        """The largest of its pictures, as bytes."""
        return max((bytes(bytearray(picture[2])) for picture in self.property("IconPixmap")), key=len)

    def tip(self):
        return str(self.property("ToolTip")[2])

    def menu(self):
        """label → number, those of submenus below their own, as "papers: Locked/Unlock…"."""
        menu = dbus.SessionBus().get_object(self.service, str(self.property("Menu")))
        found = {}

        def walk(node, prefix):
            number, properties, below = node
            label = str(properties.get("label", "")).replace("_", "")
            if label:
                found[prefix + label] = int(number)
            for one in below:
                walk(one, f"{prefix}{label}/" if label else "")
        walk(menu.GetLayout(0, -1, dbus.Array([], "s"), dbus_interface=MENU)[1], "")
        return found

    def click(self, label):
        number = wait_until(f"the tray's menu has {label!r}", lambda: self.menu().get(label), PATIENCE, 0.1)
        menu = dbus.SessionBus().get_object(self.service, str(self.property("Menu")))
        menu.Event(number, "clicked", dbus.Int32(0, variant_level=1), dbus.UInt32(0), dbus_interface=MENU)


def figures(process):
    """What it costs to be there, as a line; no test: the machine is shared."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    memory = int(status.split("VmRSS:")[1].split()[0]) // 1024

    def ticks():
        return sum(int(word) for word in Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13])
    before = ticks()
    time.sleep(2)  # a span to count in, not something that is waited for
    return f"{memory} MiB resident, {(ticks() - before) * 10 / 2:g} ms of CPU a second while idle"


def test(stack, directory):
    desktop = Desktop(directory)
    stack.callback(desktop.close)
    desktop.start([sys.executable, str(Path(__file__).with_name("status_notifier_watcher.py"))], "watcher")

    def watcher_object():
        with contextlib.suppress(dbus.DBusException):
            return dbus.SessionBus().get_object(WATCHER, "/StatusNotifierWatcher")
        return None
    watcher = wait_until("the watcher is there", watcher_object, PATIENCE, 0.1)
    notifications = mock_service(stack, NOTIFICATIONS, "/org/freedesktop/Notifications", NOTIFICATIONS)
    notifications.AddMethod(NOTIFICATIONS, "Notify", "susssasa{sv}i", "u",
                            "self.number = getattr(self, 'number', 0) + 1; ret = args[1] or self.number")
    world = stack.enter_context(World(wants_namespaces=False, wants_relay=False, prefix="lockstep-gui-world-"))
    laptop = world.add_device("laptop")
    laptop.call("vault", "create", "papers", "--passphrase-file", world.passphrase_file, "--kdf-memory", "64",
                "--recovery-out", world.directory / "recovery")
    app = App(desktop, laptop, "--tray")
    stack.callback(app.process.stop, 10)
    tray = Tray(watcher)
    tray.find()
    wait_until("the tray says that all is well", lambda: "Up to date" in tray.tip(), PATIENCE, 0.1)
    check("only the tray is there", not app.all(("frame",), "Lockstep"))
    well = tray.icon()
    for label in ("Open Lockstep", "Lock all", "Pause all", "Recent changes", "Settings…", "Quit…", "papers: Up to date/Lock",
                  "papers: Up to date/History", "papers: Up to date/Open folder", "papers: Up to date/Invite a device…"):
        check(f"the tray's menu has {label}", label in tray.menu())
    print("    " + figures(app.process), flush=True)

    tray.click("papers: Up to date/Lock")
    wait_until("the tray says locked", lambda: "is locked" in tray.tip(), PATIENCE, 0.1)
    check("the daemon says so as well", laptop.status("papers")["state"] == "locked")
    check("locked has a shape of its own", tray.icon() != well)
    check("a person did it: nobody is notified", not notifications.GetMethodCalls("Notify"))
    laptop.unlock("papers")
    wait_until("the icon is the first one again", lambda: tray.icon() == well, PATIENCE, 0.1)

    laptop.call("vault", "autolock", "papers", "--idle", "1s")
    (_, shown), = wait_until("there is a notification", lambda: notifications.GetMethodCalls("Notify"), PATIENCE, 0.1)
    check("it says which vault is locked", str(shown[3]) == "papers is locked")
    check("and offers to unlock it", "Unlock" in [str(word) for word in shown[5]])
    laptop.call("vault", "autolock", "papers", "--idle", "off")
    notifications.EmitSignal(NOTIFICATIONS, "ActionInvoked", "us", [dbus.UInt32(1), "act"])
    app.type("^Passphrase$", PASSPHRASE)
    app.press("^Unlock$")
    wait_until("the daemon unlocks it", lambda: laptop.status("papers")["state"] == "unlocked", PATIENCE)
    check("it was told once", len(notifications.GetMethodCalls("Notify")) == 1)

    tray.click("papers: Up to date/History")
    app.find(("table", "tree table", "tree"), "^Files then$")
    faults, seen = app.nameless()
    check(f"what takes the keyboard on the page of the past has a name ({seen})" + "; ".join(faults), not faults and seen > 10)
    tray.item.Activate(0, 0, dbus_interface=ITEM)
    app.find(("frame",), "Lockstep")
    tray.click("Quit…")
    app.press("Go on syncing")
    wait_until("the app has ended", lambda: not app.process.is_running(), PATIENCE)
    wait_until("its icon is gone", lambda: not tray.items(), PATIENCE, 0.1)
    check("the service goes on", laptop.exit_code("status") == 0)


def main():
    missing = [program for program in ("Xvfb", "dbus-daemon", "dbus-send") if not shutil.which(program)]
    if not dbusmock:
        missing.append("python3-dbusmock")
    if missing or not os.path.exists("/usr/libexec/at-spi-bus-launcher"):
        print("skipped: not installed: " + ", ".join(missing or ["at-spi2-core"]) + " (./dev setup)")
        return 77
    with tempfile.TemporaryDirectory(prefix="lockstep-gui-") as directory, contextlib.ExitStack() as stack:
        test(stack, directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
