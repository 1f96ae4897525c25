"""Lockstep in file managers: Nautilus' extension with a stand-in for Nautilus, a real daemon and mount; Dolphin's menu.

usage: file_manager_test.py BIN_DIRECTORY SOURCE_DIRECTORY; exit status 77 without python3-gi or where nothing can be mounted
"""
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import types
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
BIN, SOURCE = Path(sys.argv.pop(1)).resolve(), Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(SOURCE / "tests/e2e"))
from lockstep_world import World, wait_until, why_no_mounts  # noqa: E402

try:
    from gi.repository import Gio, GLib
except ImportError:
    print("python3-gi is not installed")
    sys.exit(77)

VAULT = "papers"
AWKWARD = "it's \"so\" for $HOME; a\\b.txt"
MENUS = SOURCE / "installers/file-managers"


NOTES = """
_finish = Question.finish
def finish(self, emblem):
    with open({told!r}, "a") as file:
        file.write(f"{{self.path}} {{emblem}}\\n")
    _finish(self, emblem)
Question.finish = finish
"""


class MenuItem:
    def __init__(self, name, label, tip, icon):
        self.name, self.label, self.tip = name, label, tip
        self.below, self.act = None, None

    def set_submenu(self, menu):
        self.below = menu

    def connect(self, signal_name, act):
        assert signal_name == "activate"
        self.act = act


class Menu:
    def __init__(self):
        self.items = []

    def append_item(self, item):
        self.items.append(item)


def stand_in():
    """What the extension uses of Nautilus, and what it has told Nautilus."""
    nautilus = types.ModuleType("gi.repository.Nautilus")
    nautilus.InfoProvider, nautilus.MenuProvider = type("InfoProvider", (), {}), type("MenuProvider", (), {})
    nautilus.OperationResult = types.SimpleNamespace(COMPLETE="complete", FAILED="failed", IN_PROGRESS="in progress")
    nautilus.Menu, nautilus.MenuItem = Menu, MenuItem
    nautilus.completed = []
    nautilus.info_provider_update_complete_invoke = lambda closure, provider, handle, result: nautilus.completed.append((handle, result))
    return nautilus


class File:
    """A Nautilus.FileInfo of a path."""

    def __init__(self, path):
        self.path, self.emblems, self.invalidated = str(path), [], 0

    def get_uri_scheme(self):
        return "file"

    def get_location(self):
        return Gio.File.new_for_path(self.path)

    def add_emblem(self, name):
        self.emblems.append(name)

    def invalidate_extension_info(self):
        self.invalidated += 1


def turn_until(what, condition):
    """Runs GLib's loop, as Nautilus does."""
    context = GLib.MainContext.default()

    def turn():
        while context.iteration(False):
            pass
        return condition()
    wait_until(what, turn, 60)


class Extension(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(wants_namespaces=False, wants_relay=False, prefix="lockstep-files-", bin_directory=BIN)
        cls.device = cls.world.add_device("laptop")
        cls.device.create(VAULT)
        os.environ.update(cls.device.environment, PATH=f"{BIN}:{os.environ['PATH']}", LANGUAGE="C", LC_ALL="C.UTF-8")

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.nautilus = stand_in()
        sys.modules["gi.repository.Nautilus"] = self.nautilus
        sys.modules["gi.repository"].Nautilus = self.nautilus
        spec = importlib.util.spec_from_file_location("lockstep_nautilus", MENUS / "nautilus/lockstep-nautilus.py")
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.shown = []
        self.module.show_text = lambda title, text: self.shown.append((title, text))
        self.extension = self.module.LockstepExtension()
        self.mount = self.device.mount

    def file(self, name, content=b"bytes\n"):
        (self.mount / name).write_bytes(content)
        return File(self.mount / name)

    def know_places(self):
        turn_until("the list of mounts", self.extension.places.is_known)

    def ask(self, file, handle=1):
        return self.extension.update_file_info_full(None, handle, None, file)

    def emblems(self, file):
        """Once Nautilus has been told."""
        file.emblems.clear()
        self.nautilus.completed.clear()
        if self.ask(file) == self.nautilus.OperationResult.IN_PROGRESS:
            turn_until("an answer", lambda: self.nautilus.completed)
            self.assertEqual(self.nautilus.completed, [(1, "complete")])
        return file.emblems

    def menu(self, *files):
        self.know_places()
        items = self.extension.get_file_items(list(files))
        return {item.name.removeprefix("Lockstep::"): item for item in (items[0].below.items if items else [])}

    def choose(self, name, *files):
        self.menu(*files)[name].act(None)

    def keep_of(self, path):
        return self.device.json("keep", path)["here"]["keep"]

    def test_emblems_are_what_the_mount_says(self):
        note = self.file("note.txt")
        # Asked before the extension knows a mount, and after.
        self.assertEqual(self.emblems(note), ["lockstep-here"])
        self.assertEqual(self.emblems(note), ["lockstep-here"])
        (self.mount / "films").mkdir()
        self.device.call("keep", f"{VAULT}:films", "on-demand")
        self.assertEqual(self.emblems(File(self.mount / "films")), ["lockstep-absent"])
        self.device.call("pin", f"{VAULT}:note.txt")
        self.assertEqual(self.emblems(note), ["lockstep-pinned"])
        for emblem in self.module.EMBLEMS.values():
            self.assertTrue((MENUS / f"nautilus/icons/emblem-{emblem}.svg").exists(), emblem)

    def test_what_is_in_no_vault_is_left_alone(self):
        self.know_places()
        other = File(self.world.directory)
        self.assertEqual(self.ask(other), "complete")
        self.assertEqual(self.menu(other), {})
        self.assertEqual(self.menu(other, self.file("note.txt")), {})
        elsewhere = File("/x")
        elsewhere.get_uri_scheme = lambda: "sftp"
        self.assertEqual(self.ask(elsewhere), "complete")
        self.assertEqual(self.menu(elsewhere), {})

    def test_the_menu_chooses_what_is_kept(self):
        files = [self.file(AWKWARD), self.file("b.txt")]
        self.assertEqual(set(self.menu(*files)), {"keep", "demand"})
        self.choose("demand", *files)
        turn_until("both are chosen", lambda: all(file.invalidated for file in files))
        self.assertEqual([self.keep_of(f"{VAULT}:{Path(file.path).name}") for file in files], ["on-demand"] * 2)
        self.choose("keep", files[0])
        turn_until("the other choice", lambda: files[0].invalidated == 2)
        self.assertEqual(self.keep_of(files[0].path), "full")
        self.assertEqual(self.shown, [])
        self.choose("keep", File(self.mount / "not-there"))
        turn_until("why not", lambda: self.shown)
        self.assertEqual(self.shown[0][0], "not-there")
        self.assertIn("lockstep:", self.shown[0][1])

    def test_the_menu_tells_why_and_what_was(self):
        note = self.file("told.txt")
        # Without the app the history is text, too.
        alone = self.world.directory / "alone"
        alone.mkdir()
        (alone / "lockstep").symlink_to(BIN / "lockstep")
        before, os.environ["PATH"] = os.environ["PATH"], f"{alone}:/usr/bin:/bin"
        self.addCleanup(os.environ.update, PATH=before)
        for name, wanted in (("explain", f"{VAULT}:told.txt"), ("history", "is shown")):
            self.shown.clear()
            self.device.wait(VAULT)
            self.choose(name, note)
            turn_until("an answer", lambda: self.shown)
            self.assertEqual(self.shown[0][0], "told.txt")
            self.assertIn(wanted, self.shown[0][1])

    def app_stand_in(self):
        """Where it is, and the file in which it notes what it was started for."""
        place = self.world.directory / "app"
        place.mkdir(exist_ok=True)
        told = place / "told"
        told.unlink(missing_ok=True)
        (place / "lockstep-gui").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {told}.new && mv {told}.new {told}\n")
        (place / "lockstep-gui").chmod(0o755)
        return place, told

    def test_the_menu_opens_the_history_in_the_app(self):
        note = self.file(AWKWARD)
        place, told = self.app_stand_in()
        before, os.environ["PATH"] = os.environ["PATH"], f"{place}:{os.environ['PATH']}"
        self.addCleanup(os.environ.update, PATH=before)
        self.choose("history", note)
        turn_until("the app is started", told.exists)
        self.assertEqual(told.read_text(), f"--history={note.path}\n")
        self.assertEqual(self.shown, [])

    def test_a_daemon_that_hangs_does_not_hang_the_file_manager(self):
        files = [self.file(f"hung-{number}.txt") for number in range(2 * self.module.ASKED_MAX)]
        self.know_places()
        turns = 0

        def turn():
            nonlocal turns
            turns += 1
            return GLib.SOURCE_CONTINUE
        timer = GLib.timeout_add(10, turn)
        os.kill(self.device.daemon.pid, signal.SIGSTOP)
        try:
            for number, file in enumerate(files):
                self.assertEqual(self.ask(file, number), "in progress")
            self.assertEqual(turns, 0, "none of it has waited in Nautilus' loop")
            self.choose("explain", files[0])
            turn_until("every question is given up", lambda: len(self.nautilus.completed) == len(files))
            self.assertGreater(turns, 0, "the loop went on meanwhile")
            self.assertEqual([file.emblems for file in files], [[]] * len(files))
            # Nautilus itself may give up earlier.
            self.ask(files[0], "cancelled")
            self.extension.cancel_update(None, "cancelled")
            self.assertNotIn("cancelled", [question.handle for question in self.extension.waiting])
        finally:
            os.kill(self.device.daemon.pid, signal.SIGCONT)
        GLib.source_remove(timer)
        turn_until("what was asked at the end", lambda: self.extension.asked == 0 and not self.extension.places.is_asking)
        turn_until("an answer to the menu", lambda: self.shown)
        self.extension.places.asked_at_us = None
        self.assertEqual(self.emblems(files[0]), ["lockstep-here"], "all is well when the daemon is")
        self.assertNotIn("cancelled", [handle for handle, _ in self.nautilus.completed])

    def test_without_a_daemon_there_is_nothing_to_show(self):
        before, os.environ["LOCKSTEP_HOME"] = os.environ["LOCKSTEP_HOME"], str(self.world.directory / "nobody")
        try:
            note = self.file("note.txt")
            self.extension.places.asked_at_us = None
            self.extension.places.take(None, "", "")
            self.assertEqual(self.ask(note), "complete")
            self.assertEqual(self.menu(note), {})
            os.environ["PATH"], path = "/nonexistent", os.environ["PATH"]
            told = []
            self.module.run(["status"], 1000, lambda *answer: told.append(answer))
            os.environ["PATH"] = path
            turn_until("that there is no such program", lambda: told)
            self.assertIsNone(told[0][0])
        finally:
            os.environ["LOCKSTEP_HOME"] = before

    def test_german_has_every_label(self):
        source = (MENUS / "nautilus/lockstep-nautilus.py").read_text()
        for text in self.module.GERMAN:
            self.assertEqual(source.count(f'"{text}"'), 2, text)
        note = self.file("note.txt")
        for item in self.menu(note).values():
            self.assertIn(item.label, self.module.GERMAN)
            self.assertIn(item.tip, self.module.GERMAN)

    def test_the_real_nautilus_shows_it(self):
        module = next(Path("/usr/lib").glob("*/nautilus/extensions-4/libnautilus-python.so"), None)
        if module is None or not all(shutil.which(program) for program in ("nautilus", "xvfb-run", "dbus-run-session")):
            self.skipTest("nautilus, python3-nautilus, xvfb or dbus is not installed")
        self.device.call("pin", f"{VAULT}:{Path(self.file('shown.txt').path).name}")
        home = self.world.directory / "nautilus-home"
        told, log = home / "told", home / "log"
        extensions, emblems = home / "data/nautilus-python/extensions", home / "data/icons/hicolor/scalable/emblems"
        extensions.mkdir(parents=True)
        shutil.copytree(MENUS / "nautilus/icons", emblems)
        # As it is installed, and it notes what Nautilus has been told.
        source = (MENUS / "nautilus/lockstep-nautilus.py").read_text()
        (extensions / "lockstep-nautilus.py").write_text(source + NOTES.format(told=str(told)))
        environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config"),
                       "XDG_CACHE_HOME": str(home / "cache"), "XDG_RUNTIME_DIR": str(home), "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo"}
        with open(log, "wb") as output:
            nautilus = subprocess.Popen(["dbus-run-session", "--", "xvfb-run", "-a", "timeout", "60", "nautilus", "--new-window", self.mount],
                                        env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        try:
            wait_until("an emblem", lambda: told.exists() and f"{self.mount}/shown.txt lockstep-pinned\n" in told.read_text(), 60)
        finally:
            os.killpg(nautilus.pid, signal.SIGTERM)
            nautilus.wait(30)
        self.assertNotIn("Traceback", log.read_text(errors="replace"))
        self.assertNotIn("emblem-lockstep-pinned", log.read_text(errors="replace"), "no such icon?")

    # ---- Dolphin

    def test_dolphins_menu_does_the_same(self):
        note = self.file(AWKWARD)
        menu, scratch = MENUS / "dolphin/lockstep.desktop", self.world.directory
        windows = scratch / "windows"
        (scratch / "bin").mkdir(exist_ok=True)
        (scratch / "bin/kdialog").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >> {windows}\n")
        (scratch / "bin/kdialog").chmod(0o755)
        app, told = self.app_stand_in()
        environment = {**os.environ, "PATH": f"{scratch}/bin:{app}:{os.environ['PATH']}"}
        entry = GLib.KeyFile()
        entry.load_from_file(str(menu), GLib.KeyFileFlags.NONE)
        for name in entry.get_string_list("Desktop Entry", "Actions"):
            command = entry.get_string(f"Desktop Action {name}", "Exec")
            self.assertTrue(entry.get_locale_string(f"Desktop Action {name}", "Name", "de"))
            program, verb, what = command.split()
            self.assertEqual((Path(program).name, what), ("file-menu", "%F"))
            subprocess.run([MENUS / "dolphin/file-menu", verb, note.path], env=environment, check=True, timeout=60)
            if name in ("keep", "demand"):
                self.assertEqual(self.keep_of(note.path), {"keep": "full", "demand": "on-demand"}[name])
        said = windows.read_text()
        self.assertIn(AWKWARD, said)
        wait_until("the app is started", told.exists)
        self.assertEqual(told.read_text(), f"--history={note.path}\n")
        subprocess.run([MENUS / "dolphin/file-menu", "keep", self.mount / "not-there"], env=environment, check=True, timeout=60)
        self.assertIn("not-there", windows.read_text()[len(said):])

    def test_dolphins_menu_is_a_desktop_file(self):
        if shutil.which("desktop-file-validate") is None:
            self.skipTest("desktop-file-utils is not installed")
        # The validator does not know KDE's type for it, and only wants a program for the type that it knows.
        text = (MENUS / "dolphin/lockstep.desktop").read_text().replace("Type=Service\n", "Type=Application\nExec=true\n")
        copy = self.world.directory / "lockstep.desktop"
        copy.write_text(text)
        done = subprocess.run(["desktop-file-validate", "--no-hints", copy], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    if why_no_mounts():
        print(why_no_mounts())
        sys.exit(77)
    unittest.main(verbosity=2)
