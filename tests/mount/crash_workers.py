"""Programs that write to a mount and know exactly what was promised to them, so that they can tell after a crash.

Each works in a directory of its own and remembers, in a process that is not killed, what was acknowledged. After
`work()` has ended with an error, `verify()` compares the directory with that and goes on from what it finds: what
a killed daemon has given back once is on the disk.
"""
import hashlib
import os
import random
import sqlite3
import stat

KIB = 1 << 10


class Lost(Exception):
    """Something promised is not there, or something is there that nobody wrote."""


def noise(seed, size):
    return hashlib.shake_256(str(seed).encode()).digest(size)


def read_or_none(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


class Worker:
    def __init__(self, directory, seed):
        self.directory, self.random, self.acknowledged = str(directory), random.Random(seed), 0

    def path(self, name):
        return os.path.join(self.directory, name)

    def begin(self):
        os.makedirs(self.directory, exist_ok=True)
        # A kill before the first fsync of a program would take its directory as well.
        self.sync_directory()

    def step(self):
        raise NotImplementedError

    def verify(self):
        raise NotImplementedError

    def sync_directory(self):
        fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class InPlaceWriter(Worker):
    """Overwrites parts of files, with fsync, fdatasync or O_SYNC. Bytes not yet acknowledged may be old or new."""

    SIZE_MAX = 2500 * KIB

    def begin(self):
        super().begin()
        self.files = {}  # name -> (acknowledged content or None, writes since)

    def step(self):
        name = f"file-{self.random.randrange(5)}"
        known, pending = self.files.setdefault(name, (None, []))
        size = max([len(known or b"")] + [at + len(data) for at, data in pending])
        how = self.random.choice(["fsync", "fsync", "fdatasync", "O_SYNC"])
        flags = os.O_RDWR | os.O_CREAT | (os.O_SYNC if how == "O_SYNC" else 0)
        fd = os.open(self.path(name), flags, 0o644)
        try:
            for _ in range(self.random.randint(1, 4)):
                length = self.random.choice([7, 500, 4096, 30 * KIB, 200 * KIB] + [1500 * KIB] * (how != "O_SYNC"))
                at = min(self.random.randint(0, size), self.SIZE_MAX - length)
                data = noise(self.random.random(), length)
                pending.append((at, data))
                size = max(size, at + length)
                if os.pwrite(fd, data, at) != length:
                    raise OSError("a short write")  # as when the daemon is killed halfway
                if how == "O_SYNC":
                    self.acknowledge(name)
            if how == "fsync":
                os.fsync(fd)
            elif how == "fdatasync":
                os.fdatasync(fd)
            self.acknowledge(name)
        finally:
            os.close(fd)

    def acknowledge(self, name):
        known, pending = self.files[name]
        content = bytearray(known or b"")
        for at, data in pending:
            content.extend(bytes(max(0, at + len(data) - len(content))))
            content[at:at + len(data)] = data
        pending.clear()
        self.files[name] = (bytes(content), pending)
        self.acknowledged += 1

    def verify(self):
        for name, (known, pending) in list(self.files.items()):
            found = read_or_none(self.path(name))
            if found is None and known is not None:
                raise Lost(f"{self.path(name)} is gone, {len(known)} bytes of it were acknowledged")
            self.compare(self.path(name), found or b"", known or b"", pending)
            self.files[name] = (found, [])

    @staticmethod
    def compare(path, found, known, pending):
        if found == known:
            return
        longest = max([len(known)] + [at + len(data) for at, data in pending])
        if not len(known) <= len(found) <= longest:
            raise Lost(f"{path} has {len(found)} bytes, {len(known)} were acknowledged, at most {longest} written")
        old = known + bytes(len(found) - len(known))
        for start in range(0, len(found), 4096):
            if found[start:start + 4096] == old[start:start + 4096]:
                continue
            for at in range(start, min(start + 4096, len(found))):
                if found[at] != old[at] and not any(begin <= at < begin + len(data) and data[at - begin] == found[at]
                                                    for begin, data in pending):
                    raise Lost(f"{path}: byte {at} is neither what was acknowledged nor what was written since")


class Appender(Worker):
    """Appends lines to a log, each with fdatasync."""

    def begin(self):
        super().begin()
        self.known, self.written, self.number = b"", b"", 0

    def step(self):
        if len(self.known) > 400 * KIB:
            self.number += 1
            self.known = self.written = b""
        at = len(self.written)
        line = f"{at} {noise(at, self.random.randint(1, 400)).hex()}\n".encode()
        self.written = self.known + line
        fd = os.open(self.path(f"log-{self.number}"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(fd, line)
            os.fdatasync(fd)
            self.known = self.written
            self.acknowledged += 1
        finally:
            os.close(fd)

    def verify(self):
        path = self.path(f"log-{self.number}")
        found = read_or_none(path)
        if found is None and self.known:
            raise Lost(f"{path} is gone")
        found = found or b""
        if not found.startswith(self.known):
            raise Lost(f"{path}: the {len(self.known)} acknowledged bytes are not there ({len(found)} are)")
        rest = found[len(self.known):]
        if rest != self.written[len(self.known):][:len(rest)] and rest.strip(b"\0"):
            raise Lost(f"{path}: bytes behind the acknowledged ones that nobody wrote")
        if rest and rest != self.written[len(self.known):]:
            self.number += 1  # a torn line of which nothing was promised
            found = b""
        self.known = self.written = found


class Saver(Worker):
    """Saves documents as editors do: written beside, fsynced, renamed over. There is the old one or the new one."""

    def begin(self):
        super().begin()
        self.promised, self.renamed, self.tried = 0, 0, 0

    @staticmethod
    def content(number):
        size = [10, 1000, 3000, 20000, 150000, 1200000][number * 7 % 6] + number % 977
        return f"{number}\n".encode() + noise(number, size)

    def step(self):
        number, beside, name = self.tried + 1, self.path(".doc.tmp"), self.path("doc")
        with open(beside, "wb") as file:
            file.write(self.content(number))
            file.flush()
            os.fsync(file.fileno())
            self.acknowledged += 1
        # An fsync covers all changes of names before it.
        self.promised = self.renamed
        self.tried = number
        os.rename(beside, name)
        self.renamed = number
        if self.random.random() < 0.4:
            self.sync_directory()
            self.promised = number
            self.acknowledged += 1

    def verify(self):
        found = read_or_none(self.path("doc"))
        if found is None:
            if self.promised:
                raise Lost(f"{self.path('doc')} is gone, number {self.promised} was promised")
            self.renamed = 0
            return
        try:
            number = int(found[:found.index(b"\n")])
        except ValueError:
            raise Lost(f"{self.path('doc')} is torn: {len(found)} bytes, promised {self.promised}, last {self.tried}") \
                from None
        if found != self.content(number):
            raise Lost(f"{self.path('doc')} is torn: {len(found)} bytes, it begins as number {number}")
        if not self.promised <= number <= self.tried:
            raise Lost(f"{self.path('doc')} is number {number}, promised was {self.promised}")
        self.promised = self.renamed = number


class NameChanger(Worker):
    """Creates, renames, links and removes. After a crash there is a prefix of that, at least up to the last fsync.

    A file that was never fsynced itself may be empty then, though it was closed: its version is made right after.
    """

    ENTRIES_MAX = 40

    def begin(self):
        super().begin()
        # path -> ("directory",) or ("link", target) or ["file", content, is_promised], shared by hard links
        self.tree = {}
        self.states = [self.signature(self.tree)]
        self.count = 0

    @staticmethod
    def signature(tree):
        links = {}
        for node in tree.values():
            links[id(node)] = links.get(id(node), 0) + 1
        return {path: (*node, links[id(node)] if node[0] == "file" else 0) for path, node in tree.items()}

    def note(self):
        self.states.append(self.signature(self.tree))

    def step(self):
        if self.random.random() < 0.08:
            self.sync_directory()
            self.states = self.states[-1:]
            self.acknowledged += 1
        self.count += 1
        name = f"n{self.random.randrange(30)}"
        parent = self.random.choice([""] + [path + "/" for path, node in self.tree.items() if node[0] == "directory"])
        new, files = parent + name, [path for path, node in self.tree.items() if node[0] == "file"]
        other = self.random.choice(files) if files else None
        if len(self.tree) > self.ENTRIES_MAX and other:
            return self.remove(other)
        chosen = self.random.random()
        if new in self.tree:
            if self.tree[new][0] == "directory":
                if not any(path.startswith(new + "/") for path in self.tree):
                    self.remove(new)
            elif chosen < 0.4 or not other or self.tree[other][0] != "file" or other == new:
                self.remove(new)
            elif self.tree[other] is not self.tree[new]:
                self.rename(other, new)
        elif chosen < 0.45:
            self.create(new)
        elif chosen < 0.6 and parent.count("/") < 3:
            self.change(lambda: os.mkdir(self.path(new)), lambda: self.tree.update({new: ("directory",)}))
        elif chosen < 0.7:
            target = noise(self.count, 10).hex()
            self.change(lambda: os.symlink(target, self.path(new)), lambda: self.tree.update({new: ("link", target)}))
        elif other and chosen < 0.8:
            self.change(lambda: os.link(self.path(other), self.path(new)),
                        lambda: self.tree.update({new: self.tree[other]}))
        elif other:
            self.rename(other, new)

    def change(self, call, model):
        """The state after the call is possible from the moment on at which it begins."""
        model()
        self.note()
        call()

    def create(self, name):
        content = noise(self.count, self.random.choice([0, 50, 3000, 40000]))
        node = ["file", b"", False]
        self.tree[name] = node
        self.note()
        with open(self.path(name), "xb", buffering=0) as file:
            node[1] = content
            self.note()
            file.write(content)
            if self.random.random() < 0.3:
                os.fsync(file.fileno())
                node[2] = True
                self.states = [self.signature(self.tree)]
                self.acknowledged += 1

    def remove(self, name):
        remove = os.rmdir if self.tree[name][0] == "directory" else os.unlink
        self.change(lambda: remove(self.path(name)), lambda: self.tree.pop(name))

    def rename(self, old, new):
        def model():
            self.tree[new] = self.tree.pop(old)
        self.change(lambda: os.rename(self.path(old), self.path(new)), model)

    def look(self):
        tree, nodes = {}, {}
        for top, directories, names in os.walk(self.directory):
            for name in directories + names:
                path = os.path.join(top, name)
                info = os.lstat(path)
                key = os.path.relpath(path, self.directory)
                if stat.S_ISDIR(info.st_mode):
                    tree[key] = ("directory",)
                elif stat.S_ISLNK(info.st_mode):
                    tree[key] = ("link", os.readlink(path))
                else:
                    tree[key] = nodes.setdefault(info.st_ino, ["file", read_or_none(path), True])
        return tree

    def verify(self):
        self.tree = self.look()
        found = self.signature(self.tree)
        if all(self.difference(state, found) for state in self.states):
            nearest = min(self.states, key=lambda state: len(self.difference(state, found)))
            raise Lost(f"{self.directory} is in no state that it was in since the last fsync ({len(self.states)} "
                       f"states); nearest is number {self.states.index(nearest)}, but "
                       f"{'; '.join(self.difference(nearest, found)[:6])}")
        self.states = [found]

    @staticmethod
    def difference(expected, found):
        def short(node):
            if node is None:
                return "missing"
            return str(tuple(len(part) if isinstance(part, bytes) else part for part in node))
        def fits(wanted, got):
            if wanted is None or got is None or wanted[0] != "file" or got[0] != "file":
                return wanted == got
            content = wanted[1] == got[1] or not wanted[2] and not got[1]
            return content and wanted[3] == got[3]
        return [f"{path}: {short(found.get(path))}, expected {short(expected.get(path))}"
                for path in sorted({*expected, *found}) if not fits(expected.get(path), found.get(path))]


class Database(Worker):
    """SQLite transactions that last."""

    journal_mode, synchronous = "wal", "full"

    def begin(self):
        super().begin()
        self.promised = self.tried = 0
        self.connection = None

    def connect(self):
        self.connection = sqlite3.connect(self.path("data.db"), timeout=5, isolation_level=None)
        self.connection.execute(f"pragma journal_mode={self.journal_mode}")
        self.connection.execute(f"pragma synchronous={self.synchronous}")
        self.connection.execute("create table if not exists entries(number integer primary key, content blob)")

    def step(self):
        try:
            if self.connection is None:
                self.connect()
            rows = self.random.randint(1, 4)
            numbers = range(self.promised + 1, self.promised + 1 + rows)
            self.connection.execute("begin")
            for number in numbers:
                self.connection.execute("insert into entries values(?, ?)", (number, noise(number, number * 37 % 6000)))
            if self.promised > 300:
                self.connection.execute("delete from entries where number < ?", (self.promised - 250,))
            self.tried = numbers[-1]
            self.connection.execute("commit")
            self.promised = self.tried
            self.acknowledged += 1
        except sqlite3.Error as error:
            self.disconnect()
            raise OSError(f"sqlite: {error}") from None

    def disconnect(self):
        if self.connection is not None:
            try:
                self.connection.close()
            except sqlite3.Error:
                pass
        self.connection = None

    def verify(self):
        self.disconnect()
        before = {name: os.stat(self.path(name)).st_size for name in sorted(os.listdir(self.directory))}
        try:
            self.connect()
            found = self.connection.execute("pragma integrity_check").fetchall()
            rows = self.connection.execute("select number, content from entries order by number").fetchall()
        except sqlite3.Error as error:
            raise Lost(f"{self.path('data.db')}: {error}") from None
        if found != [("ok",)]:
            raise Lost(f"{self.path('data.db')}: integrity_check: {found[:3]}")
        last = rows[-1][0] if rows else 0
        if not self.promised <= last <= self.tried:
            raise Lost(f"{self.path('data.db')}: the last row is {last}, committed were {self.promised}, "
                       f"begun {self.tried}; files after the crash: {before}")
        for at, (number, content) in enumerate(rows):
            if number != rows[0][0] + at or content != noise(number, number * 37 % 6000):
                raise Lost(f"{self.path('data.db')}: row {number} is wrong")
        self.promised = self.tried = last


class RollbackDatabase(Database):
    # Not "delete", where a commit is the removal of the journal: SQLite calls it done when the file system dies
    # between the removal and the opening of the directory that it would fsync.
    journal_mode, synchronous = "truncate", "full"


ALL = [InPlaceWriter, Appender, Saver, NameChanger, Database, RollbackDatabase]
