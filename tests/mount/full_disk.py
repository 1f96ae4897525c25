#!/usr/bin/python3
"""What a vault does when the disk under it is full. Needs root: the disk is a tmpfs, or an ext4 image on a loop device.

usage: full_disk.py      disks of several sizes; LOCKSTEP_BIN says where the programs are
"""
import contextlib
import errno
import hashlib
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from mounted_vault import VAULT, Failure, MountedVault, end_orderly_when_told, run, wait_until  # noqa: E402

MIB = 1 << 20


def noise(seed, size):
    return hashlib.shake_256(str(seed).encode()).digest(size)


@contextlib.contextmanager
def small_disk(size_mib, ext4=False):
    """A mounted file system of its own; yields its top."""
    top = Path(tempfile.mkdtemp(prefix="lockstep-disk-"))
    image = top / "image"
    place = top / "disk"
    place.mkdir()
    try:
        if ext4:
            with open(image, "wb") as file:
                file.truncate(size_mib * MIB)
            run(["mkfs.ext4", "-q", "-m", "0", image])
            run(["mount", "-o", "loop", image, place])
        else:
            run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "none", place])
        yield place
    finally:
        run(["umount", "-l", place], check=False)
        image.unlink(missing_ok=True)
        place.rmdir()
        top.rmdir()


def why_no_small_disk():
    if os.geteuid() != 0:
        return "only root can mount a small disk"
    with contextlib.suppress(Failure):
        with small_disk(4):
            return ""
    return "no tmpfs can be mounted here"


def write_all(fd, data):
    """The write(2) that meets the end of the disk may take a part of it."""
    while data:
        data = data[os.write(fd, data):]


def error_of(call, *arguments):
    """The errno's name, or '' when it succeeds."""
    try:
        call(*arguments)
        return ""
    except OSError as error:
        return errno.errorcode[error.errno]


class FullDisk:
    """Home and vault on a small disk with a ballast file; use as a context manager."""

    def __init__(self, file_size, size_mib=24, ext4=False):
        self.file_size, self.acknowledged, self.stack = file_size, {}, contextlib.ExitStack()
        try:
            self.disk = self.stack.enter_context(small_disk(size_mib, ext4))
            # As much as is kept twice, in the journal and in packs that the next start writes anew.
            (self.disk / "ballast").write_bytes(bytes(size_mib * 10 // 24 * MIB))
            (self.disk / "home").mkdir(mode=0o700)
            self.vault = self.stack.enter_context(MountedVault(home=self.disk / "home"))
        except BaseException:
            self.stack.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def write(self, name):
        """Writes and fsyncs a file; the errno's name when that fails twice.

        Whenever an fsync succeeds, be it the second, the file has to be there from then on.
        """
        data = noise(name, self.file_size)
        fd = os.open(self.vault.mount / name, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not (failed := error_of(write_all, fd, data) or error_of(os.fsync, fd) and error_of(os.fsync, fd)):
                self.acknowledged[name] = data
            return failed
        finally:
            with contextlib.suppress(OSError):
                os.close(fd)

    def fill(self):
        """Until an fsync fails. Then nothing else can be made durable either."""
        for number in range(20000):
            if failed := self.write(f"file-{number}"):
                if failed not in ("ENOSPC", "EROFS"):
                    raise Failure(f"a full disk is told as {failed}")
                break
        else:
            raise Failure("the disk is never full")
        if not self.write("one-more"):
            raise Failure("an fsync of a new file succeeds on a full disk")
        self.check_acknowledged("when the disk is full")

    def free(self):
        (self.disk / "ballast").unlink()

    def check_acknowledged(self, when):
        self.vault.drop_caches()
        for name, data in self.acknowledged.items():
            try:
                if (self.vault.mount / name).read_bytes() != data:
                    raise Failure(f"{when}: {name} has other bytes than those acknowledged")
            except OSError as error:
                raise Failure(f"{when}: {name}, which was acknowledged: {error}") from None

    def works_again(self):
        """Whether a new file can be made durable, within a few seconds."""
        with contextlib.suppress(Failure):
            return wait_until("an fsync succeeds", lambda: not self.write("after"), 5, 0.2)
        return False

    def lock(self, *more):
        return self.vault.device.exit_code("vault", "lock", VAULT, *more)


def full_disk(file_size, size_mib, ext4):
    """All of a full disk's life. What comes back without a restart is told, not demanded."""
    with FullDisk(file_size, size_mib, ext4) as full:
        full.fill()
        full.vault.remount()
        full.check_acknowledged("after a remount")
        full.vault.restart()
        full.check_acknowledged("after a restart on the full disk")
        full.write("until-it-fails")
        full.free()
        recovers = full.works_again()
        full.check_acknowledged("with space")
        full.vault.restart()
        if not full.works_again():
            raise Failure("nothing can be written although there is space again")
        full.check_acknowledged("with space, after a restart")
        full.vault.lock_and_unlock()
        full.check_acknowledged("after lock and unlock")
        full.vault.check()
        kind = "ext4" if ext4 else "tmpfs"
        print(f"{kind} of {size_mib} MiB, files of {file_size}: {len(full.acknowledged)} files acknowledged and kept; "
              f"works again {'at once' if recovers else 'after a restart'}", flush=True)


if __name__ == "__main__":
    end_orderly_when_told()
    if why := why_no_small_disk():
        sys.exit(f"full_disk: {why}")
    try:
        for on_ext4 in (False, True):
            for the_size, the_disk in ((900_000, 24), (100_000, 24), (3000, 24), (4_000_000, 64), (40_000, 48)):
                full_disk(the_size, the_disk, on_ext4)
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
