"""Standard BitTorrent clients (Transmission, aria2, qBittorrent) exchange a torrent through lockstep-relay as an open tracker.

usage: bittorrent_clients_test.py LOCKSTEP_RELAY; exit status 77 when a client is not installed
"""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import lockstep_world  # noqa: E402

PATIENCE_S = 90


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Programs:
    """Started programs, each ended at the end."""

    def __init__(self, directory):
        self.directory, self.running = Path(directory), []

    def start(self, name, *command):
        log = (self.directory / f"{name}.log").open("wb")
        home = self.directory / f"{name}.home"
        home.mkdir()
        environment = dict(os.environ, HOME=str(home), XDG_CONFIG_HOME=str(home), XDG_CACHE_HOME=str(home))
        program = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=environment)
        self.running.append(program)
        return program

    def log(self, name):
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def stop(self):
        for program in self.running:
            program.terminate()
        for program in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(10)
            program.kill()


def wait_until(what, condition, programs):
    try:
        lockstep_world.wait_until(what, condition, PATIENCE_S)
    except lockstep_world.Failure as failure:
        logs = "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}"
                         for log in programs.directory.glob("*.log"))
        sys.exit(f"{failure}\n{logs}")


def aria2(programs, name, torrent, directory, seeds):
    options = ["--enable-dht=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--bt-tracker-interval=1",
               "--summary-interval=0", f"--listen-port={free_port()}", f"--dir={directory}"]
    options += ["--check-integrity=true", "--seed-ratio=0.0"] if seeds else ["--seed-time=0"]
    programs.start(name, "aria2c", *options, torrent)


def transmission(programs, name, torrent, directory):
    home = programs.directory / f"{name}.settings"
    home.mkdir()
    (home / "settings.json").write_text('{"dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, '
                                        '"utp-enabled": false, "rpc-enabled": false}')
    programs.start(name, "transmission-cli", "-g", home, "-w", directory, "-p", free_port(), "-M", torrent)


def qbittorrent(programs, name, torrent, directory):
    profile = programs.directory / f"{name}.profile"
    (profile / "qBittorrent/config").mkdir(parents=True)
    session = {"DHTEnabled": "false", "LSDEnabled": "false", "PeXEnabled": "false", "BTProtocol": "TCP", "Port": free_port(),
               "Interface": "lo", "InterfaceAddress": "127.0.0.1", "MultiConnectionsPerIp": "true",
               "DefaultSavePath": directory, "AddTorrentPaused": "false", "QueueingSystemEnabled": "false"}
    (profile / "qBittorrent/config/qBittorrent.conf").write_text(
        "[LegalNotice]\nAccepted=true\n[BitTorrent]\n"
        + "".join(f"Session\\{key}={value}\n" for key, value in session.items())
        + "[Preferences]\nWebUI\\Address=127.0.0.1\n")
    programs.start(name, "qbittorrent-nox", f"--profile={profile}", f"--webui-port={free_port()}",
                   f"--save-path={directory}", "--skip-dialog=true", torrent)


def exchange(relay, seeder, leecher):
    with tempfile.TemporaryDirectory(prefix="relay-clients-") as directory:
        programs, root = Programs(directory), Path(directory)
        try:
            programs.start("relay", relay, "--listen", "127.0.0.1:0", "--access", "open-tracker",
                           "--interval", "10")
            wait_until("the relay listens", lambda: " port " in programs.log("relay"), programs)
            url = f"http://127.0.0.1:{re.search(r' port ([0-9]+)', programs.log('relay')).group(1)}/announce"
            for side in ("seed", "leech"):
                (root / side).mkdir()
            content = os.urandom(3 << 20)
            (root / "seed/file.bin").write_bytes(content)
            subprocess.run(["transmission-create", "-o", root / "file.torrent", "-t", url, root / "seed/file.bin"],
                           check=True, capture_output=True, timeout=30)
            for client, side in ((seeder, "seed"), (leecher, "leech")):
                if client == "aria2":
                    aria2(programs, side, root / "file.torrent", root / side, side == "seed")
                elif client == "qBittorrent":
                    qbittorrent(programs, side, root / "file.torrent", root / side)
                else:
                    transmission(programs, side, root / "file.torrent", root / side)
            got = root / "leech/file.bin"
            wait_until(f"{leecher} has the file from {seeder}",
                       lambda: got.exists() and got.read_bytes() == content, programs)
        finally:
            programs.stop()
    print(f"{seeder} -> {leecher}: good")


if __name__ == "__main__":
    for needed in ("aria2c", "qbittorrent-nox", "transmission-cli", "transmission-create"):
        if shutil.which(needed) is None:
            print(f"{needed} is not installed")
            sys.exit(77)
    exchange(sys.argv[1], "transmission", "aria2")
    exchange(sys.argv[1], "aria2", "transmission")
    exchange(sys.argv[1], "qBittorrent", "aria2")
    exchange(sys.argv[1], "aria2", "qBittorrent")
