"""Lockstep in Nautilus (43, python3-nautilus 4.0): emblems of what is here, and a menu for files of a vault.

A file's emblem is what its mount says of it (user.lockstep.status); everything else is asked of `lockstep`.
Nothing here waits: files are asked on GIO's threads and programs run beside, each for a short time, so that a
daemon that hangs costs emblems and not the file manager.
"""
import json
import locale
import os
from collections import deque

from gi.repository import Gio, GLib, GObject, Nautilus

MOUNTS_FRESH_S = 5
ATTRIBUTE_PATIENCE_MS = 2000
LIST_PATIENCE_MS = 3000
VERB_PATIENCE_MS = 20000
# Questions about files that are under way; one that nobody answers keeps its place for as long as it is.
ASKED_MAX = 4
WAITING_MAX = 2000

STATUS = "xattr::lockstep.status"
EMBLEMS = {"absent": "lockstep-absent", "on-demand": "lockstep-absent", "partial": "lockstep-partial", "local": "lockstep-here",
           "pinned": "lockstep-pinned"}

GERMAN = {
    "Keep Here": "Hier behalten",
    "All of the content stays on this device": "Der ganze Inhalt bleibt auf diesem Gerät",
    "Keep on Demand": "Bei Bedarf laden",
    "Content comes when it is read, and goes when space is needed": "Inhalt kommt, wenn er gelesen wird, und geht, wenn Platz fehlt",
    "History of This File…": "Versionen dieser Datei …",
    "Which versions there are": "Welche Versionen es gibt",
    "Why Is It Not in Step?": "Warum nicht auf gleichem Stand?",
    "What keeps it from being the same on all devices": "Was dem gleichen Stand auf allen Geräten im Weg ist",
    "There was no answer within {} seconds": "Keine Antwort innerhalb von {} Sekunden",
}


def tr(text):
    language = locale.getlocale(locale.LC_MESSAGES)[0] or os.environ.get("LANG", "")
    return GERMAN.get(text, text) if language.startswith("de") else text


def run(arguments, patience_ms, done):
    """Runs `lockstep ARGUMENTS`; then done(exit status, output, errors), with status None when it took too long or is not there."""
    try:
        process = Gio.Subprocess.new(["lockstep", *arguments], Gio.SubprocessFlags.STDOUT_PIPE | Gio.SubprocessFlags.STDERR_PIPE)
    except GLib.Error as error:
        message = error.message
        GLib.idle_add(lambda: done(None, "", message) and False)
        return
    timer = 0

    def give_up():
        nonlocal timer
        timer = 0
        process.force_exit()
        return GLib.SOURCE_REMOVE

    def finish(_, result):
        try:
            _, output, errors = process.communicate_utf8_finish(result)
        except GLib.Error as error:
            output, errors = "", error.message
        if timer == 0:
            return done(None, "", tr("There was no answer within {} seconds").format(patience_ms // 1000))
        GLib.source_remove(timer)
        done(process.get_exit_status() if process.get_if_exited() else None, output or "", errors or "")

    timer = GLib.timeout_add(patience_ms, give_up)
    process.communicate_utf8_async(None, None, finish)


class Places:
    """The directories of this machine that show a vault, as the daemon has last said."""

    def __init__(self):
        self.mounts, self.mirrors = [], []
        self.asked_at_us = None
        self.is_asking = False
        self.waiting = []

    def is_known(self):
        return self.asked_at_us is not None

    def refresh(self, then=None):
        """Asks again when it is time; `then` is called when what is known is fresh, at once or later."""
        now = GLib.get_monotonic_time()
        if self.is_known() and now - self.asked_at_us < MOUNTS_FRESH_S * 1_000_000:
            return then and then()
        if then:
            self.waiting.append(then)
        if not self.is_asking:
            self.is_asking = True
            run(["status", "--json"], LIST_PATIENCE_MS, self.take)

    def take(self, code, output, _):
        self.is_asking, self.asked_at_us = False, GLib.get_monotonic_time()
        self.mounts, self.mirrors = [], []
        try:
            vaults = json.loads(output)["vaults"] if code is not None else []
            for vault in vaults:
                self.mounts += [mount["directory"] for mount in vault["mounts"] if mount.get("mounted")]
                self.mirrors += [mirror["directory"] for mirror in vault["mirrors"]]
        except (ValueError, KeyError, TypeError):
            pass
        waiting, self.waiting = self.waiting, []
        for then in waiting:
            then()

    @staticmethod
    def is_below(path, directories):
        return any(path == directory or path.startswith(directory.rstrip("/") + "/") for directory in directories)

    def is_mounted(self, path):
        return self.is_below(path, self.mounts)

    def is_in_a_vault(self, path):
        return self.is_mounted(path) or self.is_below(path, self.mirrors)


class Question:
    """What Nautilus wants to know of one file."""

    def __init__(self, file, path, provider, handle, closure):
        self.file, self.path = file, path
        self.provider, self.handle, self.closure = provider, handle, closure
        self.is_over = False
        self.timer = GLib.timeout_add(ATTRIBUTE_PATIENCE_MS, self.expire)

    def expire(self):
        self.timer = 0
        self.finish(None)
        return GLib.SOURCE_REMOVE

    def finish(self, emblem):
        """Once; what comes later is dropped."""
        if self.is_over:
            return
        self.is_over = True
        self.cancel_timer()
        if emblem:
            self.file.add_emblem(emblem)
        Nautilus.info_provider_update_complete_invoke(self.closure, self.provider, self.handle, Nautilus.OperationResult.COMPLETE)

    def drop(self):
        self.is_over = True
        self.cancel_timer()

    def cancel_timer(self):
        if self.timer:
            GLib.source_remove(self.timer)
        self.timer = 0


def show_text(title, text):
    """In a window of its own, which nobody waits for."""
    import gi
    gi.require_version("Gtk", "4.0")
    from gi.repository import Gtk
    application = Gio.Application.get_default()
    parent = application.get_active_window() if hasattr(application, "get_active_window") else None
    window = Gtk.MessageDialog(transient_for=parent, modal=False, buttons=Gtk.ButtonsType.CLOSE, text=title, secondary_text=text)
    window.connect("response", lambda dialog, _: dialog.destroy())
    window.present()


def path_of(file):
    """None for what is not on this machine."""
    return file.get_location().get_path() if file.get_uri_scheme() == "file" else None


class LockstepExtension(GObject.GObject, Nautilus.InfoProvider, Nautilus.MenuProvider):
    def __init__(self):
        super().__init__()
        self.places = Places()
        self.waiting = deque()
        self.asked = 0
        self.places.refresh()

    # ---- emblems

    def update_file_info_full(self, provider, handle, closure, file):
        path = path_of(file)
        if path is None or len(self.waiting) >= WAITING_MAX:
            return Nautilus.OperationResult.COMPLETE
        if self.places.is_known() and not self.places.is_mounted(path):
            self.places.refresh()
            return Nautilus.OperationResult.COMPLETE
        self.waiting.append(Question(file, path, provider, handle, closure))
        self.places.refresh(self.ask_next)
        return Nautilus.OperationResult.IN_PROGRESS

    def cancel_update(self, provider, handle):
        for question in [one for one in self.waiting if one.handle == handle]:
            question.drop()
            self.waiting.remove(question)

    def ask_next(self):
        while self.waiting and self.asked < ASKED_MAX:
            question = self.waiting.popleft()
            if question.is_over:
                continue
            if not self.places.is_mounted(question.path):
                question.finish(None)
                continue
            self.asked += 1
            Gio.File.new_for_path(question.path).query_info_async(
                STATUS, Gio.FileQueryInfoFlags.NOFOLLOW_SYMLINKS, GLib.PRIORITY_LOW, None,
                lambda location, result, question=question: self.take_status(question, location, result))

    def take_status(self, question, location, result):
        self.asked -= 1
        try:
            status = location.query_info_finish(result).get_attribute_as_string(STATUS)
        except GLib.Error:
            status = None
        question.finish(EMBLEMS.get(status))
        self.ask_next()

    # ---- the menu

    def get_file_items(self, *arguments):
        files = arguments[-1]
        paths = [path_of(file) for file in files]
        self.places.refresh()
        if not paths or not all(path and self.places.is_in_a_vault(path) for path in paths):
            return []
        return [self.menu(files, paths)]

    def get_background_items(self, *arguments):
        return self.get_file_items([arguments[-1]])

    def menu(self, files, paths):
        top = Nautilus.MenuItem(name="Lockstep::menu", label="Lockstep", tip="", icon="lockstep-gui")
        below = Nautilus.Menu()
        top.set_submenu(below)

        def add(name, label, tip, act):
            item = Nautilus.MenuItem(name=f"Lockstep::{name}", label=tr(label), tip=tr(tip), icon="")
            item.connect("activate", lambda _: act())
            below.append_item(item)

        add("keep", "Keep Here", "All of the content stays on this device", lambda: self.keep(files, paths, "full"))
        add("demand", "Keep on Demand", "Content comes when it is read, and goes when space is needed",
            lambda: self.keep(files, paths, "on-demand"))
        if len(paths) == 1:
            add("history", "History of This File…", "Which versions there are", lambda: self.show_history(paths[0]))
            add("explain", "Why Is It Not in Step?", "What keeps it from being the same on all devices",
                lambda: self.tell("explain", paths[0]))
        return top

    def keep(self, files, paths, how):
        def done(file, path, code, errors):
            if code == 0:
                file.invalidate_extension_info()
            else:
                show_text(os.path.basename(path), errors)

        for file, path in zip(files, paths):
            run(["keep", path, how], VERB_PATIENCE_MS,
                lambda code, _, errors, file=file, path=path: done(file, path, code, errors))

    def show_history(self, path):
        """In the app; without it, as text."""
        try:
            Gio.Subprocess.new(["lockstep-gui", f"--history={path}"], Gio.SubprocessFlags.NONE)
        except GLib.Error:
            self.tell("history", path)

    def tell(self, verb, path):
        run([verb, path], VERB_PATIENCE_MS, lambda code, output, errors: show_text(os.path.basename(path), output if code == 0 else errors))
