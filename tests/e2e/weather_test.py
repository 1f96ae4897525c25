#!/usr/bin/python3
"""Real daemons in bad weather: partitions, loss, slow uplinks, NAT, a relay that restarts, daemons that are killed at
random, while recorders write through mounts and mirrors. At the end all devices show the same, and every acknowledged
write is accounted for on every device: as content, as a conflict sibling, or replaced later by who wrote it.

usage: weather_test.py [--seed S] [--gusts N | --minutes M] [--devices 3..6] [--keep] (--help: more)
LOCKSTEP_BIN says where the programs are. Exits 77 where there is no FUSE, or no weather can be made.

The seed decides what is done, not when the machine does it: a failure may need some runs to show again.
"""
import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from lockstep_world import Failure, World, run, wait_until, why_no_mounts  # noqa: E402
from weather_network import WeatherNetwork, why_no_weather  # noqa: E402
from weather_recorder import Lost, Recorder  # noqa: E402

VAULT = "papers"
SHARED = "shared"
MEETING_PLACES = {SHARED, "meeting"}
OURS = (".lockstep-mirror", ".lockstep-part-", ".lockstep-swap-")
# The first makes the vault and invites the others.
NAMES = ["laptop", "desk", "cabin", "phone", "tower", "van"]
BEHIND_NAT = {"cabin", "tower"}
WITH_FOLDER = {"laptop", "cabin", "van"}
SETTLE_TIME_MAX = 180


def tree(top):
    """path -> bytes of every file below a directory."""
    found = {}
    for directory, _, files in os.walk(top):
        for name in files:
            if not name.startswith(OURS):
                path = Path(directory, name)
                found[str(path.relative_to(top))] = path.read_bytes()
    return found


def difference(left, right):
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            return f"{path}: {str(left.get(path))[:80]} | {str(right.get(path))[:80]}"
    return ""


class Storm:
    def __init__(self, world, devices, options):
        self.world, self.network, self.devices, self.options = world, world.network, devices, options
        self.choose = random.Random(options.seed)
        self.recorders, self.promises, self.edits, self.roots = [], {}, 0, {}
        self.trees, self.said = {}, ""
        self.done = {"parted": 0, "killed": 0, "relay restarts": 0, "edited on both sides": 0, "lossy": 0, "slow": 0}
        self.began = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    # ---- before

    def set_up(self, edits):
        first, *others = self.devices
        first.create(VAULT)
        for device in others:
            device.join(first.invite(VAULT))
        for device in self.devices:
            # So that a killed daemon comes back without anybody.
            device.call("vault", "unlock", VAULT, "--at-start", "--passphrase-file", self.world.passphrase_file)
            # The storm rewrites most files to noise, and is meant to.
            device.call("brake", "off", VAULT)
            device.is_up = True
            device.folder = self.world.directory / f"{device.name}-folder" if device.name in WITH_FOLDER else None
            if device.folder:
                device.call("mirror", "add", VAULT, device.folder, "--no-brake")
        (first.mount / SHARED).mkdir()
        for number in range(edits):
            (first.mount / f"{SHARED}/{number}").write_text(f"shared {number}\n")
        for top in self.tops():
            wait_until(f"{top} shows what is shared", lambda: len(list((top / SHARED).iterdir())) == edits, 60)
        for device in self.devices:
            self.record(f"{device.name}-mount", lambda device=device: self.mounted(device))
            if device.folder:
                self.record(f"{device.name}-folder", lambda device=device: device.folder)
        self.say(f"{len(self.devices)} devices, {len(self.recorders)} recorders")

    def record(self, name, where):
        recorder = Recorder(name, where, self.options.seed, self.options.large_kib << 10, self.options.pause)
        recorder.start()
        self.recorders.append(recorder)

    def tops(self):
        return [top for device in self.devices for top in (device.mount, device.folder) if top]

    # The mount's root as it is now, and never the directory below it.
    def mounted(self, device):
        if not device.is_up:
            return None
        before = self.roots.pop(device.name, None)
        if before is not None:
            os.close(before)
        try:
            root = os.open(device.mount, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        self.roots[device.name] = root
        is_mount = False
        with contextlib.suppress(OSError):
            is_mount = os.fstat(root).st_dev != os.stat(device.mount.parent).st_dev
        return Path(f"/proc/self/fd/{root}") if is_mount else None

    # ---- the weather

    def gust(self):
        """Some seconds of one kind of weather, with what happens in it; then it is fair again."""
        sides = self.part() if self.choose.random() < 0.7 else []
        for device in self.devices:
            if self.choose.random() < 0.4:
                self.network.set_loss(device.name, self.choose.choice([0.01, 0.03, 0.08]))
                self.done["lossy"] += 1
            if self.choose.random() < 0.25:
                self.network.set_uplink(device.name, self.choose.choice([1.0, 4.0, 16.0]))
                self.done["slow"] += 1
        self.blow()
        if sides:
            self.edit_on_both_sides(sides)
        for _ in range(self.choose.choice([0, 1, 1, 2])):
            self.kill(self.choose.choice(self.devices))
            self.blow()
        if self.choose.random() < 0.3:
            self.world.restart_relay()
            self.done["relay restarts"] += 1
        self.blow()
        for device in self.devices:
            self.bring_up(device)
        self.network.clear()
        self.blow()
        self.watch_recorders()

    def blow(self):
        time.sleep(self.choose.uniform(0.2, 1.2))

    def part(self):
        names = [device.name for device in self.devices] + ["relay"]
        self.choose.shuffle(names)
        cut = self.choose.randrange(1, len(names))
        sides = [names[:cut], names[cut:]]
        self.network.part(sides)
        self.done["parted"] += 1
        return sides

    def kill(self, device):
        if not device.is_up:
            return self.bring_up(device)
        device.is_up = False
        device.kill()
        self.done["killed"] += 1

    def bring_up(self, device):
        if device.is_up:
            return
        device.start()
        wait_until(f"{device.name} is mounted again", lambda: os.path.ismount(device.mount), 60)
        device.is_up = True

    def edit_on_both_sides(self, sides):
        """Nobody there can know what is written here: both must live."""
        both = [[device for device in self.devices if device.name in side and device.is_up] for side in sides]
        if not all(both):
            return
        path = f"{SHARED}/{self.edits}"
        for devices in both:
            device = self.choose.choice(devices)
            top = self.choose.choice([top for top in (device.mount, device.folder) if top])
            line = f"{device.name} has written {path}\n".encode()
            with open(top / path, "r+b") as file:
                if file.read() != f"shared {self.edits}\n".encode():
                    raise Failure(f"{top / path} has changed before anybody has changed it")
                file.seek(0)
                Recorder.put(file, line + self.choose.randbytes(1000))
            self.promises[line] = path
        self.edits += 1
        self.done["edited on both sides"] += 1

    def watch_recorders(self):
        for recorder in self.recorders:
            if recorder.failure:
                raise recorder.failure
            if recorder.is_alive() and time.monotonic() - recorder.last_step > 60:
                raise Failure(f"{recorder.name}: a call has not come back for 60 s")

    # ---- after

    def settle(self):
        self.network.clear()
        for recorder in self.recorders:
            recorder.end()
        for root in self.roots.values():
            os.close(root)
        self.say(f"the storm is over: {self.done}")

        told = [time.monotonic()]

        def equal():
            for top in self.tops():
                try:
                    self.trees[top] = tree(top)
                except OSError as error:
                    self.said = f"{top} cannot be read: {error}"
                    raise
            first = self.trees[self.devices[0].mount]
            different = {top: said for top, other in self.trees.items() if (said := difference(first, other))}
            self.said = next((f"{top}: {said}" for top, said in different.items()), "")
            if different and time.monotonic() - told[0] > 5:
                told[0] = time.monotonic()
                self.say(f"not yet equal to the first: {', '.join(top.name for top in different)} ({self.said[:120]})")
            return not self.said
        try:
            wait_until("all devices show the same", equal, SETTLE_TIME_MAX, 0.3)
        except Failure as failure:
            states = {device.name: device.status(VAULT)["status"] for device in self.devices}
            raise Failure(f"{failure}: {self.said}; {states}") from None
        for device in self.devices:
            device.wait(VAULT, timeout=60, copies=1)
        self.say("all devices show the same")

    def account(self):
        promises = dict(self.promises)
        for recorder in self.recorders:
            promises.update(recorder.promises)
        for top, found in self.trees.items():
            for recorder in self.recorders:
                recorder.check(found, top)
            contents = b"".join(found.values())
            for line, path in promises.items():
                if line not in contents:
                    raise Lost(f"{top}: {line} is nowhere; it was written to {path}")
            for path in found:
                owner = path.partition("/")[0]
                if owner not in MEETING_PLACES and "conflict from" in path:
                    raise Failure(f"{top}: a conflict that nobody made: {path}")
        for device in self.devices:
            if device.folder:
                left = [path for path in device.folder.rglob(".lockstep-*") if path.name != ".lockstep-mirror"]
                if left:
                    raise Failure(f"left behind: {left}")
            if code := device.exit_code("vault", "check", VAULT):
                raise Failure(f"vault check of {device.name}: {code}")
        files = sum(len(recorder.acknowledged) for recorder in self.recorders)
        writes = sum(recorder.number for recorder in self.recorders)
        self.say(f"seed {self.options.seed}: {writes} writes, {files} files and {len(promises)} promises accounted for "
                 f"on {len(self.tops())} trees")


def storm(options):
    names = NAMES[:options.devices]
    world = World(prefix="lockstep-weather-", network=WeatherNetwork(BEHIND_NAT))
    is_well = False
    try:
        devices = [world.add_device(name) for name in names]
        it = Storm(world, devices, options)
        it.set_up(max(options.gusts, int(options.minutes * 30)))
        end = time.monotonic() + options.minutes * 60
        gusts = 0
        while gusts < options.gusts or time.monotonic() < end:
            it.gust()
            gusts += 1
        it.settle()
        it.account()
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
    parser.add_argument("--gusts", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long")
    parser.add_argument("--devices", type=int, default=4, choices=range(3, 7))
    parser.add_argument("--large-kib", type=int, default=3072, help="size of the large file that each recorder edits")
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between two writes of a recorder, about")
    parser.add_argument("--keep", action="store_true", help="keep homes, folders and logs of a run that failed")
    options = parser.parse_args()
    if why := why_no_mounts() or ("only root can make network namespaces" if os.geteuid() else why_no_weather()):
        print(why)
        return 77
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(f"signal {number}"))
    try:
        storm(options)
    except (Failure, Lost) as failure:
        print(f"seed {options.seed}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
