#!/usr/bin/python3
"""The app as a person with assistive technology meets it: lockstep-gui under Xvfb, a real daemon and a second device,
every step through AT-SPI. Sets up display, session bus and accessibility bus itself, and stops them.

usage: desktop_test.py     (LOCKSTEP_BIN: where the programs are)
"""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from lockstep_world import PASSPHRASE, Failure, Process, World, run, wait_until  # noqa: E402

PATIENCE = 40.0


class Desktop:
    """An X display (its pixels: directory/Xvfb_screen0), a session bus and an accessibility bus; no window manager."""

    def __init__(self, directory):
        self.directory, self.processes = Path(directory), []
        read, write = os.pipe()
        # Without -noreset the server starts anew whenever its last client leaves, and turns away who comes meanwhile.
        self.start(["Xvfb", "-displayfd", str(write), "-noreset", "-screen", "0", "1280x900x24", "-nolisten", "tcp",
                    "-fbdir", str(self.directory)], "xvfb", pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as answer:
            display = answer.readline().strip()
        if not display:
            raise Failure("Xvfb gave no display: " + (self.directory / "xvfb.log").read_text()[-500:])
        self.environment = {"DISPLAY": ":" + display, "QT_QPA_PLATFORM": "xcb", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
                            "NO_AT_BRIDGE": "0", "LANG": "C.UTF-8", "HOME": str(self.directory / "home"),
                            "XDG_CONFIG_HOME": str(self.directory / "xdg"), "XDG_RUNTIME_DIR": str(self.directory)}
        (self.directory / "home").mkdir()
        os.environ.update(self.environment)
        self.start(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--address",
                    f"unix:path={self.directory}/bus"], "dbus")
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={self.directory}/bus"
        wait_until("the session bus is there", lambda: (self.directory / "bus").exists())
        self.start(["/usr/libexec/at-spi-bus-launcher", "--launch-immediately"], "at-spi")
        wait_until("the accessibility bus is there", lambda: run(
            ["dbus-send", "--session", "--print-reply", "--dest=org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus.GetAddress"],
            check=False).returncode == 0)

    def start(self, command, name, **options):
        log = open(self.directory / f"{name}.log", "ab")
        with log:
            self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options))
        return self.processes[-1]

    def close(self):
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                continue
            process.kill()
            process.wait(10)


def children(node):
    for index in range(node.childCount):
        child = node.getChildAtIndex(index)
        if child is not None:
            yield child


def is_showing(node):
    import pyatspi
    with contextlib.suppress(Exception):
        return node.getState().contains(pyatspi.STATE_SHOWING)
    return False


def walk(node, depth=0):
    """What is shown. Below what is hidden (other pages) nothing is, and each question is a message there and back."""
    yield node
    if depth < 25 and (depth == 0 or is_showing(node)):
        for child in children(node):
            yield from walk(child, depth + 1)


class App:
    """A running lockstep-gui, found in the accessibility tree."""

    def __init__(self, desktop, device, *arguments):
        import pyatspi
        self.pyatspi = pyatspi
        self.device = device
        environment = {**os.environ, **device.environment}
        self.process = Process([device.world.bin / "lockstep-gui", *arguments], desktop.directory / f"gui-{device.name}.log",
                               environment)
        self.root = wait_until(f"the app of {device.name} is in the accessibility tree", self._find_root, PATIENCE, 0.1)

    def _find_root(self):
        if not self.process.is_running():
            raise Failure("lockstep-gui ended: " + self.process.last_words())
        for node in children(self.pyatspi.Registry.getDesktop(0)):
            with contextlib.suppress(Exception):
                if node.get_process_id() == self.process.pid:
                    return node
        return None

    def all(self, role, name):
        found = []
        with contextlib.suppress(Exception):
            for node in walk(self.root):
                with contextlib.suppress(Exception):
                    if node.getRoleName() in role and re.search(name, node.name) and \
                            node.getState().contains(self.pyatspi.STATE_SHOWING):
                        found.append(node)
        return found

    def find(self, role, name, enabled=True):
        def one():
            for node in self.all(role, name):
                if not enabled or node.getState().contains(self.pyatspi.STATE_ENABLED):
                    return node
            return None
        return wait_until(f"{self.device.name} shows a {role} named {name!r}", one, PATIENCE, 0.1)

    def press(self, name):
        self.find(("push button", "button"), name).queryAction().doAction(0)

    def toggle(self, name):
        node = self.find(("check box", "radio button"), name)
        node.queryAction().doAction(0)

    def type(self, name, text):
        node = self.find(("text", "password text"), name)
        node.queryEditableText().setTextContents(text)

    def shows(self, text, role=("label",)):
        return self.find(role, text, enabled=False)

    def nameless(self):
        """Showing, focusable things without a name: nobody can tell what they are. And how many there are in all."""
        faults, seen = [], 0
        for node in walk(self.root):
            with contextlib.suppress(Exception):
                state = node.getState()
                if not state.contains(self.pyatspi.STATE_SHOWING) or not state.contains(self.pyatspi.STATE_FOCUSABLE):
                    continue
                seen += 1
                if not node.name and node.getRoleName() not in ("table cell", "frame", "filler", "panel", "list item"):
                    faults.append(f"{node.getRoleName()} in {node.parent.name if node.parent else '?'}")
        return faults, seen


def check(what, is_so):
    if not is_so:
        raise Failure(what)
    print(f"ok  {what}", flush=True)


def first_run(app):
    app.type("^Name of this device$", "laptop")
    app.press("Next")
    app.find(("radio button",), "Make a new vault")
    app.press("Next")
    app.type("^Name of the vault$", "papers")
    app.toggle("Show it as a folder")
    app.press("Next")
    app.type("^Passphrase$", PASSPHRASE)
    app.type("^The passphrase again$", PASSPHRASE)
    app.press("Make the vault")
    code = app.shows("^[0-9A-Z]{5}( +[0-9A-Z]{5}){3}\n").name
    check("the recovery code is shown", len(code.split()) == 8)
    check("nobody goes on without the sheet", not app.find(("push button", "button"), "Next", enabled=False).getState().contains(
        app.pyatspi.STATE_ENABLED))
    app.press("Cancel")
    app.press("Close all the same")
    wait_until("the wizard is gone", lambda: not app.all(("push button", "button"), "Save"), PATIENCE)


def lock_and_unlock(app):
    app.press("^Lock$")
    app.shows("^Locked$")
    check("the daemon says so as well", app.device.status("papers")["state"] == "locked")
    app.press("^Unlock…$")
    app.type("^Passphrase$", "wrong")
    app.press("^Unlock$")
    app.shows("^This is not the passphrase")
    app.type("^Passphrase$", PASSPHRASE)
    app.press("^Unlock$")
    app.shows("^Up to date$")
    check("unlocked after a wrong passphrase and the right one", app.device.status("papers")["state"] == "unlocked")


def invite_and_join(first, second):
    first.press("^Invite…$")
    first.press("^Make the link$")
    link = first.find(("text",), "^Link$")
    ticket = wait_until("the link is there", lambda: link.queryText().getText(0, -1), PATIENCE)
    check("the link is a ticket", ticket.startswith("lockstep:"))
    # A second start hands its link to the app that runs.
    done = run([second.device.world.bin / "lockstep-gui", ticket], env={**os.environ, **second.device.environment})
    check("a second instance ends at once", done.returncode == 0)
    second.toggle("Show it as a folder")
    second.press("^Join$")
    digits = second.shows(r"^\d{3} \d{3}$").name
    check("both show the same digits", first.shows(r"^\d{3} \d{3}$").name == digits)
    first.press("They are the same")
    second.shows("This device is a member now")
    second.press("^Next")
    second.press("^Finish$")
    second.shows("^Up to date$")
    first.shows("is a member of papers now")
    first.press("^Close$")


def main():
    missing = [program for program in ("Xvfb", "dbus-daemon", "dbus-send") if not shutil.which(program)]
    if missing or not os.path.exists("/usr/libexec/at-spi-bus-launcher"):
        print("skipped: not installed: " + ", ".join(missing or ["at-spi2-core"]) + " (./dev setup)")
        return 77
    with tempfile.TemporaryDirectory(prefix="lockstep-gui-") as directory, contextlib.ExitStack() as stack:
        desktop = Desktop(directory)
        stack.callback(desktop.close)
        world = stack.enter_context(World(wants_namespaces=False, wants_relay=False, prefix="lockstep-gui-world-"))
        laptop, desk = world.add_device("laptop"), world.add_device("desk")
        first = App(desktop, laptop)
        stack.callback(first.process.stop, 10)
        first_run(first)
        lock_and_unlock(first)
        second = App(desktop, desk)
        stack.callback(second.process.stop, 10)
        second.press("^Cancel$")
        invite_and_join(first, second)
        (faults, seen), (more, _) = first.nameless(), second.nameless()
        faults += more
        check(f"the tree has what takes the keyboard ({seen})", seen >= 10)
        check("everything that takes the keyboard has a name" + ("" if not faults else ": " + "; ".join(faults)), not faults)
        laptop.stop()
        first.shows("The service does not run")
        first.press("Start the service")
        first.shows("^Locked$")
        check("the service started by the app answers", laptop.exit_code("status") == 0)
        pid = int((laptop.home / "state/daemon.lock").read_text())
        os.kill(pid, 15)
        wait_until("that service has ended", lambda: laptop.exit_code("status") == 4, PATIENCE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
