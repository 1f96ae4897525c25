"""Real devices for tests and the demo: relay and daemons, each with its own LOCKSTEP_HOME and network.

As root every party gets a network namespace (veth pairs to a bridge in a namespace of its own): links can be
cut and every byte on the wire counted and captured. Without root all parties share loopback, and a cut is a
`lockstep pause`. Namespaces are entered with nsenter, never `ip netns exec`: that would give the daemon a
mount namespace of its own, and nobody else would see its mounts.

A World cleans up after itself: only processes, mounts, namespaces and files that it made, each with a time
limit.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

MIB = 1 << 20
SOURCE = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery staple, seven"


class Failure(Exception):
    """Something was not as it has to be; the text says what."""


def default_bin():
    return Path(os.environ.get("LOCKSTEP_BIN", SOURCE / "build/release/bin"))


def run(command, timeout=60, check=True, **options):
    """Runs a command to its end; a Failure names what it said when it fails or takes too long."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout, **options)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: no end after {timeout} s") from None
    if check and done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise Failure(f"{' '.join(command)}: exit {done.returncode}: {said}")
    return done


def wait_until(what, condition, timeout=30.0, interval=0.02):
    """The first true value of condition(); a Failure after `timeout` seconds. OSErrors count as false."""
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            if value := condition():
                return value
        if time.monotonic() > end:
            raise Failure(f"not within {timeout:g} s: {what}")
        time.sleep(interval)


def mounts_below(directory):
    """Mount points at or below a directory, innermost first. Reads no mounted file."""
    top, found = str(directory), []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point == top or point.startswith(top + "/"):
            found.append(point)
    return sorted(found, key=len, reverse=True)


def why_no_mounts():
    """Why this user cannot mount, as a sentence; empty when he can."""
    if not shutil.which("fusermount3"):
        return "fusermount3 is not installed (./dev setup)"
    if not os.path.exists("/dev/fuse"):
        return "/dev/fuse does not exist; in a container, start it with --device /dev/fuse and CAP_SYS_ADMIN"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "this user may not open /dev/fuse; run as root, or give the user access to it"
    return ""


class Loopback:
    """All parties on this machine's own addresses."""

    has_namespaces = False

    def __init__(self, why):
        self.why = why

    def add(self, name):
        pass

    def address(self, name):
        return "127.0.0.1"

    def enter(self, name):
        return []

    def close(self):
        pass


class Namespaces:
    """One network namespace for each party, all on one bridge."""

    has_namespaces = True

    def __init__(self):
        self.tag, self.names = f"ls{os.getpid()}", {}
        self.hub = self.tag + "-hub"
        self.made = []
        try:
            self._add_namespace(self.hub)
            run(["ip", "-n", self.hub, "link", "add", "br0", "type", "bridge"])
            run(["ip", "-n", self.hub, "link", "set", "br0", "up"])
        except BaseException:
            self.close()
            raise

    def _add_namespace(self, namespace):
        run(["ip", "netns", "add", namespace])
        self.made.append(namespace)
        run(["ip", "-n", namespace, "link", "set", "lo", "up"])

    def add(self, name):
        namespace, number = f"{self.tag}-{name}", len(self.names) + 1
        self._add_namespace(namespace)
        self.names[name] = number
        port = f"p{number}"
        run(["ip", "-n", self.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace])
        run(["ip", "-n", self.hub, "link", "set", port, "master", "br0", "up"])
        run(["ip", "-n", namespace, "addr", "add", self.address(name) + "/24", "dev", "eth0"])
        run(["ip", "-n", namespace, "link", "set", "eth0", "up"])

    def address(self, name):
        return f"10.214.0.{self.names[name]}"

    def enter(self, name):
        return ["nsenter", f"--net=/run/netns/{self.tag}-{name}", "--"]

    def link(self, name, state):
        run(["ip", "-n", self.hub, "link", "set", f"p{self.names[name]}", state])

    def wire_bytes(self, name):
        """Bytes that have passed a party's network interface, both ways."""
        table = run([*self.enter(name), "cat", "/proc/net/dev"]).stdout
        fields = re.search(r"^\s*eth0:(.*)$", table, re.M).group(1).split()
        return int(fields[0]) + int(fields[8])

    def close(self):
        for namespace in self.made:
            run(["ip", "netns", "del", namespace], check=False)
        self.made = []


def make_network(wants_namespaces=True):
    if not wants_namespaces:
        return Loopback("as asked")
    if os.geteuid() != 0:
        return Loopback("only root can make network namespaces")
    try:
        return Namespaces()
    except Failure as failure:
        return Loopback(f"network namespaces cannot be made here ({failure})")


class Process:
    """A program of ours in the background; its output goes to a log file."""

    def __init__(self, command, log, environment=None):
        self.log = Path(log)
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=out, env={**os.environ, **(environment or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def stop(self, timeout=25):
        """SIGTERM, and SIGKILL when that is not enough. The exit code."""
        if self.is_running():
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.popen.wait(timeout)
        return self.kill()

    def kill(self):
        if self.is_running():
            self.popen.kill()
        return self.popen.wait(60)  # one that waits for a busy disk ends when that answers

    def last_words(self):
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        return ""


class Device:
    """A LOCKSTEP_HOME with its daemon, driven by the CLI as a user would."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.home = world.directory / name
        self.mount = world.directory / "mounts" / name
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.environment = {"LOCKSTEP_HOME": str(self.home)}
        self.daemon = None

    def write_config(self, **network):
        """Before the first start: this device's name, and nothing found by luck."""
        lines = ["[device]", f'name = "{self.name}"', "[network]", "lan_discovery = false"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in network.items()]
        (self.home / "config").mkdir(mode=0o700, exist_ok=True)
        (self.home / "config/config.toml").write_text("\n".join(lines) + "\n")

    def start(self):
        command = [*self.world.network.enter(self.name), self.world.bin / "lockstepd", "--log-level",
                   os.environ.get("LOCKSTEP_LOG_LEVEL", "info")]
        self.daemon = Process(command, self.world.directory / f"{self.name}.log",
                              {**self.environment, **self.world.daemon_environment})

        def answers():
            if not self.daemon.is_running():
                raise Failure(f"lockstepd of {self.name} ended: {self.daemon.last_words()}")
            return self.call("status", check=False).returncode == 0
        wait_until(f"lockstepd of {self.name} answers", answers, 30)

    def stop(self):
        code = self.daemon.stop() if self.daemon else 0
        if code:
            raise Failure(f"lockstepd of {self.name} ended with {code}: {self.daemon.last_words()}")

    def kill(self):
        """What a power cut is to the process."""
        self.daemon.kill()

    def command(self, *words):
        return [*self.world.network.enter(self.name), self.world.bin / "lockstep", *words]

    def call(self, *words, timeout=60, check=True, stdin=None):
        options = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        return run(self.command(*words), timeout=timeout, check=check, env={**os.environ, **self.environment}, **options)

    def exit_code(self, *words, **options):
        return self.call(*words, check=False, **options).returncode

    def json(self, *words, **options):
        return json.loads(self.call(*words, "--json", **options).stdout)

    def status(self, vault):
        return self.json("vault", "show", vault)

    def vault_directory(self, vault):
        return Path(self.status(vault)["directory"])

    def create(self, vault):
        """A new vault, mounted. The cheapest passphrase allowed: its cost is not what is tested."""
        self.call("vault", "create", vault, "--mount", self.mount, "--passphrase-file", self.world.passphrase_file,
                  "--kdf-memory", "64", "--recovery-out", self.world.directory / f"{self.name}-{vault}.recovery")

    def unlock(self, vault):
        return self.call("vault", "unlock", vault, "--passphrase-file", self.world.passphrase_file)

    def invite(self, vault, role="writer"):
        """A ticket for whoever comes first. Only owners can admit others."""
        return self.call("invite", vault, "--yes", "--role", role).stdout.strip()

    def join(self, ticket, *more):
        self.call("join", "-", "--mount", self.mount, *more, stdin=ticket + "\n", timeout=120)

    def wait(self, vault, timeout=300, copies=None):
        more = ["--copies", str(copies)] if copies is not None else []
        self.call("wait", vault, "--timeout", f"{timeout}s", *more, timeout=timeout + 20)


class World:
    """Devices on one network, with a relay when asked for. Use as a context manager."""

    def __init__(self, wants_namespaces=True, wants_relay=True, prefix="lockstep-world-", bin_directory=None,
                 network=None, relay_config="", device_config=None, daemon_environment=None):
        self.bin = Path(bin_directory or default_bin())
        for program in ("lockstep", "lockstepd", "lockstep-relay"):
            if not os.access(self.bin / program, os.X_OK):
                raise Failure(f"{self.bin / program} is missing; build it first (./dev build release)")
        self.directory = Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("TMPDIR", "/tmp")))
        self.network = network or make_network(wants_namespaces)
        self.devices, self.others, self.relay, self.relay_url = {}, [], None, None
        self.cut_vaults = {}
        self.device_config = device_config or {}
        self.daemon_environment = daemon_environment or {}
        try:
            (self.directory / "mounts").mkdir()
            self.passphrase_file = self.directory / "passphrase"
            self.passphrase_file.write_text(PASSPHRASE + "\n")
            self.passphrase_file.chmod(0o600)
            if wants_relay:
                self.start_relay(relay_config)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close()

    def start_relay(self, config=""):
        self.relay_config = config
        self.network.add("relay")
        port = self._run_relay(0)
        self.relay_url = f"http://{self.network.address('relay')}:{port}"

    def restart_relay(self):
        """As after a power cut of its machine: at the same address, and it remembers nobody."""
        self.relay.kill()
        self._run_relay(self.relay_url.rpartition(":")[2])

    def _run_relay(self, port):
        log = self.directory / "relay.log"
        log.unlink(missing_ok=True)
        file = self.directory / "relay.toml"
        file.write_text(self.relay_config)
        self.relay = Process([*self.network.enter("relay"), self.bin / "lockstep-relay", "--config", file,
                              "--listen", f"{self.network.address('relay')}:{port}", "--interval", "10"], log)
        return wait_until("the relay listens",
                          lambda: re.search(r"listening on \S+ port (\d+)", log.read_text(errors="replace")),
                          15).group(1)

    def add_device(self, name):
        self.network.add(name)
        device = Device(self, name)
        self.devices[name] = device
        relays = {"relays": [self.relay_url]} if self.relay else {}
        device.write_config(**{**relays, **self.device_config})
        device.start()
        return device

    def cut(self, device, vault):
        """Cuts a device off from all others."""
        if self.network.has_namespaces:
            self.network.link(device.name, "down")
        else:
            device.call("pause", vault)
        self.cut_vaults[device.name] = vault

    def heal(self, device):
        vault = self.cut_vaults.pop(device.name)
        if self.network.has_namespaces:
            self.network.link(device.name, "up")
        else:
            device.call("resume", vault)

    def capture(self, name, path):
        """Records every packet of a party from now on. Needs namespaces."""
        log = self.directory / f"tcpdump-{name}.log"
        process = Process([*self.network.enter(name), "tcpdump", "-i", "eth0", "-s", "0", "-B", "65536", "-Z", "root",
                           "-U", "-w", path], log)
        self.others.append(process)
        wait_until(f"tcpdump of {name} listens", lambda: "listening on" in log.read_text(), 15)
        return process

    def processes(self):
        daemons = [device.daemon for device in self.devices.values() if device.daemon]
        return daemons + ([self.relay] if self.relay else []) + self.others

    def close(self):
        """Ends what was started and removes what was made. Never follows a mount when deleting."""
        for process in self.processes():
            with contextlib.suppress(OSError):
                if process.is_running():
                    process.popen.terminate()
        for process in self.processes():
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                process.stop()
        remove_world(self.directory)
        self.network.close()

    def leave_running(self):
        """For --keep: what clean_kept() needs later, written beside the homes."""
        facts = {"pids": {str(process.pid): process_start(process.pid) for process in self.processes()
                          if process.is_running()},
                 "namespaces": self.network.made if self.network.has_namespaces else []}
        (self.directory / "world.json").write_text(json.dumps(facts))


def process_start(pid):
    """When a process began, in clock ticks: tells it from a later one with the same number. None: no such."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def remove_world(directory):
    for point in mounts_below(directory):
        run(["fusermount3", "-u", "-z", point], check=False)
    if left := mounts_below(directory):
        raise Failure(f"still mounted, so nothing is deleted: {', '.join(left)}")
    shutil.rmtree(directory, ignore_errors=True)


def clean_kept(directory):
    """Ends and removes a world that was left running with --keep."""
    directory = Path(directory).resolve()
    facts = json.loads((directory / "world.json").read_text())

    def alive():
        return [int(pid) for pid, start in facts["pids"].items() if process_start(pid) == start]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in alive():
            os.kill(pid, number)
        with contextlib.suppress(Failure):
            wait_until("all ended", lambda: not alive(), 25)
            break
    remove_world(directory)
    for namespace in facts["namespaces"]:
        run(["ip", "netns", "del", namespace], check=False)


def tree_difference(left, right):
    """What rsync would change to make `right` equal `left`: content, modes, owners, times to the nanosecond, symlinks.

    Empty when they are equal.
    """
    done = run(["rsync", "-ain", "--delete", "--checksum", "--modify-window=-1", f"{left}/", f"{right}/"], timeout=600)
    return done.stdout.strip()


def check_equal(what, left, right, with_top=True):
    """Fails with the first difference. Without `with_top` the two directories' own mode and time do not count."""
    lines = [line for line in tree_difference(left, right).splitlines() if with_top or not line.endswith(" ./")]
    if lines:
        raise Failure(f"{what}: {len(lines)} differences between {left} and {right}, the first: {lines[0]}")
