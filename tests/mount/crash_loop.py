#!/usr/bin/python3
"""`kill -9` of lockstepd again and again while programs write; nothing that was acknowledged may be lost.

usage: crash_loop.py [--rounds N] [--seed S] [--power]     LOCKSTEP_BIN says where the programs are
--power: each kill is a power cut, after which the disk has lost what was not synced (unsynced_pages.cpp)
"""
import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import crash_workers  # noqa: E402
from mounted_vault import VAULT, Failure, MountedVault, end_orderly_when_told  # noqa: E402

ANSWER_TIME_MAX = 120


def serve(worker, pipe):
    """A worker's process: does what it is told through the pipe."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    begun = False
    while (command := pipe.recv()) != "end":
        answer = ""
        try:
            if command == "work":
                if not begun:
                    worker.begin()
                    begun = True
                while True:
                    worker.step()
            elif begun:
                worker.verify()
        except OSError as error:
            answer = f"stopped: {error}" if command == "work" else f"cannot verify: {error}"
        except crash_workers.Lost as lost:
            answer = f"LOST: {lost}"
        pipe.send((answer, worker.acknowledged))


class Program:
    """A crash worker in a process of its own."""

    def __init__(self, kind, directory, seed):
        self.name = kind.__name__
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(kind(directory, seed), theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.acknowledged = 0

    def tell(self, command):
        self.pipe.send(command)

    def answer(self):
        if not self.pipe.poll(ANSWER_TIME_MAX):
            raise Failure(f"{self.name} gives no answer after {ANSWER_TIME_MAX} s")
        try:
            text, self.acknowledged = self.pipe.recv()
        except EOFError:
            self.process.join(ANSWER_TIME_MAX)
            raise Failure(f"{self.name} has died, exit code {self.process.exitcode}") from None
        if text.startswith("LOST"):
            raise Failure(f"{self.name}: {text}")
        return text

    def close(self):
        if self.process.is_alive():
            self.process.kill()
        self.process.join(30)


def start_roughly(vault, choose):
    """Starts the daemon; sometimes it is killed while it opens the vault, and started again."""
    while choose.random() < 0.2:
        try:
            vault.device.start()
        except Failure:
            pass
        time.sleep(choose.uniform(0, 0.1))
        vault.kill()
    vault.start()


def one_round(vault, programs, choose):
    for program in programs:
        program.tell("work")
    time.sleep(choose.uniform(0.05, 0.6))
    too_early = [program for program in programs if program.pipe.poll()]
    vault.kill()
    texts = {program.name: program.answer() for program in programs}
    if too_early:
        raise Failure(f"a program stopped before the kill: {texts[too_early[0].name]}")
    start_roughly(vault, choose)
    for program in programs:
        program.tell("verify")
    for program in programs:
        if text := program.answer():
            raise Failure(f"{program.name}: {text}")


def crash_loop(vault, rounds, seed, stuck_max=0, only=None):
    """Failure when anything is lost, or when the killed daemon could not die more than `stuck_max` times."""
    choose = random.Random(seed)
    programs = [Program(kind, vault.mount / kind.__name__, f"{seed} {kind.__name__}") for kind in crash_workers.ALL
                if only is None or kind.__name__ in only]
    try:
        for number in range(1, rounds + 1):
            try:
                one_round(vault, programs, choose)
            except Failure as failure:
                raise Failure(f"round {number} of seed {seed}: {failure}") from None
            if number % 20 == 0 or number == rounds:
                vault.check()
                conflicts = vault.device.json("conflicts", "list", VAULT)["conflicts"]
                if conflicts:
                    raise Failure(f"round {number}: conflicts that nobody made: {conflicts[:3]}")
                kept = sum(program.acknowledged for program in programs)
                stuck = f", {vault.stuck} times the killed daemon could not die" if vault.stuck else ""
                cut = f", {vault.files_cut} files lost what was not synced" if vault.unsynced else ""
                print(f"round {number}: {kept} promises kept{stuck}{cut}", flush=True)
    finally:
        for program in programs:
            program.close()
    if vault.stuck > stuck_max:
        raise Failure(f"{vault.stuck} times the killed daemon could not die, and programs hung")


if __name__ == "__main__":
    end_orderly_when_told()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--stuck-max", type=int, default=0)
    parser.add_argument("--power", action="store_true", help="what was not synced is lost as well")
    parser.add_argument("--only", nargs="+", help="names of classes of crash_workers.py")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with MountedVault(power_seed=options.seed if options.power else None) as the_vault:
        try:
            crash_loop(the_vault, options.rounds, options.seed, options.stuck_max, options.only)
        except Failure as failure:
            print(f"FAILED: {failure}\n{the_vault.log_tail()}", file=sys.stderr)
            sys.exit(1)
