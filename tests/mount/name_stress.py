#!/usr/bin/python3
"""Eight processes create, rename, link, unlink, write at once; then the mount must be what they did.

usage: name_stress.py [--processes N] [--operations N] [--seed S]     LOCKSTEP_BIN says where the programs are

Each process has a directory of its own and keeps a model of it, with which it is compared exactly. In `arena/` all
fight for the same names: there each call may fail, but only with errors that the race explains, and what is left
must make sense. Everything is compared again after a remount, after lock and unlock (the index is built anew) and
after a restart, the arena with what it was before.
"""
import argparse
import errno
import hashlib
import multiprocessing
import os
import random
import signal
import stat
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from mounted_vault import Failure, MountedVault, end_orderly_when_told  # noqa: E402

ARENA_NAMES = 12
# What a call may say when another process was faster.
ARENA_ERRORS = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EPERM}


def noise(seed, size):
    return hashlib.shake_256(str(seed).encode()).digest(size)


class Own:
    """A directory that one process alone changes, and its model: path -> node."""

    def __init__(self, top, seed):
        self.top, self.random, self.tree, self.count, self.seed = top, random.Random(seed), {}, 0, seed

    def path(self, name):
        return os.path.join(self.top, name)

    def new_name(self):
        parents = [""] + [path + "/" for path, node in self.tree.items()
                          if node["type"] == "directory" and path.count("/") < 4]
        return self.random.choice(parents) + f"{self.random.choice('abcdef')}{self.random.randrange(40)}"

    def any(self, kind):
        fitting = [path for path, node in self.tree.items() if node["type"] == kind]
        return self.random.choice(fitting) if fitting else None

    def step(self):
        self.count += 1
        self.random.choice([self.create, self.create, self.create, self.mkdir, self.rename, self.rename, self.link,
                            self.symlink, self.unlink, self.unlink, self.rmdir, self.write, self.move_directory,
                            self.chmod])()

    def create(self):
        name = self.new_name()
        content = noise((self.seed, self.count), self.random.choice([0, 10, 500, 5000, 40000]))
        if name in self.tree:
            return
        with open(self.path(name), "xb") as file:
            file.write(content)
        self.tree[name] = {"type": "file", "content": content, "mode": 0o644}

    def write(self):
        if name := self.any("file"):
            node, content = self.tree[name], noise((self.seed, self.count), self.random.choice([10, 3000, 30000]))
            at = self.random.randint(0, len(node["content"]))
            with open(self.path(name), "r+b") as file:
                file.seek(at)
                file.write(content)
            node["content"] = node["content"][:at] + content + node["content"][at + len(content):]

    def mkdir(self):
        name = self.new_name()
        if name not in self.tree:
            os.mkdir(self.path(name), 0o755)
            self.tree[name] = {"type": "directory", "mode": 0o755}

    def symlink(self):
        name, target = self.new_name(), noise(self.count, self.random.choice([5, 100, 1500])).hex()
        if name not in self.tree:
            os.symlink(target, self.path(name))
            self.tree[name] = {"type": "link", "target": target}

    def link(self):
        source, name = self.any("file"), self.new_name()
        if source and name not in self.tree:
            os.link(self.path(source), self.path(name))
            self.tree[name] = self.tree[source]

    def unlink(self):
        if name := self.any("file") or self.any("link"):
            os.unlink(self.path(name))
            del self.tree[name]

    def rmdir(self):
        if name := self.any("directory"):
            if any(path.startswith(name + "/") for path in self.tree):
                try:
                    os.rmdir(self.path(name))
                    raise Failure(f"rmdir of {name}, which is not empty, succeeds")
                except OSError as error:
                    if error.errno != errno.ENOTEMPTY:
                        raise
            else:
                os.rmdir(self.path(name))
                del self.tree[name]

    def rename(self):
        source, name = self.any(self.random.choice(["file", "file", "link"])), self.new_name()
        if not source or self.tree.get(name, {}).get("type") == "directory":
            return
        os.rename(self.path(source), self.path(name))
        if self.tree.get(name) is not self.tree[source]:
            self.tree[name] = self.tree.pop(source)

    def move_directory(self):
        source, name = self.any("directory"), self.new_name()
        if not source or name in self.tree or (name + "/").startswith(source + "/"):
            return
        os.rename(self.path(source), self.path(name))
        for path in [path for path in self.tree if path == source or path.startswith(source + "/")]:
            self.tree[name + path[len(source):]] = self.tree.pop(path)

    def chmod(self):
        if name := self.any("file"):
            self.tree[name]["mode"] = self.random.choice([0o600, 0o644, 0o755])
            os.chmod(self.path(name), self.tree[name]["mode"])


class Arena:
    """Names that all processes fight for."""

    def __init__(self, top, seed):
        self.top, self.random, self.seed, self.count = top, random.Random(f"arena {seed}"), seed, 0

    def path(self):
        name = f"x{self.random.randrange(ARENA_NAMES)}"
        return os.path.join(self.top, self.random.choice(["", f"x{self.random.randrange(ARENA_NAMES)}"]), name)

    def step(self):
        self.count += 1
        try:
            self.random.choice([self.create, self.create, self.mkdir, self.rename, self.rename, self.link, self.unlink,
                                self.unlink, self.rmdir, self.read, self.listing])()
        except OSError as error:
            if error.errno not in ARENA_ERRORS:
                raise

    def create(self):
        # Its own checksum: nobody may see a content that nobody wrote. In one write, so that it is whole or empty.
        body = noise((self.seed, self.count), self.random.choice([20, 2000, 20000]))
        fd = os.open(self.path(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(fd, hashlib.sha256(body).digest() + body)
        finally:
            os.close(fd)

    def mkdir(self):
        os.mkdir(self.path())

    def rename(self):
        os.rename(self.path(), self.path())

    def link(self):
        os.link(self.path(), self.path())

    def unlink(self):
        os.unlink(self.path())

    def rmdir(self):
        os.rmdir(self.path())

    def read(self):
        check_arena_file(self.path(), may_be_empty=True)

    def listing(self):
        names = os.listdir(os.path.join(self.top, self.random.choice(["", f"x{self.random.randrange(ARENA_NAMES)}"])))
        if len(names) != len(set(names)):
            raise Failure(f"readdir gives a name twice: {sorted(names)}")


def check_arena_file(path, may_be_empty):
    with open(path, "rb") as file:
        content = file.read()
    if hashlib.sha256(content[32:]).digest() != content[:32] and not (may_be_empty and not content):
        raise Failure(f"{path} holds {len(content)} bytes that nobody wrote")


def check_arena(top):
    """Whoever is left: whole files, link counts that are right, a tree that can be walked."""
    seen, counts = {}, {}
    for directory, directories, files in os.walk(top, onerror=lambda error: (_ for _ in ()).throw(error)):
        info = os.lstat(directory)
        if info.st_nlink != 2 + len(directories):
            raise Failure(f"{directory} has {info.st_nlink} links and {len(directories)} directories in it")
        for name in files:
            path = os.path.join(directory, name)
            info = os.lstat(path)
            check_arena_file(path, may_be_empty=False)
            counts[info.st_ino] = counts.get(info.st_ino, 0) + 1
            seen[info.st_ino] = (info.st_nlink, path)
    for number, (links, path) in seen.items():
        if links != counts[number]:
            raise Failure(f"{path} says {links} links, {counts[number]} names were found")


def look(top):
    """As Own.tree, with the numbers of links instead of shared nodes."""
    found = {}
    for directory, directories, files in os.walk(top):
        for name in directories + files:
            path = os.path.join(directory, name)
            info = os.lstat(path)
            key = os.path.relpath(path, top)
            if stat.S_ISDIR(info.st_mode):
                found[key] = ("directory", stat.S_IMODE(info.st_mode), info.st_nlink)
            elif stat.S_ISLNK(info.st_mode):
                found[key] = ("link", os.readlink(path))
            else:
                with open(path, "rb") as file:
                    found[key] = ("file", stat.S_IMODE(info.st_mode), info.st_nlink, file.read())
    return found


def expected(tree):
    links, subdirectories = {}, {}
    for path, node in tree.items():
        links[id(node)] = links.get(id(node), 0) + 1
        if node["type"] == "directory":
            subdirectories[os.path.dirname(path)] = subdirectories.get(os.path.dirname(path), 0) + 1
    out = {}
    for path, node in tree.items():
        if node["type"] == "directory":
            out[path] = ("directory", node["mode"], 2 + subdirectories.get(path, 0))
        elif node["type"] == "link":
            out[path] = ("link", node["target"])
        else:
            out[path] = ("file", node["mode"], links[id(node)], node["content"])
    return out


def compare(what, wanted, found):
    def short(node):
        if node is None:
            return "nothing"
        return str(tuple(f"{len(part)} bytes" if isinstance(part, bytes) else part for part in node))
    wrong = [path for path in sorted({*wanted, *found}) if wanted.get(path) != found.get(path)]
    if wrong:
        raise Failure(f"{what}: {len(wrong)} of {len(wanted)} entries differ; {wrong[0]}: "
                      f"{short(found.get(wrong[0]))}, expected {short(wanted.get(wrong[0]))}")


def work(own, arena, operations, pipe):
    """One process: its own directory and the arena in turns. Sends its model, or what went wrong."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        for _ in range(operations):
            own.step()
            arena.step()
        pipe.send(expected(own.tree))
    except (OSError, Failure) as error:
        pipe.send(f"operation {own.count}: {error}")


def run_processes(vault, processes, operations, seed):
    """Returns the models: directory -> what has to be in it."""
    os.umask(0o022)
    arena_top = vault.mount / "arena"
    arena_top.mkdir()
    running = []
    for number in range(processes):
        top = vault.mount / f"own-{number}"
        top.mkdir()
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(daemon=True, target=work, args=(
            Own(str(top), f"{seed} {number}"), Arena(str(arena_top), f"{seed} {number}"), operations, theirs))
        process.start()
        running.append((top, ours, process))
    models = {}
    try:
        for top, pipe, _ in running:
            if not pipe.poll(60 + operations / 10):
                raise Failure(f"the process of {top} takes too long")
            models[top] = pipe.recv()
            if isinstance(models[top], str):
                raise Failure(f"seed {seed}: {top}: {models[top]}")
    finally:
        for _, _, process in running:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join(30)
    return models


def name_stress(vault, processes, operations, seed):
    models = run_processes(vault, processes, operations, seed)
    arena = None
    for when, do in (("at once", lambda: None), ("with cold caches", vault.drop_caches),
                     ("after a remount", vault.remount), ("after lock and unlock", vault.lock_and_unlock),
                     ("after a restart", vault.restart)):
        do()
        for top, wanted in models.items():
            compare(f"{top.name} {when}", wanted, look(top))
        check_arena(vault.mount / "arena")
        found = look(vault.mount / "arena")
        if arena is not None:
            compare(f"the arena {when}", arena, found)
        arena = found
    vault.check()


if __name__ == "__main__":
    end_orderly_when_told()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--operations", type=int, default=5000, help="of each process, in each of its two directories")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with MountedVault() as the_vault:
        try:
            name_stress(the_vault, options.processes, options.operations, options.seed)
        except Failure as failure:
            print(f"FAILED: {failure}\n{the_vault.log_tail()}", file=sys.stderr)
            sys.exit(1)
    print("all as it has to be")
