#!/usr/bin/python3
"""A day with the app, as a person with assistive technology and a mouse has it: lockstep-gui under Xvfb with a window
manager (openbox) and a tray (trayer, XEmbed), a real daemon, a relay and a second device. A conflict of the two is ended
in the dialog; an earlier version and a deleted file come back; syncing is paused and resumed from the window and the tray; a
mass of rewrites is held and taken back.
Pictures of what was shown stay in build/.../screens/journey.

usage: journey_test.py     (LOCKSTEP_BIN: where the programs are)
Exits 77 when something is not installed.
"""
import contextlib
import os
import re
import shutil
import struct
import sys
import tempfile
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from desktop_test import PATIENCE, App, Desktop, check  # noqa: E402
from lockstep_world import Failure, World, run, wait_until, why_no_mounts  # noqa: E402

VAULT = "papers"
BUTTONS, CELL = ("push button", "button"), ("table cell",)
PROGRAMS = ("Xvfb", "dbus-daemon", "dbus-send", "openbox", "trayer", "xwininfo")


class Screen:
    """The pixels of the display, as Xvfb keeps them in a file (XWD)."""

    def __init__(self, directory, pictures):
        self.file, self.pictures = Path(directory) / "Xvfb_screen0", Path(pictures)
        self.pictures.mkdir(parents=True, exist_ok=True)

    def pixels(self, x=0, y=0, width=None, height=None):
        """Width, height and rows of a rectangle, three bytes a pixel."""
        data = self.file.read_bytes()
        words = struct.unpack(">25I", data[:100])
        size, all_width, all_height, is_big, line, colors = words[0], words[4], words[5], words[7], words[12], words[19]
        width, height = width or all_width, height or all_height
        red, green, blue = (1, 2, 3) if is_big else (2, 1, 0)
        rows = []
        for number in range(y, y + height):
            start = size + colors * 12 + number * line + x * 4
            raw, row = data[start:start + width * 4], bytearray(width * 3)
            row[0::3], row[1::3], row[2::3] = raw[red::4], raw[green::4], raw[blue::4]
            rows.append(bytes(row))
        return width, height, rows

    def save(self, name):
        width, height, rows = self.pixels()

        def chunk(kind, body):
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        (self.pictures / f"{name}.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 6)) + chunk(b"IEND", b""))


class Person(App):
    """Uses the app with a mouse and a keyboard as well: what is where, the accessibility tree tells."""

    def mouse(self, x, y, kind):
        self.pyatspi.Registry.generateMouseEvent(x, y, kind)

    def click(self, place, button=1):
        self.mouse(*place, f"b{button}p")
        self.mouse(*place, f"b{button}r")

    def place(self, node):
        box = node.queryComponent().getExtents(self.pyatspi.DESKTOP_COORDS)
        return box.x + min(box.width // 2, 60), box.y + box.height // 2

    def choose(self, role, name):
        self.click(self.place(self.find(role, name)))

    def page(self, name):
        self.choose(("list item",), f"^{name}$")

    def popups(self):
        """Menus that are open. Qt leaves them out of the accessibility tree."""
        tree = run(["xwininfo", "-root", "-tree"], check=False).stdout
        windows = re.findall(r'^     (0x[0-9a-f]+) "Lockstep": \("lockstep-gui"', tree, re.M)
        return [one for one in windows if "IsViewable" in run(["xwininfo", "-id", one], check=False).stdout]

    def open_tray_menu(self):
        """A click that comes while the tray takes in another picture of the icon is nobody's."""
        for _ in range(8):
            self.click(self.tray_place(), button=3)
            try:
                return wait_until("the tray's menu is open", self.popups, PATIENCE / 8, 0.1)
            except Failure:
                continue
        raise Failure("the tray's menu does not open")

    def choose_in_menus(self, keys):
        """Presses the underlined letters of entries, each when its menu is open; the last ends all."""
        for depth, key in enumerate(keys):
            wait_until(f"a menu for {key!r} is open", lambda depth=depth: len(self.popups()) == depth + 1, PATIENCE, 0.1)
            self.pyatspi.Registry.generateKeyboardEvent(ord(key), None, self.pyatspi.KEY_SYM)
        wait_until("the menus are closed", lambda: not self.popups(), PATIENCE, 0.1)

    def tray_icon(self):
        """x, y, width, height of the window that trayer has taken in; None while there is none."""
        tree = run(["xwininfo", "-root", "-tree"], check=False).stdout
        below = tree.partition('"panel": ("panel" "trayer")')[2]
        found = re.search(r'^ {14}0x[0-9a-f]+ "Lockstep": \S+ \S+  (\d+)x(\d+)\S+  \+(\d+)\+(\d+)$', below, re.M)
        if not found or int(found.group(1)) < 8:
            return None
        width, height, x, y = map(int, found.groups())
        return x, y, width, height

    def tray_place(self):
        x, y, width, height = wait_until("the app is in the tray", self.tray_icon, PATIENCE, 0.1)
        return x + width // 2, y + height // 2

    def has_window(self):
        return bool(self.all(("frame",), "Lockstep"))


def settle(*devices):
    for device in (*devices, devices[0]):
        device.wait(VAULT, timeout=60)


def from_the_tray(app, screen):
    """Only the icon is there; a click on it opens the window."""
    place = app.tray_place()
    check("the icon is in an XEmbed tray, and no window is open", not app.has_window())
    app.click(place)
    app.find(("frame",), "^Lockstep$")
    app.shows("^Up to date$")
    screen.save("vaults")


def conflict(app, screen, world, laptop, desk):
    """Both write the same file while they are apart, and the person chooses."""
    def disagree():
        (laptop.mount / "notes.txt").write_text("before\n")
        settle(laptop, desk)
        world.cut(desk, VAULT)
        (laptop.mount / "notes.txt").write_text("from laptop\n")
        (desk.mount / "notes.txt").write_text("from desk\n")
        world.heal(desk)
        app.page("Vaults")
        app.press("^Resolve conflicts…$")
        app.press("^Resolve…$")

    def contents(device):
        return {path.read_text() for path in device.mount.glob("notes*")}

    def wait_for_the_end(what, wanted):
        for device in (laptop, desk):
            wait_until(f"{device.name} has {what}", lambda device=device: device.status(VAULT)["conflicts"] == 0 and
                       contents(device) == wanted, PATIENCE, 0.1)
        check(f"both devices have {what}", True)
        wait_until("the dialog is gone", lambda: not app.all(BUTTONS, "^Keep both$"), PATIENCE, 0.1)

    disagree()
    this, that = app.shows(r"^notes\.txt\nfrom ").name, app.shows(r"^notes \(conflict from ").name
    check("the dialog tells the two apart by device, time and size",
          {re.search("from (laptop|desk)\n", text).group(1) for text in (this, that)} == {"laptop", "desk"} and
          all(re.search(r"written \d.*\n1[02] bytes$", text) for text in (this, that)))
    screen.save("conflict")
    kept = "from laptop\n" if "\nfrom laptop\n" in that else "from desk\n"
    app.press("^Keep the other$")
    wait_for_the_end("the version that was kept", {kept})
    (laptop.mount / "notes.txt").unlink()
    settle(laptop, desk)
    disagree()
    app.press("^Keep both$")
    wait_for_the_end("both versions under names of their own", {"from laptop\n", "from desk\n"})
    app.page("Conflicts")
    app.shows("^There are no conflicts")


def restore(app, screen, laptop, desk):
    """An earlier version, and a file that was deleted on the other device."""
    (laptop.mount / "plan.txt").write_text("plan A\n")
    (laptop.mount / "letter.txt").write_text("Dear Ana\n")
    settle(laptop, desk)
    (laptop.mount / "plan.txt").write_text("plan B, longer\n")
    settle(laptop, desk)
    (desk.mount / "letter.txt").unlink()
    settle(desk, laptop)
    # As a file manager asks for it.
    done = run([laptop.world.bin / "lockstep-gui", f"--history={laptop.mount / 'plan.txt'}"],
               env={**os.environ, **laptop.environment})
    check("a second instance ends at once", done.returncode == 0)
    app.choose(CELL, "^replaced by laptop$")
    app.press("^Look at it$")
    text = app.find(("text",), "^Content of plan.txt$", enabled=False).queryText().getText(0, -1)
    check("the earlier version can be looked at", text == "plan A\n")
    screen.save("preview")
    app.press("^Close$")
    wait_until("the preview is gone", lambda: not app.all(("text",), "^Content of"), PATIENCE, 0.1)
    app.press("^Restore$")
    app.shows("^Restored plan.txt: 1 files")
    wait_until("desk has it as well", lambda: (desk.mount / "plan.txt").read_text() == "plan A\n", PATIENCE)
    check("the earlier version is back", (laptop.mount / "plan.txt").read_text() == "plan A\n")
    app.find(CELL, "^deleted .* by desk$")
    app.choose(CELL, "^letter.txt$")
    app.press("^Restore$")
    app.shows("^Restored letter.txt: 1 files")
    screen.save("history")
    wait_until("desk has it as well", lambda: (desk.mount / "letter.txt").exists(), PATIENCE)
    check("the deleted file is back", (laptop.mount / "letter.txt").read_text() == "Dear Ana\n")


def versions_of_what_changed(app, screen, laptop, desk):
    """What another device has written is named, and leads to its versions, which are shown as they come."""
    (desk.mount / "report.txt").write_text("first\n")
    settle(desk, laptop)
    app.page("Activity")
    app.choose(CELL, "^desk added .*report.txt")
    app.find(("list item",), "^report.txt$")
    screen.save("activity")
    app.press("^History of this file$")
    app.find(CELL, "^shown now$")
    check("an event leads to the versions of the file that it names", True)

    def earlier():
        return len(app.all(CELL, "^replaced by desk$"))
    before = earlier()
    (desk.mount / "report.txt").write_text("second, longer\n")
    wait_until("the version before is shown as one of the past", lambda: earlier() > before, PATIENCE, 0.1)
    check("a version that comes while they are shown is shown", True)


def pause_and_resume(app, screen, laptop, desk):
    def picture():
        app.mouse(10, 10, "abs")  # the pointer is in the picture, too
        return screen.pixels(*app.tray_icon())[2]

    def is_paused():
        return laptop.status(VAULT)["paused"]

    def wait_for(what, condition):
        wait_until(what, condition, PATIENCE, 0.1)
        check(what, True)
    app.page("Vaults")
    app.shows("^Up to date$")
    pictures = []

    def is_at_rest():
        pictures.append(picture())
        return app.all(("label",), "^Up to date$") and len(pictures) > 5 and all(one == pictures[-1] for one in pictures[-5:])
    wait_until("the icon is drawn and stays so", is_at_rest, PATIENCE, 0.2)
    well = pictures[-1]
    app.press("^Pause…$")
    app.choose_in_menus("2")
    app.shows("^Paused$")
    app.shows("^Nothing is sent or received until ")
    status = laptop.status(VAULT)
    check("the window pauses for as long as was chosen", status["paused"] and status["pausedUntilMs"] > 0)
    wait_for("paused has a shape of its own in the tray", lambda: picture() != well)
    screen.save("paused")
    wait_for("the other device is not connected", lambda: not any(
        peer["connected"] for peer in desk.status(VAULT)["peers"]))
    (laptop.mount / "later.txt").write_text("later\n")
    app.press("^Resume$")
    wait_for("what was written meanwhile arrives after the resume",
             lambda: not is_paused() and (desk.mount / "later.txt").exists())
    wait_for("the icon is the first one again", lambda: picture() == well)
    app.open_tray_menu()
    screen.save("tray-menu")
    app.choose_in_menus("p3")
    wait_for("the tray pauses all", is_paused)
    app.shows("^Paused$")
    app.open_tray_menu()
    app.choose_in_menus("ps")
    wait_for("the tray resumes all", lambda: not is_paused())
    app.shows("^Up to date$")


def take_back_a_mass_of_rewrites(app, screen, laptop, desk):
    """Files that are overwritten with noise, as ransomware does, are held, and the person takes that back."""
    files = {laptop.mount / f"many/{number}": f"{number}: what was written\n".encode() * (1 + number * 10) for number in range(45)}
    (laptop.mount / "many").mkdir()
    for path, content in files.items():
        path.write_bytes(content)
    settle(laptop, desk)
    # What was made within ten minutes counts as new: a daemon that starts has forgotten it.
    laptop.stop()
    app.shows("The service does not run")
    laptop.start()
    laptop.unlock(VAULT)
    wait_until("the mount is there again", lambda: (laptop.mount / "many/0").exists(), PATIENCE)
    settle(laptop, desk)
    for path, content in files.items():
        path.write_bytes(os.urandom(max(len(content), 500)))
    app.press("^Review what is held…$")
    app.shows("laptop has rewritten")
    screen.save("rewrites")
    app.press("^Take it back$")
    app.shows("were taken back")
    app.press("^Close$")

    def is_as_before(device):
        return all((device.mount / path.relative_to(laptop.mount)).read_bytes() == content for path, content in files.items())
    for device in (laptop, desk):
        wait_until(f"the files of {device.name} are as before", lambda device=device: is_as_before(device), PATIENCE, 0.2)
    app.shows("^Up to date$")
    check("a mass of rewrites is taken back", True)


def test(stack, directory):
    desktop = Desktop(directory)
    stack.callback(desktop.close)
    desktop.start(["openbox", "--sm-disable"], "openbox")
    desktop.start(["trayer", "--edge", "bottom", "--align", "right", "--widthtype", "request"], "trayer")
    wait_until("the tray is there", lambda: '("panel" "trayer")' in run(["xwininfo", "-root", "-tree"]).stdout, PATIENCE, 0.1)
    screen = Screen(directory, Path(os.environ["LOCKSTEP_BIN"]).parent / "screens/journey")
    world = stack.enter_context(World(wants_namespaces=False, prefix="lockstep-gui-world-"))
    laptop, desk = world.add_device("laptop"), world.add_device("desk")
    laptop.create(VAULT)
    desk.join(laptop.invite(VAULT))
    settle(laptop, desk)
    app = Person(desktop, laptop, "--tray")
    stack.callback(app.process.stop, 10)
    try:
        from_the_tray(app, screen)
        conflict(app, screen, world, laptop, desk)
        restore(app, screen, laptop, desk)
        versions_of_what_changed(app, screen, laptop, desk)
        pause_and_resume(app, screen, laptop, desk)
        take_back_a_mass_of_rewrites(app, screen, laptop, desk)
    except BaseException:
        screen.save("failure")
        raise


def main():
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if not os.path.exists("/usr/libexec/at-spi-bus-launcher"):
        missing.append("at-spi2-core")
    if missing or (why := why_no_mounts()):
        print("skipped: " + (f"not installed: {', '.join(missing)} (./dev setup)" if missing else why))
        return 77
    with tempfile.TemporaryDirectory(prefix="lockstep-gui-") as directory, contextlib.ExitStack() as stack:
        test(stack, directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
