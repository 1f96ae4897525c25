"""One device with a mounted vault that unlocks when its daemon starts: what the tests of this folder work on."""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from lockstep_world import Failure, World, default_bin, mounts_below, run, wait_until  # noqa: E402
import unsynced_pages  # noqa: E402

VAULT = "disk"


def end_orderly_when_told():
    """So that SIGTERM (of `timeout`, of ctest) leaves no daemon and no mount behind."""
    def end(number, _):
        sys.exit(f"signal {number}")
    signal.signal(signal.SIGTERM, end)


def kernel_stacks(pid):
    """What the threads of a process wait for in the kernel; root only."""
    lines = []
    for task in sorted(Path(f"/proc/{pid}/task").glob("*")):
        with contextlib.suppress(OSError):
            lines.append(f"{(task / 'comm').read_text().strip()}: "
                         + " < ".join(line.split()[-1] for line in (task / "stack").read_text().splitlines()[:4]))
    return "\n".join(lines)


class MountedVault:
    """Use as a context manager. `vault_directory`: where the ciphertext lies, else in the home. `power_seed`: when it is
    killed the power fails as well, and what was not synced is lost as this says."""

    def __init__(self, vault_directory=None, home=None, power_seed=None):
        self.stuck = self.files_cut = 0
        self.unsynced, environment = None, {}
        if power_seed is not None:
            self.choose = random.Random(power_seed)
            self.unsynced = tempfile.mkdtemp(prefix="lockstep-unsynced-")
            environment = {"LD_PRELOAD": str(unsynced_pages.library(default_bin())), "LOCKSTEP_UNSYNCED": self.unsynced}
        self.world = World(wants_namespaces=False, wants_relay=False, prefix="lockstep-mount-",
                           daemon_environment=environment)
        try:
            self.device = self.world.add_device("laptop") if home is None else self._device_at(home)
            more = ["--dir", vault_directory] if vault_directory else []
            self.device.call("vault", "create", VAULT, "--mount", self.device.mount, "--kdf-memory", "64",
                             "--unlock-at-start", "--passphrase-file", self.world.passphrase_file,
                             "--recovery-out", self.world.directory / "recovery", *more)
        except BaseException:
            self.world.close()
            raise

    def _device_at(self, home):
        """A device whose home lies on another file system."""
        (self.world.directory / "laptop").symlink_to(home)
        return self.world.add_device("laptop")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None and kind is not SystemExit:
            print(self.log_tail(), file=sys.stderr)
        self.end()

    def end(self):
        """Stops the daemon, if need be by force, and takes everything away."""
        daemon = self.device.daemon
        if daemon and daemon.is_running():
            daemon.popen.terminate()
            try:
                daemon.popen.wait(25)
            except subprocess.TimeoutExpired:
                self.kill()
        self.world.close()
        if self.unsynced:
            shutil.rmtree(self.unsynced)

    @property
    def mount(self):
        return self.device.mount

    @property
    def directory(self):
        return self.world.directory

    def log_tail(self):
        with contextlib.suppress(OSError):
            lines = (self.world.directory / "laptop.log").read_text(errors="replace").splitlines()
            return "lockstepd said last:\n" + "\n".join(lines[-20:])
        return ""

    def kill(self):
        """`kill -9`. A daemon that cannot die because the kernel waits for it is counted, and freed by force."""
        process = self.device.daemon.popen
        process.kill()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            self.stuck += 1
            print("the killed daemon does not die:\n" + kernel_stacks(process.pid), file=sys.stderr)
            run(["umount", "-f", self.mount], check=False)
            process.wait(20)
        if self.unsynced:
            self.files_cut += unsynced_pages.cut_power(self.device.home, self.unsynced, self.choose)

    def start(self):
        """Starts the daemon again and waits until the vault is unlocked and mounted, by the daemon alone."""
        self.device.start()
        wait_until("the vault is mounted again", self.is_mounted, 30)

    def is_mounted(self):
        return str(self.mount) in mounts_below(self.mount) and os.path.ismount(self.mount)

    def restart(self):
        """An orderly stop, and a start."""
        self.device.stop()
        self.start()

    def remount(self):
        self.device.call("unmount", VAULT)
        if os.path.ismount(self.mount):
            raise Failure("still mounted after `lockstep unmount`")
        self.device.call("mount", VAULT, self.mount)

    def lock_and_unlock(self):
        """The index is built again from directory and journal."""
        self.device.call("vault", "lock", VAULT)
        self.device.unlock(VAULT)
        wait_until("the vault is mounted again", self.is_mounted, 30)

    def check(self):
        """Every object of the vault verified."""
        self.device.call("vault", "check", VAULT, timeout=300)

    def drop_caches(self):
        """What the kernel holds of clean pages, entries and inodes. Root only; else nothing happens."""
        run(["sync", "-f", self.mount], check=False)
        with contextlib.suppress(OSError):
            Path("/proc/sys/vm/drop_caches").write_text("3\n")
