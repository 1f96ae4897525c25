#!/usr/bin/python3
"""kill -9, again and again: daemons are killed at random while recorders write through mounts and mirrored folders, and
start again. After each round all devices show the same, and of what was acknowledged in this and every earlier round no
byte is lost (weather_recorder.py says what that means).

usage: soak_test.py [--minutes N] [--round-minutes R] [--seed S] [--devices 2..6] [--keep] (--help: more)
LOCKSTEP_BIN says where the programs are. Exits 77 where there is no FUSE. Needs no root.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import Failure, World, why_no_mounts  # noqa: E402
from weather_recorder import Lost, Recorder  # noqa: E402
from weather_test import NAMES, Storm  # noqa: E402


class Soak(Storm):
    """A storm with nothing but kills."""

    def __init__(self, world, devices, options):
        super().__init__(world, devices, options)
        self.network = SimpleNamespace(clear=lambda: None)
        self.done = {"rounds": 0, "killed": 0, "killed at once again": 0}

    def record(self, name, where):
        """A recorder of this round, in directories of its own."""
        recorder = Recorder(f"{name}-{self.done['rounds']}", where, self.options.seed, self.options.large_kib << 10,
                            self.options.pause)
        recorder.start()
        self.recorders.append(recorder)

    def record_everywhere(self):
        for device in self.devices:
            self.record(f"{device.name}-mount", lambda device=device: self.mounted(device))
            if device.folder:
                self.record(f"{device.name}-folder", lambda device=device: device.folder)

    def kill_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self.choose.uniform(0.05, 3))
            down = [device for device in self.devices if self.choose.random() < 1 / len(self.devices)]
            for device in down:
                self.kill(device)
            for device in down:
                if self.choose.random() < 0.2:  # while it recovers
                    device.start()
                    time.sleep(self.choose.uniform(0, 0.3))
                    device.kill()
                    self.done["killed at once again"] += 1
                self.bring_up(device)
            self.watch_recorders()

    def round(self, seconds):
        self.kill_for(seconds)
        self.done["rounds"] += 1
        self.settle()
        self.roots.clear()
        self.account()
        acknowledged = sum(len(content) for recorder in self.recorders for content in recorder.acknowledged.values() if content)
        self.say(f"{acknowledged / 1e6:.1f} MB acknowledged, 0 bytes lost")


def soak(options):
    world = World(prefix="lockstep-soak-")
    is_well = False
    try:
        it = Soak(world, [world.add_device(name) for name in NAMES[:options.devices]], options)
        it.set_up(0)
        end = time.monotonic() + options.minutes * 60
        while True:
            it.round(min(options.round_minutes * 60, max(1, end - time.monotonic())))
            if time.monotonic() > end:
                break
            it.record_everywhere()
        is_well = True
    finally:
        if not is_well and options.keep:
            kept = f"{world.directory}-kept"
            shutil.copytree(world.directory, kept, symlinks=True, ignore=lambda *_: {"mounts", "runtime"})
            print(f"kept: {kept}", file=sys.stderr)
        world.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--round-minutes", type=float, default=5)
    parser.add_argument("--devices", type=int, default=3, choices=range(2, 7))
    parser.add_argument("--large-kib", type=int, default=1536, help="size of the large file that each recorder edits")
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between two writes of a recorder, about")
    parser.add_argument("--keep", action="store_true", help="keep homes, folders and logs of a run that failed")
    options = parser.parse_args()
    if why := why_no_mounts():
        print(why)
        return 77
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(f"signal {number}"))
    try:
        soak(options)
    except (Failure, Lost) as failure:
        print(f"seed {options.seed}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
