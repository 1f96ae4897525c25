#!/usr/bin/python3
"""The packages on a running Debian: this machine's root under an overlay, booted with systemd as a container.

usage: packages_test.py DIRECTORY (as root; with the .deb files of two versions, as ./dev package --test makes them)

packages_inside.py does the rest, in there. Nothing of it reaches this machine: what is written is a tmpfs in a mount
namespace of its own, and the network is private.
"""
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

PATIENCE = 900
REBOOTED = 133  # systemd-nspawn leaves it to whoever has started it
UNIT = """[Unit]
Requires=basic.target dbus.service systemd-logind.service systemd-user-sessions.service
After=basic.target dbus.service systemd-logind.service systemd-user-sessions.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'python3 -u {script} {debs} >> /results/log 2>&1; code=$?; if [ $code = 0 ] && rm {debs}/reboot; then systemctl reboot --no-block; else echo $code > /results/code; systemctl poweroff --no-block; fi'
"""


def run(*command):
    subprocess.run(command, check=True)


def boot(command, log):
    """Until the machine is switched off. Its exit status."""
    with open(log, "ab") as output:
        machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        machine.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"not done within {PATIENCE} s")
        # Its first process, with which all others end; not nspawn, which would leave it behind.
        for child in Path(f"/proc/{machine.pid}/task/{machine.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        machine.wait()
    return machine.returncode


def main(debs):
    if os.environ.get("LOCKSTEP_PACKAGES_INNER") is None:
        # Mounts made from here on go with the process.
        os.environ["LOCKSTEP_PACKAGES_INNER"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, str(debs)])
    place = debs / "machine"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(place))
    root, results = place / "root", debs / "results"
    shutil.rmtree(results, ignore_errors=True)
    for directory in (root, results, place / "changes", place / "work"):
        directory.mkdir()
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={place}/changes,workdir={place}/work", str(root))
    # What tells this machine from the container; and nothing that this one runs.
    (root / "etc/machine-id").write_text("10c4571e910c4571e910c4571e910c45\n")
    # With the mode that udev gives it, whatever it is here.
    fuse = place / "fuse"
    os.mknod(fuse, 0o666 | stat.S_IFCHR, os.makedev(10, 229))
    fuse.chmod(0o666)
    # An image's word that packages shall start nothing.
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
    script = "/packages/inside.py"
    (root / "etc/systemd/system/lockstep-packages.service").write_text(UNIT.format(script=script, debs="/packages"))
    (root / "packages").mkdir()
    shutil.copy(Path(__file__).with_name("packages_inside.py"), root / script.lstrip("/"))
    for deb in debs.glob("*.deb"):
        shutil.copy(deb, root / "packages")
    (root / "results").mkdir()
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--directory={root}", "--boot", "--private-network",
               "--link-journal=no", "--machine=lockstep-packages", f"--bind={fuse}:/dev/fuse", f"--bind={results}:/results", "--",
               "systemd.unit=lockstep-packages.service"]
    (debs / "boot.log").unlink(missing_ok=True)
    # Once more for the boot that it asks for in between.
    if boot(command, debs / "boot.log") == REBOOTED:
        boot(command, debs / "boot.log")
    log = results / "log"
    print(log.read_text() if log.exists() else (debs / "boot.log").read_text(errors="replace"), end="")
    code = (results / "code").read_text().strip() if (results / "code").exists() else "none"
    print("good" if code == "0" else f"failed: exit code {code}; see {debs}/boot.log")
    return 0 if code == "0" else 1


if __name__ == "__main__":
    if os.geteuid() != 0 or shutil.which("systemd-nspawn") is None:
        print("packages are tested as root, with systemd-nspawn (package systemd-container)")
        sys.exit(77)
    sys.exit(main(Path(sys.argv[1]).resolve()))
