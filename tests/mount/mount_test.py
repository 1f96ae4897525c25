#!/usr/bin/python3
"""What programs may ask of a mounted vault, with the real daemon, short enough for every run of ctest.

usage: mount_test.py [TestClass.test_name]     LOCKSTEP_BIN says where the programs are
Exits 77 where vaults cannot be mounted. The long versions: ./dev stress.
"""
import mmap
import os
import random
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import crash_loop  # noqa: E402
import exercise  # noqa: E402
import full_disk  # noqa: E402
import name_stress  # noqa: E402
import programs  # noqa: E402
from lockstep_world import default_bin, run, why_no_mounts  # noqa: E402
from mounted_vault import MountedVault, end_orderly_when_told  # noqa: E402

CRASH_ROUNDS = 6


class MountTest(unittest.TestCase):
    def mounted_vault(self):
        return self.entered(MountedVault())

    def entered(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def seed(self):
        """Another one at each run; the tests say it when they fail."""
        return random.SystemRandom().randrange(1 << 24)


class InputOutput(MountTest):
    def test_the_model_equals_a_plain_directory(self):
        with tempfile.TemporaryDirectory(prefix="lockstep-plain-") as directory:
            run([default_bin() / "io_exerciser", "--directory", directory, "--seed", self.seed(), "--operations", 4000],
                timeout=120)

    def test_random_operations_equal_the_model(self):
        exercise.exercise(self.mounted_vault(), exercise.parse(
            ["--seed", str(self.seed()), "--operations", "7000", "--processes", "2", "--sync-point-every", "1500",
             "--check-every", "700", "--time-limit", "120"]))

    def test_a_truncated_file_stays_empty_while_mapped_pages_are_written_back(self):
        vault = self.mounted_vault()
        path, size = vault.mount / "mapped", 1 << 20
        for number in range(40):
            path.write_bytes(bytes(size))
            with open(path, "r+b") as file, mmap.mmap(file.fileno(), size) as mapping:
                for at in range(0, size, 65536):
                    mapping[at:at + 3] = b"abc"
                os.setxattr(path, "user.number", str(number).encode())
                with open(path, "w+b") as emptied:
                    self.assertEqual(0, os.fstat(emptied.fileno()).st_size)
                    self.assertEqual(b"", emptied.read())


class Names(MountTest):
    def test_eight_processes_at_once(self):
        name_stress.name_stress(self.mounted_vault(), processes=8, operations=250, seed=self.seed())


class Crash(MountTest):
    def test_what_was_acknowledged_outlives_kill_9(self):
        crash_loop.crash_loop(self.mounted_vault(), CRASH_ROUNDS, self.seed())

    def test_what_was_acknowledged_outlives_power_cuts(self):
        seed = self.seed()
        vault = self.entered(MountedVault(power_seed=seed))
        crash_loop.crash_loop(vault, CRASH_ROUNDS, seed)
        self.assertGreater(vault.files_cut, 0, "or no write was ever unsynced")


class Space(MountTest):
    def setUp(self):
        if why := full_disk.why_no_small_disk():
            self.skipTest(why)

    def test_a_full_disk_is_told_and_loses_nothing(self):
        full = self.entered(full_disk.FullDisk(file_size=900_000))
        full.fill()
        full.free()
        if not full.works_again():
            full.vault.restart()  # a journal that met the end of the disk itself is opened anew
            self.assertTrue(full.works_again())
        full.check_acknowledged("when there is space again")
        self.assertEqual(0, full.lock())
        full.vault.device.unlock(full_disk.VAULT)
        full.check_acknowledged("after lock and unlock")
        full.vault.check()

    def test_a_full_disk_can_be_opened_read_and_locked(self):
        full = self.entered(full_disk.FullDisk(file_size=100_000))
        full.fill()
        full.vault.remount()
        full.check_acknowledged("after a remount")
        full.vault.restart()
        full.check_acknowledged("after a restart")
        self.assertEqual(0, full.lock("--force"))
        full.vault.device.unlock(full_disk.VAULT)
        full.check_acknowledged("after lock and unlock")
        full.free()
        full.vault.restart()
        self.assertTrue(full.works_again())
        full.check_acknowledged("with space, after a restart")
        full.vault.check()


class Programs(MountTest):
    """Each script runs in an empty directory of the mount; see programs.py."""

    def test_scripts(self):
        vault = self.mounted_vault()
        for name in programs.SHORT:
            with self.subTest(name):
                programs.run_script(vault, name)
        vault.restart()
        programs.check_kept(vault, programs.SHORT)


if __name__ == "__main__":
    if why := why_no_mounts():
        print(f"skipped: {why}")
        sys.exit(77)
    end_orderly_when_told()
    unittest.main(verbosity=2)
