#!/usr/bin/python3
"""Runs io_exerciser on a mount, with remounts, lock and unlock, and `kill -9` of the daemon as sync points.

usage: exercise.py [--seed S] [--operations N] [--processes N] [--sync-point-every N] [--check-every N]
LOCKSTEP_BIN says where the programs are. Exits 1 at the first difference; the exerciser has said which by then.
"""
import argparse
import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from mounted_vault import VAULT, Failure, MountedVault, end_orderly_when_told  # noqa: E402


class Exerciser:
    """An io_exerciser in a directory of its own."""

    def __init__(self, vault, directory, seed, options):
        directory.mkdir()
        self.state, self.changed = "works", threading.Condition()
        self.popen = subprocess.Popen(
            [vault.world.bin / "io_exerciser", "--directory", directory, "--seed", str(seed), "--operations",
             str(options.operations), "--check-every", str(options.check_every), "--sync-point-every",
             str(options.sync_point_every), "--file-size-max", str(options.file_size_max)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.follow, daemon=True)
        self.reader.start()

    def follow(self):
        for line in self.popen.stdout:
            if line.startswith("sync-point "):
                self.become(line.split()[1])
            else:
                print(line, end="", flush=True)
        self.become("ended")

    def become(self, state):
        with self.changed:
            self.state = state
            self.changed.notify_all()

    def wait(self, end):
        """Until it stands at a sync point or has ended; returns which."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.state != "works", max(0, end - time.monotonic())):
                raise Failure("io_exerciser takes too long")
            return self.state

    def go_on(self):
        self.become("works")
        self.popen.stdin.write("go on\n")
        self.popen.stdin.flush()

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(30)


def exercise(vault, options):
    """Drives all exercisers from sync point to sync point. Failure when one finds a difference."""
    exercisers = [Exerciser(vault, vault.mount / f"exerciser-{number}", options.seed + number, options)
                  for number in range(options.processes)]
    softly = itertools.cycle([vault.remount, vault.lock_and_unlock, vault.restart])
    end = time.monotonic() + options.time_limit
    try:
        while True:
            states = [exerciser.wait(end) for exerciser in exercisers]
            if "ended" in states:
                break
            if states[0] == "kill":
                vault.kill()
                vault.start()
            else:
                next(softly)()
            for exerciser in exercisers:
                exerciser.go_on()
        for exerciser in exercisers:
            if exerciser.wait(end) != "ended" or exerciser.popen.wait(30) != 0:
                raise Failure(f"io_exerciser ended with {exerciser.popen.poll()}")
    finally:
        for exerciser in exercisers:
            exerciser.close()
    vault.check()


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--sync-point-every", type=int, default=10_000)
    parser.add_argument("--check-every", type=int, default=1000)
    parser.add_argument("--file-size-max", type=int, default=9 << 20)
    parser.add_argument("--time-limit", type=float, default=3600, help="seconds")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    end_orderly_when_told()
    with MountedVault() as the_vault:
        try:
            exercise(the_vault, parse(sys.argv[1:]))
        except Failure as failure:
            print(f"{VAULT}: {failure}", file=sys.stderr)
            print(the_vault.log_tail(), file=sys.stderr)
            sys.exit(1)
