"""Runs in the container of packages_test.py, as root under systemd: installs, uses, upgrades, removes, purges.

usage: packages_inside.py DIRECTORY
"""
import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

USER, NUMBER = "ana", 4242
HOME = Path("/home/ana")
COPY = Path("/var/lib/lockstep/copy")
CONTENT = "nobody loses this\n"
# Where this goes on after a boot.
BOOTED = Path("/packages/booted")


def run(*words, code=0, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, **more)
    assert code is None or done.returncode == code, f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def as_ana(*words, **more):
    return run("runuser", "-u", USER, "--", "env", f"XDG_RUNTIME_DIR=/run/user/{NUMBER}", f"HOME={HOME}", *words, **more)


def as_copy(*words, **more):
    return run("runuser", "-u", "lockstep", "--", "env", f"LOCKSTEP_HOME={COPY}", *words, **more)


def users(*words, **more):
    return as_ana("systemctl", "--user", *words, **more)


def await_true(what, question, seconds=60):
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def debs_of(directory, is_later):
    has_nautilus = run("dpkg-query", "-W", "-f", "${db:Status-Status}", "python3-nautilus", code=None) == "installed"
    return sorted(file for file in directory.glob("lockstep*.deb") if "dbgsym" not in file.name and ("+later" in file.name) == is_later
                  and (has_nautilus or not file.name.startswith("lockstep-nautilus_")))


def shown(unit, name, of=run):
    show = ["systemctl", "--user"] if of is as_ana else ["systemctl"]
    return of(*show, "show", "-P", name, unit).strip()


def is_mounted():
    return f" {HOME}/papers fuse" in Path("/proc/self/mounts").read_text()


def step(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def install(debs):
    step("installs, and the relay serves")
    run("dpkg", "--install", *debs)
    assert "ok" in run("curl", "--silent", "--fail", "--retry", "20", "--retry-connrefused", "http://127.0.0.1:6970/healthz")
    assert run("ps", "-o", "user=", "-p", shown("lockstep-relay", "MainPID")).strip().startswith("lockste")
    for page in ("lockstep.1", "lockstepd.1", "lockstep-config.5", "lockstep-relay.1"):
        assert Path(f"/usr/share/man/man{page[-1]}/{page}.gz").exists(), page
    assert "unlock" in run("bash", "-c", "source /usr/share/bash-completion/completions/lockstep; complete -p lockstep; lockstep complete vault un")
    run("ufw", "app", "info", "Lockstep") if Path("/usr/sbin/ufw").exists() else None


def start_as_user():
    step("a user's daemon starts when it is asked for, and mounts where everybody sees it")
    run("useradd", "--uid", str(NUMBER), "--create-home", "--home-dir", HOME, "--shell", "/bin/bash", USER)
    run("loginctl", "enable-linger", USER)
    await_true("the user's manager", lambda: Path(f"/run/user/{NUMBER}/systemd/private").exists())
    assert shown("lockstepd.service", "UnitFileState", as_ana) == "disabled", "nobody asked for a daemon yet"
    users("enable", "--now", "lockstepd.service")
    assert shown("lockstepd.service", "WatchdogUSec", as_ana) != "0"
    as_ana("sh", "-c", "echo correct horse > ~/passphrase")
    as_ana("lockstep", "vault", "create", "papers", "--mount", HOME / "papers", "--kdf-memory", "64", "--unlock-at-start",
           "--passphrase-file", HOME / "passphrase")
    assert is_mounted(), "a unit that keeps fusermount3 from mounting, or hides its mounts?"
    as_ana("sh", "-c", f"printf '{CONTENT}' > ~/papers/note")


def sync_with_a_copy():
    step("a confined device joins it and has a copy, but mounts nothing")
    run("systemctl", "start", "lockstepd-no-mount@copy")
    assert shown("lockstepd-no-mount@copy", "NoNewPrivileges") == "yes" and shown("lockstepd@1", "NoNewPrivileges") == "no"
    as_ana("lockstep", "relay", "add", "http://127.0.0.1:6970")
    as_copy("lockstep", "relay", "add", "http://127.0.0.1:6970")
    ticket = re.search(r"lockstep:\S+", as_ana("lockstep", "invite", "papers", "--yes"))[0]
    as_copy("lockstep", "join", ticket, "--name", "papers")
    await_true("the copy's note", lambda: CONTENT in as_copy("lockstep", "get", "papers:note", "-", code=None), 120)
    assert "--no-mount" in as_copy("lockstep", "mount", "papers", COPY / "papers", code=1)


def restart_after_a_crash():
    step("a killed daemon is back, its vault unlocked and mounted, without a person")
    before = shown("lockstepd.service", "MainPID", as_ana)
    os.kill(int(before), 9)
    await_true("the restart", lambda: shown("lockstepd.service", "ActiveState", as_ana) == "active"
               and shown("lockstepd.service", "MainPID", as_ana) not in (before, "0"))
    await_true("the mount", is_mounted)
    assert as_ana("cat", HOME / "papers/note") == CONTENT


def come_back_after_a_hang():
    step("a daemon that hangs is ended by its watchdog, and is back with vault and mount")
    drop_in = HOME / ".config/systemd/user/lockstepd.service.d/soon.conf"
    as_ana("mkdir", "-p", drop_in.parent)
    as_ana("sh", "-c", f"printf '[Service]\\nWatchdogSec=8\\n' > {drop_in}")
    users("daemon-reload")
    users("restart", "lockstepd.service")
    await_true("the mount", is_mounted)
    before = shown("lockstepd.service", "MainPID", as_ana)
    os.kill(int(before), signal.SIGSTOP)
    await_true("the restart", lambda: shown("lockstepd.service", "ActiveState", as_ana) == "active"
               and shown("lockstepd.service", "MainPID", as_ana) not in (before, "0"), 180)
    await_true("the mount", is_mounted)
    assert as_ana("cat", HOME / "papers/note") == CONTENT
    assert "lockstepd.service: Watchdog timeout" in run("journalctl", "--no-pager", "-b")
    as_ana("rm", "-r", drop_in.parent)
    users("daemon-reload")
    users("restart", "lockstepd.service")


def upgrade(debs):
    step("an upgrade leaves a daemon with mounts alone and restarts the others")
    before, copy = shown("lockstepd.service", "MainPID", as_ana), shown("lockstepd-no-mount@copy", "MainPID")
    relay = shown("lockstep-relay", "MainPID")
    reader = subprocess.Popen(["runuser", "-u", USER, "--", "sh", "-c", f"exec 3< {HOME}/papers/note; sleep 20; cat <&3"], stdout=subprocess.PIPE, text=True)
    run("dpkg", "--install", *debs)
    assert reader.communicate(timeout=60)[0] == CONTENT, "a file that was open over the upgrade"
    assert shown("lockstepd.service", "MainPID", as_ana) == before
    assert shown("lockstepd-no-mount@copy", "MainPID") != copy and shown("lockstep-relay", "MainPID") != relay
    # The old daemon still stretches passphrases, though its program's file is another now.
    as_ana("lockstep", "vault", "lock", "papers")
    as_ana("lockstep", "vault", "unlock", "papers", "--passphrase-file", HOME / "passphrase")
    as_ana("lockstep", "mount", "papers")
    assert as_ana("cat", HOME / "papers/note") == CONTENT
    users("restart", "lockstepd.service")
    assert shown("lockstepd.service", "MainPID", as_ana) != before and as_ana("cat", HOME / "papers/note") == CONTENT


def other_ways_to_start():
    step("the socket starts it, and so does the server's unit, which `lockstep` finds in the same place")
    users("disable", "--now", "lockstepd.service")
    assert not is_mounted()
    as_ana("lockstep", "status", code=4)
    users("start", "lockstepd.socket")
    assert "papers" in as_ana("lockstep", "status")
    assert shown("lockstepd.service", "ActiveState", as_ana) == "active"
    users("stop", "lockstepd.socket", "lockstepd.service")
    run("systemctl", "start", f"lockstepd@{NUMBER}")
    assert is_mounted() and as_ana("cat", HOME / "papers/note") == CONTENT
    as_ana("sh", "-c", "echo '[device]' >> ~/.config/lockstep/config.toml; echo 'nane = 1' >> ~/.config/lockstep/config.toml")
    run("systemctl", "reload", f"lockstepd@{NUMBER}", code=1)
    as_ana("sed", "-i", "s/nane = 1/name = \"server\"/", HOME / ".config/lockstep/config.toml")
    run("systemctl", "reload", f"lockstepd@{NUMBER}")
    await_true("the reload", lambda: as_ana("lockstep", "config", "get", "device.name").strip() == "server")
    run("systemctl", "stop", f"lockstepd@{NUMBER}")
    assert not is_mounted()
    users("enable", "--now", "lockstepd.service")


def open_by_credentials():
    step("without a key on the disk a server's vault opens by a credential of the service manager")
    unit, credential = f"lockstepd@{NUMBER}", Path(f"/etc/credstore/lockstepd-{NUMBER}.passphrase")
    as_ana("lockstep", "vault", "autolock", "papers", "--at-start", "off")
    users("disable", "--now", "lockstepd.service")
    run("systemctl", "start", unit)
    assert not is_mounted() and json.loads(as_ana("lockstep", "status", "--json"))["vaults"][0]["state"] == "locked"
    credential.parent.mkdir(mode=0o700, exist_ok=True)
    credential.touch(mode=0o600)
    credential.write_text((HOME / "passphrase").read_text())
    run("systemctl", "restart", unit)
    assert is_mounted() and as_ana("cat", HOME / "papers/note") == CONTENT
    step("also by one that only this machine can open")
    credential.unlink()
    sealed, drop_in = Path("/etc/credstore.encrypted/papers"), Path(f"/etc/systemd/system/{unit}.service.d/sealed.conf")
    for file in (sealed, drop_in):
        file.parent.mkdir(mode=0o755, exist_ok=True)
    run("systemd-creds", "encrypt", "--with-key=host", "--name=passphrase", HOME / "passphrase", sealed)
    assert b"correct horse" not in sealed.read_bytes()
    drop_in.write_text(f"[Service]\nLoadCredentialEncrypted=passphrase:{sealed}\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", unit)
    assert is_mounted() and as_ana("cat", HOME / "papers/note") == CONTENT
    run("systemctl", "enable", unit, "lockstepd-no-mount@copy")


def reboot():
    step("the machine boots")
    BOOTED.touch()
    Path("/packages/passphrase").write_text((HOME / "passphrase").read_text())
    Path("/packages/reboot").touch()


def serve_after_a_boot():
    step("after the boot vault, mount and copy are there, and nobody was asked")
    assert not is_mounted(), "nothing ran on"
    # What multi-user.target would start: here only this test is.
    units = [link.name for link in Path("/etc/systemd/system/multi-user.target.wants").glob("lockstep*")]
    assert {f"lockstepd@{NUMBER}.service", "lockstepd-no-mount@copy.service", "lockstep-relay.service"} <= set(units), units
    run("systemctl", "start", *units)
    assert is_mounted() and as_ana("cat", HOME / "papers/note") == CONTENT
    as_ana("sh", "-c", "echo later > ~/papers/later")
    # The copy keeps no key: it holds what comes, and is opened by hand.
    as_copy("lockstep", "vault", "unlock", "papers", "--passphrase-file", "/packages/passphrase")
    await_true("what came since", lambda: "later" in as_copy("lockstep", "get", "papers:later", "-", code=None), 120)
    as_ana("lockstep", "vault", "unlock", "papers", "--at-start", "--passphrase-file", HOME / "passphrase")
    run("systemctl", "disable", "--now", *(unit for unit in units if unit.startswith("lockstepd@")))
    await_true("the user's manager", lambda: Path(f"/run/user/{NUMBER}/systemd/private").exists())
    users("enable", "--now", "lockstepd.service")
    await_true("the mount", is_mounted)


def remove_and_purge(debs):
    step("removing and purging takes programs and the relay's state, and no vault")
    names = [deb.name.split("_")[0] for deb in debs]
    run("dpkg", "--remove", *names)
    assert not is_mounted(), "a removed daemon's mounts are gone"
    assert run("systemctl", "is-active", "lockstep-relay", code=None).strip() != "active"
    run("dpkg", "--purge", *names)
    assert not Path("/etc/lockstep-relay").exists() and not Path("/var/lib/lockstep-relay").exists()
    assert not list(Path("/etc/systemd").rglob("lockstep-relay*"))
    assert (HOME / ".local/share/lockstep/papers.vault").is_dir() and (COPY / "data/papers.vault").is_dir()
    step("what stayed is all there when the package comes back")
    run("dpkg", "--install", *debs)
    users("daemon-reload")
    users("start", "lockstepd.service")
    assert as_ana("cat", HOME / "papers/note") == CONTENT
    users("stop", "lockstepd.service")
    as_ana("lockstep", "vault", "decrypt", HOME / ".local/share/lockstep/papers.vault", "--to", HOME / "again", "--passphrase-file", HOME / "passphrase")
    assert (HOME / "again/note").read_text() == CONTENT


def main(directory):
    earlier, later = debs_of(directory, False), debs_of(directory, True)
    assert earlier and later, "two versions of the packages"
    if BOOTED.exists():
        serve_after_a_boot()
        remove_and_purge(later)
        assert pwd.getpwnam("lockstep").pw_dir == "/var/lib/lockstep"
        return step("good")
    install(earlier)
    start_as_user()
    sync_with_a_copy()
    restart_after_a_crash()
    come_back_after_a_hang()
    upgrade(later)
    other_ways_to_start()
    open_by_credentials()
    reboot()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BaseException:
        for journal in (("journalctl", "--no-pager", "-n", "120", "-o", "short"),):
            print(run(*journal, code=None))
        raise
