"""What is installed beside lockstepd is good: units, sysctl, firewall services.

usage: units_test.py BIN_DIRECTORY SOURCE_DIRECTORY; exit status 77 without systemd-analyze
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from pathlib import Path

EXPOSURE_TENTHS_MAX = 20  # of systemd-analyze security: 2.0
# What makes systemd set NoNewPrivileges by itself (seccomp, without CAP_SYS_ADMIN) or a mount namespace of its own
# (systemd.exec(5)): with either, fusermount3 mounts nothing that the user sees.
KEEPS_FROM_MOUNTING = re.compile(
    r"(NoNewPrivileges|SystemCall\w*|Restrict(AddressFamilies|Namespaces|FileSystems|Realtime|SUIDSGID)|MemoryDenyWriteExecute"
    r"|LockPersonality|Protect\w+|Private\w+|DynamicUser|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|ExecPaths|NoExecPaths"
    r"|BindPaths|BindReadOnlyPaths|TemporaryFileSystem|RootDirectory|RootImage|MountFlags|MountAPIVFS|MountImages|ExtensionImages"
    r"|DeviceAllow|DevicePolicy|CapabilityBoundingSet|SecureBits)=")
MOUNTING = ("lockstepd.service", "lockstepd@.service")
# What a watched, notifying, restarted daemon has in its unit.
SERVICES = (*MOUNTING, "lockstepd-no-mount@.service")
HAVE = ("Type=notify", "WatchdogSec=", "Restart=on-failure", "ExecReload=/bin/kill -HUP $MAINPID", "LimitNOFILE=")
# main.cpp ends a stop that hangs after so long, and systemd must wait for that.
STOP_SECONDS_MAX = 20


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def lines_of(file):
    return [line for line in file.read_text().splitlines() if line and not line.startswith("#")]


def check_words(units):
    for name in SERVICES:
        lines = lines_of(units / name)
        for wanted in HAVE:
            assert any(line.startswith(wanted) for line in lines), f"{name} has no {wanted}"
        stop = next(int(line.split("=")[1]) for line in lines if line.startswith("TimeoutStopSec="))
        assert stop > STOP_SECONDS_MAX, f"{name}: killed at {stop} s, before it gives up by itself"
    for name in MOUNTING:
        for line in lines_of(units / name):
            assert not KEEPS_FROM_MOUNTING.match(line), f"{name}: {line} keeps fusermount3 from mounting"
    assert KEEPS_FROM_MOUNTING.match("ProtectSystem=strict"), "the list above finds nothing"


def check_with_systemd(units, programs, scratch):
    # Units are judged with the programs as built, and templates as instances.
    for unit in [*units.glob("lockstepd*.service"), *units.glob("lockstepd*.socket")]:
        instance = unit.name.replace("no-mount@.", "no-mount@copy.").replace("lockstepd@.", f"lockstepd@{os.getuid()}.")
        (scratch / instance).write_text(unit.read_text().replace("/usr/bin/lockstep", f"{programs}/lockstep"))
    (scratch / "run").mkdir(mode=0o700)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(scratch / "run")}
    users = [scratch / "lockstepd.service", scratch / "lockstepd.socket"]
    systems = [scratch / f"lockstepd@{os.getuid()}.service", scratch / "lockstepd-no-mount@copy.service"]
    for said in (run("systemd-analyze", "verify", "--man=no", "--user", *users, env=environment),
                 run("systemd-analyze", "verify", "--man=no", *systems)):
        assert said == "", said
    run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_TENTHS_MAX}", systems[1])


def check_sysctl(file):
    for line in lines_of(file):
        key = line.split(" = ")[0]
        assert Path("/proc/sys", *key.split(".")).exists(), f"the kernel knows no {key}"
        assert line.split(" = ")[1].isdigit(), line


def check_firewalls(installers):
    """Both firewalls open the same, and the ports are those that the documents name."""
    for name, wanted in (("lockstep", {"22100/tcp", "6771/udp"}), ("lockstep-relay", {"6970/tcp"})):
        service = xml.etree.ElementTree.parse(installers / f"firewalld/{name}.xml").getroot()
        assert {f"{port.get('port')}/{port.get('protocol')}" for port in service.iter("port")} == wanted
        ports = next(line for line in lines_of(installers / f"ufw/{name}") if line.startswith("ports="))
        assert set(ports.removeprefix("ports=").split("|")) == wanted, ports


def main(programs, source):
    installers = source / "installers"
    check_words(installers / "systemd")
    check_sysctl(installers / "sysctl/50-lockstep.conf")
    check_firewalls(installers)
    if shutil.which("systemd-analyze") is None:
        print("good, as far as it goes without systemd-analyze")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="lockstep-units-") as directory:
        check_with_systemd(installers / "systemd", programs, Path(directory))
    print("good")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
