"""A recorder: a program that writes through a mount or a mirrored folder and knows what was acknowledged.

Acknowledged means: fsync of the file, and of its directory when the name is new, has returned 0. Two kinds of promises
come of it:
  a file of its own    at the end it holds what was acknowledged last, or an attempt after that
  a meeting point      a name that several recorders try to create (O_EXCL): whoever succeeds has written something that
                       nobody has replaced, so it is there for ever, under that name or as a sibling
"""
import os
import random
import threading
import time

MEETING = "meeting"
FILES_OF_ITS_OWN = 12
SIZES = [0, 30, 400, 4096, 20000, 70000]


class Lost(Exception):
    """Something that was acknowledged is not there."""


class Recorder(threading.Thread):
    """Runs until end() is called. A mount that has gone away is waited for.

    `where`: a function that says which directory to write in, or None while it cannot be written in.
    """

    def __init__(self, name, where, seed, large_size, pause):
        super().__init__(name=f"recorder {name}", daemon=True)
        self.own, self.where, self.large_size, self.pause = name, where, large_size, pause
        self.choose = random.Random(f"{seed} {name}")
        self.is_ending = threading.Event()
        self.number = self.meetings = 0
        self.last_step = time.monotonic()
        self.acknowledged = {}  # path -> bytes; None: it was removed
        self.attempts = {}      # path -> what it may hold beside that
        self.promises = {}      # a line that must be found -> where it was written
        self.failure = None

    # ---- writing

    def run(self):
        try:
            while not self.is_ending.is_set():
                top = self.where()
                if top is not None:
                    try:
                        self.step(top)
                    except OSError:
                        pass  # the daemon was killed; what was under way is in `attempts`
                self.last_step = time.monotonic()
                self.is_ending.wait(self.choose.uniform(0, 2 * self.pause) if top else 0.05)
        except Exception as error:
            self.failure = error

    def end(self, timeout=60):
        self.is_ending.set()
        self.join(timeout)
        if self.is_alive():
            raise Lost(f"{self.name}: no answer to a call within {timeout} s")
        if self.failure:
            raise self.failure

    def step(self, top):
        os.makedirs(top / self.own, exist_ok=True)
        os.makedirs(top / MEETING, exist_ok=True)
        kind = self.choose.choices(["rewrite", "save", "append", "remove", "meet", "grow"],
                                   [4, 5, 4, 1, 5, 1])[0]
        path = f"{self.own}/{self.choose.randrange(FILES_OF_ITS_OWN)}"
        if kind == "meet":
            return self.meet(top)
        if kind == "grow":
            return self.grow(top, f"{self.own}/large")
        if kind == "remove":
            if self.acknowledged.get(path) is None:
                return
            self.expect(path, None)
            os.unlink(top / path)
        elif kind == "append" and self.acknowledged.get(path) is not None and path not in self.attempts:
            content = self.acknowledged[path] + self.content()
            self.expect(path, content)
            with open(top / path, "ab") as file:
                self.put(file, content[len(self.acknowledged[path]):])
        elif kind == "rewrite":
            content = self.content()
            self.expect(path, content)
            with open(top / path, "wb") as file:
                self.put(file, content)
        else:
            content = self.content()
            self.expect(path, content)
            with open(top / f"{path}.new", "wb") as file:
                self.put(file, content)
            os.rename(top / f"{path}.new", top / path)
        self.sync_directory(top / self.own)
        self.acknowledge(path)

    def content(self):
        self.number += 1
        head = f"{self.own} number {self.number}\n".encode()
        return head + self.choose.randbytes(self.choose.choice(SIZES))

    # A large file that grows at its end, and at its start.
    def grow(self, top, path):
        before = self.acknowledged.get(path)
        if path in self.attempts:
            before = None
        piece = self.content()
        if before is None:
            content = self.choose.randbytes(self.large_size) + piece
        else:
            content = before + piece if self.choose.random() < 0.5 else piece + before
        content = content[:2 * self.large_size]
        self.expect(path, content)
        if before is not None and content.startswith(before):
            with open(top / path, "ab") as file:
                self.put(file, content[len(before):])
        else:
            with open(top / f"{path}.new", "wb") as file:
                self.put(file, content)
            os.rename(top / f"{path}.new", top / path)
        self.sync_directory(top / self.own)
        self.acknowledge(path)

    def meet(self, top):
        self.meetings += 1
        # Recorders come to the same names at about the same time.
        path = f"{MEETING}/{max(0, self.meetings - self.choose.randrange(3))}"
        line = f"{self.own} was at {path}, number {self.number}\n".encode()
        self.number += 1
        try:
            with open(top / path, "xb") as file:
                self.put(file, line + self.choose.randbytes(self.choose.choice(SIZES)))
        except FileExistsError:
            return
        self.sync_directory(top / MEETING)
        self.promises[line] = path

    @staticmethod
    def put(file, content):
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

    @staticmethod
    def sync_directory(path):
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def expect(self, path, content):
        self.attempts.setdefault(path, []).append(content)

    def acknowledge(self, path):
        self.acknowledged[path] = self.attempts.pop(path)[-1]

    # ---- accounting

    def check(self, tree, on):
        """`tree`: path -> bytes of every file that a device shows. Lost, when something is missing."""
        for path, acknowledged in self.acknowledged.items():
            found = tree.get(path)
            if found == acknowledged or self.is_attempt(path, found):
                continue
            raise Lost(f"{on}: {path} holds {describe(found)}, acknowledged was {describe(acknowledged)}, attempted "
                       f"{[describe(each) for each in self.attempts.get(path, [])]}")

    # What nobody has acknowledged may be there in part.
    def is_attempt(self, path, found):
        attempts = self.attempts.get(path, [])
        return found in attempts or (found is not None and any(each and each.startswith(found) for each in attempts))


def describe(content):
    if content is None:
        return "nothing"
    return f"{len(content)} bytes beginning {content[:40]!r}"
