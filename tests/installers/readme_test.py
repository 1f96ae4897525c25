"""The documents' commands do what they say: each line of a code block is typed here as it stands, by people with homes of their own.

usage: readme_test.py BIN_DIRECTORY SOURCE_DIRECTORY; exit status 77 where nothing can be mounted

What needs root, a service manager or a container engine is named below with where it is run instead. A line of a document that is
in neither list is a failure, so that no document promises what nobody has tried.
"""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from lockstep_world import wait_until, why_no_mounts  # noqa: E402

DOCUMENTS = ("README.md", "installers/README.md")
PATIENCE = 120
# A passphrase and an answer come from the environment in place of a terminal: the lines themselves stay as they are.
ASKING = ("VAULT_CREATE", "VAULT_UNLOCK", "VAULT_DECRYPT", "VAULT_CHECK")
YES = ("LOCKSTEP_INVITE_YES", "LOCKSTEP_DEVICE_REVOKE_YES")
ELSEWHERE = {
    "./dev demo": "by CI's users; the same steps are e2e.test",
    "./dev test": "by CI",
    "./dev package": "by hand, before a release",
    "./dev package --test": "by hand, before a release",
    "./dev package --reproducible": "by hand, before a release",
    "./dev package --only relay --reproducible": "by hand, before a release",
    "apt install ./build/package/lockstep_0.1.0_amd64.deb ./build/package/lockstep-gui_0.1.0_amd64.deb": "packages_test.py, with dpkg",
    "systemctl --user restart lockstepd": "packages_inside.py",
}


def commands_of(text):
    """Lines of code blocks, without comments and what may be left out; several on one line are several."""
    out = []
    for block in re.findall(r"(?:^    \S.*\n)+", text, flags=re.M):
        for line in block.splitlines():
            line = re.split(r"(?:^|\s+)#", line.strip())[0]
            line = re.sub(r" \[[^\]]*\]", "", line).strip()
            if re.match(r"(\./dev|lockstepd?|cp|ls|apt|systemctl|docker|kubectl|git|curl)\b", line):
                out += [command.strip() for command in line.split(";")]
    return out


class Person:
    """A home, a daemon in it, and a shell."""

    def __init__(self, directory, name, programs):
        self.home = directory / name
        self.run_directory = self.home / "run"
        self.run_directory.mkdir(parents=True, mode=0o700)
        self.daemon = None
        passphrase = self.home / ".papers"
        passphrase.write_text("correct horse\n")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "LOCKSTEP_"))}
        self.environment = {**kept, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.run_directory), "PATH": f"{programs}:{os.environ['PATH']}",
                            "LOCKSTEP_VAULT_CREATE_KDF_MEMORY": "64", **dict.fromkeys(YES, "true"),
                            **{f"LOCKSTEP_{verb}_PASSPHRASE_FILE": str(passphrase) for verb in ASKING}}
        config = self.home / ".config/lockstep/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'[device]\nname = "{name}"\n[network]\nlan_discovery = false\n')

    def start(self):
        notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notes.bind(str(self.home / "notify"))
        notes.settimeout(PATIENCE)
        with open(self.home / "log", "a", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(["lockstepd"], stderr=log, cwd=self.home, env={**self.environment, "NOTIFY_SOCKET": str(self.home / "notify")})
        assert notes.recv(100) == b"READY=1"
        notes.close()
        (self.home / "notify").unlink()

    def stop(self):
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.daemon.wait(40)
            self.daemon.kill()
            self.daemon.wait()
        for line in Path("/proc/self/mounts").read_text().splitlines():
            where = line.split()[1]
            if where.startswith(f"{self.home}/"):
                subprocess.run(["fusermount3", "-u", "-z", where], check=False)

    def type(self, line, codes=(0,), stdin=""):
        done = subprocess.run(["bash", "-c", line], env=self.environment, cwd=self.home, input=stdin, capture_output=True, text=True, timeout=PATIENCE)
        said = done.stdout + done.stderr
        assert done.returncode in codes, f"{self.home.name}$ {line}: {done.returncode}\n{said}"
        return said


class Session:
    """Types lines, replacing what stands for something, and remembers which."""

    def __init__(self, commands):
        self.commands, self.typed = commands, set()
        self.replaced = {}

    def type(self, person, line, codes=(0,), stdin=""):
        assert line in self.commands, f"no document says: {line}"
        self.typed.add(line)
        for name, value in self.replaced.items():
            line = line.replace(name, value)
        return person.type(line, codes, stdin)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def make_conflict(desk, phone):
    """Both write one file while apart, and have met again."""
    for one in (desk, phone):
        one.type("lockstep pause papers")
    for one in (desk, phone):
        one.type(f"echo {one.home.name} > ~/papers/notes.txt")
    for one in (desk, phone):
        one.type("lockstep resume papers")
    wait_until("the conflict", lambda: "notes.txt" in desk.type("lockstep conflicts list papers", codes=(0, 14)), PATIENCE)


def first_session(session, desk, phone):
    """README.md, from its first line to its last."""
    (desk.home / "Documents").mkdir()
    (desk.home / "Documents/letter").write_text("dear\n")
    for person in (desk, phone):
        assert "lockstepd &" in session.commands
        person.start()
        person.type(f"lockstep relay add {session.replaced['https://relay.example.org']}")
    session.typed.add("lockstepd &")
    assert "recovery" in session.type(desk, "lockstep vault create papers --mount ~/papers").lower()
    session.type(desk, "cp -a ~/Documents ~/papers/")
    session.replaced["TICKET"] = re.search(r"lockstep:\S+", session.type(desk, "lockstep invite papers"))[0]
    session.type(phone, "lockstep join TICKET --mount ~/papers")
    session.type(phone, "lockstep wait papers")
    assert "Documents" in session.type(phone, "ls ~/papers")
    desk.type("mkdir ~/papers/letters ~/papers/films; echo one > ~/papers/notes.txt; echo movie > ~/papers/films/first.mkv")
    wait_until("the notes", lambda: (phone.home / "papers/films/first.mkv").exists() and (phone.home / "papers/notes.txt").exists(), PATIENCE)
    assert "papers" in session.type(desk, "lockstep status")
    session.type(desk, "lockstep explain papers:notes.txt")
    session.type(desk, "lockstep doctor", codes=(0, 26))
    make_conflict(desk, phone)
    session.type(desk, "lockstep conflicts resolve papers:notes.txt --keep mine")
    assert (desk.home / "papers/notes.txt").read_text() == "desk\n"
    (desk.home / "papers/letters/a").write_text("a\n")
    session.type(desk, "lockstep mount papers:letters ~/letters --read-only")
    assert (desk.home / "letters/a").read_text() == "a\n"
    session.type(desk, "lockstep mirror add papers:letters ~/Letters")
    wait_until("the mirror", lambda: (desk.home / "Letters/a").exists(), PATIENCE)
    session.type(phone, "lockstep keep papers:films on-demand")
    session.type(phone, "lockstep pin papers:films/first.mkv")
    assert "desk" in session.type(phone, "lockstep whereis papers:films/first.mkv")
    assert "lockstep:" in session.type(desk, "lockstep invite papers --role blind --yes")
    assert "desk" in session.type(desk, "lockstep history papers:notes.txt")
    session.type(desk, "lockstep snapshot create papers monday")
    assert "notes.txt" in session.type(desk, "ls ~/papers/.lockstep/snapshots/monday")
    session.type(desk, "lockstep diff papers --from 1d")
    # In part: what the phone has changed since stays.
    session.type(desk, "lockstep undo papers --device desk --since 2h --dry-run", codes=(0, 3))
    session.type(desk, "lockstep vault autolock papers --idle 15m --suspend on")
    # The directory alone is read: what has just been done must be in it.
    desk.type("lockstep wait papers --published")
    session.type(desk, "lockstep vault decrypt ~/.local/share/lockstep/papers.vault --to ./papers-again")
    assert (desk.home / "papers-again/notes.txt").read_text() == "desk\n"


def operations(session, desk, server):
    """installers/README.md: a server, a backup, what to type when something is wrong."""
    server.start()
    session.type(server, "lockstep config set network.listen_port 22100")
    session.type(server, "lockstep relay add https://relay.example.org")
    ticket = re.search(r"lockstep:\S+", desk.type("lockstep invite papers"))[0]
    (server.home / "ticket").write_text(ticket + "\n")
    session.type(server, "lockstep join - < ticket")
    server.type("lockstep vault lock papers")
    session.type(server, "lockstep vault unlock papers --at-start --passphrase-file ~/.papers")
    session.type(server, "lockstep wait papers")
    assert "desk" in server.type("lockstep get papers:notes.txt -")
    server.type("mkdir ~/backup && cp -a ~/.local/share/lockstep/papers.vault ~/backup/")
    session.type(server, "lockstep vault check ~/backup/papers.vault --passphrase-file ~/.papers")
    session.type(server, "lockstep vault decrypt ~/backup/papers.vault --to ./papers-again")
    assert (server.home / "papers-again/notes.txt").read_text() == "desk\n"
    session.type(server, "lockstep config check")
    session.type(server, "lockstep vault check papers --repair")
    session.type(server, "lockstep relay test https://relay.example.org")
    session.type(server, "lockstep config set log.levels sync=debug")
    session.type(server, "lockstep diagnostics lockstep.tar.gz")
    assert (server.home / "lockstep.tar.gz").stat().st_size > 0
    session.type(server, "lockstep config set api.listen 127.0.0.1:6980")


def relay_guide(programs, source, directory):
    """The relay's own guide: its commands, with its example as the configuration, under other paths and ports."""
    commands, example = re.findall(r"```\w*\n(.*?)```", (source / "relay/README.md").read_text(), flags=re.S)
    etc = directory / "etc/lockstep-relay"
    etc.mkdir(parents=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=relay", "-keyout", etc / "key.pem", "-out", etc / "cert.pem"], check=True, capture_output=True)
    (etc / "key.pem").chmod(0o600)
    (etc / "family.token").write_text("of-the-family\n")
    (etc / "family.token").chmod(0o600)
    port = free_port()
    (directory / "etc/lockstep-relay.toml").write_text(
        example.replace("/etc/", f"{directory}/etc/").replace("/var/lib/", f"{directory}/").replace("0.0.0.0:6970", f"127.0.0.1:{port}"))
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    lines = [re.split(r" {2,}", line)[0] for line in commands.splitlines() if line]
    assert lines[0] == "lockstep-relay" and len(lines) == 3, lines
    for line in lines:
        words = line.replace("/etc/", f"{directory}/etc/").split()
        if "check-config" in words:
            subprocess.run(words, env=environment, check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)
            continue
        # Without a configuration its port is in the environment, since another relay may have the usual one.
        with subprocess.Popen(words, env={**environment, "LOCKSTEP_RELAY_LISTEN": f"127.0.0.1:{port}"}, stderr=subprocess.DEVNULL) as relay:
            try:
                def answers():
                    assert relay.poll() is None, f"{line} has ended with {relay.returncode}"
                    with socket.create_connection(("127.0.0.1", port), timeout=5):
                        return True
                wait_until(f"{line} answers", answers, PATIENCE)
            finally:
                relay.terminate()


def main(programs, source):
    commands = {command for name in DOCUMENTS for command in commands_of((source / name).read_text())}
    assert len(commands) > 40, f"only {len(commands)} commands were found"
    assert not set(ELSEWHERE) - commands, f"no document says: {set(ELSEWHERE) - commands}"
    session = Session(commands)
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lockstep-readme-")))
        relay_guide(programs, source, directory / "relay")
        port = free_port()
        relay = subprocess.Popen([programs / "lockstep-relay", "--listen", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
        stack.callback(relay.wait, 60)
        stack.callback(relay.send_signal, signal.SIGTERM)
        # A free one: several of these may run.
        session.replaced = {"https://relay.example.org": f"http://127.0.0.1:{port}", "22100": str(free_port())}
        desk, phone, server = (Person(directory, name, programs) for name in ("desk", "phone", "server"))
        for person in (desk, phone, server):
            stack.callback(person.stop)
        try:
            first_session(session, desk, phone)
            operations(session, desk, server)
            # Last, as it ends one of them.
            session.type(desk, "lockstep device revoke phone --full")
        except BaseException:
            for person in (desk, phone, server):
                log = person.home / "log"
                print(f"--- {person.home.name}\n{log.read_text()[-3000:] if log.exists() else ''}")
            raise
    left = commands - session.typed - set(ELSEWHERE)
    assert not left, f"nobody has tried: {sorted(left)}"
    print(f"good: {len(session.typed)} commands as they stand, {len(ELSEWHERE)} elsewhere")


if __name__ == "__main__":
    if reason := why_no_mounts():
        print(reason)
        sys.exit(77)
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
