"""lockstepd beside a service manager, of which this plays the part: notifications, watchdog, a passed socket, reload.

usage: service_test.py BIN_DIRECTORY
"""
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

BIN = None
PATIENCE = 60


class Device:
    """A LOCKSTEP_HOME, its daemon under a service manager of our own, and `lockstep` in it."""

    def __init__(self, home):
        self.home = Path(home)
        self.config = self.home / "config/config.toml"
        self.control = self.home / "runtime/control.sock"
        self.notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notes.bind(str(self.home / "notify"))
        self.notes.settimeout(PATIENCE)
        self.daemon = None

    def write_config(self, text):
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(text)

    def start(self, *arguments, listener=None, **variables):
        environment = {**os.environ, "LOCKSTEP_HOME": str(self.home), "NOTIFY_SOCKET": str(self.home / "notify"), **variables}
        command = [str(BIN / "lockstepd"), *arguments]
        if listener is not None:
            # LISTEN_PID is the daemon's own number, which only the process that becomes it knows.
            command = ["/bin/sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@" 3<&' + str(listener.fileno()), *command]
        with open(self.home / "log", "ab") as log:
            self.daemon = subprocess.Popen(command, env=environment, stderr=log, stdin=subprocess.DEVNULL,
                                           pass_fds=[listener.fileno()] if listener else [])

    def heard(self):
        return self.notes.recv(4096).decode()

    def await_note(self, wanted):
        """Skips what else is said meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if (note := self.heard()).startswith(wanted):
                return note
        raise AssertionError(f"no {wanted}")

    def run(self, *words, code=0):
        done = subprocess.run([str(BIN / "lockstep"), *words], env={**os.environ, "LOCKSTEP_HOME": str(self.home)},
                              capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def log(self):
        return (self.home / "log").read_text()

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(PATIENCE)
        self.daemon = None
        return code


class ServiceTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="lockstep-service-")
        self.addCleanup(directory.cleanup)
        self.device = Device(directory.name)
        self.addCleanup(self.end)

    def end(self):
        if self.device.daemon is not None:
            self.device.daemon.kill()
            self.device.daemon.wait()
        self.device.notes.close()

    def test_it_says_that_it_is_ready_when_it_answers_and_that_it_stops(self):
        self.device.start()
        self.assertEqual(self.device.heard(), "READY=1")
        self.device.run("status")
        self.assertEqual(self.device.stop(), 0)
        self.assertEqual(self.device.heard(), "STOPPING=1")

    def test_a_watched_daemon_says_again_and_again_that_it_is_well(self):
        self.device.start(WATCHDOG_USEC="400000")
        self.device.await_note("READY=1")
        for _ in range(5):
            self.device.await_note("WATCHDOG=1")

    def test_the_watchdog_of_another_process_is_not_ours(self):
        self.device.start(WATCHDOG_USEC="400000", WATCHDOG_PID="1")
        self.assertEqual(self.device.heard(), "READY=1")
        self.device.stop()
        self.assertEqual(self.device.heard(), "STOPPING=1")

    def listener(self, path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        made = socket.socket(socket.AF_UNIX)
        self.addCleanup(made.close)
        made.bind(str(path))
        made.listen(16)
        return made

    def test_who_talks_to_a_passed_socket_before_the_daemon_runs_is_answered_by_it(self):
        listener = self.listener(self.device.control)
        early = subprocess.Popen([str(BIN / "lockstep"), "status", "--json"], stdout=subprocess.PIPE, text=True,
                                 env={**os.environ, "LOCKSTEP_HOME": str(self.device.home)})
        self.device.start(listener=listener)
        said, _ = early.communicate(timeout=PATIENCE)
        self.assertEqual(early.returncode, 0)
        self.assertEqual(json.loads(said)["vaults"], [])
        self.assertEqual(self.device.stop(), 0)
        self.assertTrue(self.device.control.exists(), "the socket is the service manager's and stays")

    def test_a_passed_socket_of_another_name_is_not_served(self):
        listener = self.listener(self.device.home / "elsewhere")
        self.device.start(listener=listener)
        self.device.await_note("READY=1")
        self.device.run("status")
        self.assertIn("is not", self.device.log())

    def test_a_reload_takes_over_what_can_change_and_names_the_rest(self):
        self.device.write_config('[device]\nname = "before"\n')
        self.device.start()
        self.device.await_note("READY=1")
        self.device.write_config('[device]\nname = "after"\n[network]\nlimit_up = 500\ndht = true\nrelays = ["http://127.0.0.1:9"]\n')
        self.device.daemon.send_signal(signal.SIGHUP)
        self.assertRegex(self.device.await_note("RELOADING=1"), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.device.await_note("READY=1")
        self.assertEqual(self.device.run("config", "get", "device.name"), "after\n")
        status = json.loads(self.device.run("status", "--json"))
        self.assertEqual(status["device"]["label"], "after")
        self.assertEqual(status["limitUp"], 500 * 1024)
        self.assertEqual([relay["url"] for relay in status["relays"]], ["http://127.0.0.1:9"])
        self.assertIn("network.dht = true, from the next start", self.device.log())
        # What was read by a reload is not in the way of `config set`.
        self.device.run("config", "set", "network.limit_up", "600")
        self.assertIn("limit_up = 600", self.device.config.read_text())

    def test_a_file_with_faults_changes_nothing_and_is_named(self):
        self.device.write_config('[device]\nname = "before"\n')
        self.device.start()
        self.device.await_note("READY=1")
        for text, why in (('[device]\nnane = "after"\n', "config.toml:2: unknown key 'nane'"),
                          ('[[vault]]\nname = "v"\ndirectory = "/v"\n', "restart lockstepd")):
            self.device.write_config(text)
            self.device.daemon.send_signal(signal.SIGHUP)
            self.device.await_note("RELOADING=1")
            self.device.await_note("READY=1")
            self.assertIn(why, self.device.log())
            self.assertEqual(self.device.run("config", "get", "device.name"), "before\n")

    def test_a_flag_wins_over_its_variable_and_that_over_the_file(self):
        with contextlib.ExitStack() as stack:
            ports = []
            for _ in range(3):
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
                ports.append(probe.getsockname()[1])
        in_file, in_environment, in_flag = ports
        self.device.write_config(f"[network]\nlisten_port = {in_file}\n")
        for wanted, arguments, variables in ((in_file, [], {"LOCKSTEP_LISTEN_PORT": ""}),
                                             (in_environment, [], {"LOCKSTEP_LISTEN_PORT": str(in_environment)}),
                                             (in_flag, [f"--listen-port={in_flag}"], {"LOCKSTEP_LISTEN_PORT": str(in_environment)})):
            self.device.start(*arguments, **variables)
            self.device.await_note("READY=1")
            self.assertEqual(json.loads(self.device.run("status", "--json"))["listenPort"], wanted)
            self.assertEqual(self.device.stop(), 0)

    def test_figures_are_told_to_who_has_the_token_of_the_environment(self):
        with contextlib.ExitStack() as stack:
            ports = []
            for _ in range(2):
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
                ports.append(probe.getsockname()[1])
        in_file, in_environment = ports
        token = self.device.home / "token"
        token.write_text("t" * 40 + "\n")
        self.device.write_config(f'[api]\nlisten = "127.0.0.1:{in_file}"\n')
        self.device.start(LOCKSTEP_API_LISTEN=f"127.0.0.1:{in_environment}", LOCKSTEP_METRICS_TOKEN_FILE=str(token))
        self.device.await_note("READY=1")

        def answer(port, path):
            asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {'t' * 40}"})
            try:
                with urllib.request.urlopen(asked, timeout=20) as response:
                    return response.status
            except urllib.error.HTTPError as error:
                return error.code
        self.assertEqual((answer(in_environment, "/metrics"), answer(in_environment, "/v1/status")), (200, 403))
        with self.assertRaises(urllib.error.URLError):
            answer(in_file, "/metrics")
        self.assertEqual(self.device.stop(), 0)
        self.device.start("--api-listen=none", LOCKSTEP_API_LISTEN=f"127.0.0.1:{in_environment}")
        self.device.await_note("READY=1")
        for port in ports:
            with self.assertRaises(urllib.error.URLError):
                answer(port, "/metrics")
        self.assertEqual(self.device.stop(), 0)

    def test_a_variable_that_makes_no_sense_is_named(self):
        for name, value in (("LOCKSTEP_LISTEN_PORT", "many"), ("LOCKSTEP_API_LISTEN", "0.0.0.0:6980"), ("LOCKSTEP_LOG_LEVEL", "loud"), ("LOCKSTEP_NO_MOUNT", "1")):
            self.device.start(**{name: value})
            self.assertEqual(self.device.daemon.wait(PATIENCE), 2)
            self.assertIn(name, self.device.log())

    def make_locked_vault(self):
        (self.device.home / "passphrase").write_text("correct horse\n")
        self.device.start("--no-mount")
        self.device.await_note("READY=1")
        self.device.run("vault", "create", "papers", "--kdf-memory", "64", "--passphrase-file", str(self.device.home / "passphrase"))
        self.assertEqual(self.device.stop(), 0)
        self.assertEqual(self.state_after_start(), "locked")

    def state_after_start(self, **variables):
        self.device.start("--no-mount", **variables)
        self.device.await_note("READY=1")
        vault, = json.loads(self.device.run("status", "--json"))["vaults"]
        self.assertEqual(self.device.stop(), 0)
        return vault["state"]

    def test_a_vault_opens_at_the_start_by_a_credential(self):
        self.make_locked_vault()
        credentials = self.device.home / "credentials"
        credentials.mkdir()
        (credentials / "passphrase").write_text("correct horse\n")
        self.assertEqual(self.state_after_start(CREDENTIALS_DIRECTORY=str(credentials)), "unlocked")
        self.assertEqual(self.state_after_start(), "locked", "no key was kept")
        (credentials / "passphrase.papers").write_text("a wrong one\n")
        self.assertEqual(self.state_after_start(CREDENTIALS_DIRECTORY=str(credentials)), "locked")
        self.assertIn("papers: unlock at start", self.device.log())
        self.assertNotIn("a wrong one", self.device.log())

    def test_a_vault_opens_at_the_start_by_a_command(self):
        self.make_locked_vault()
        text = self.device.config.read_text()
        command = f"passphrase_command = \"cat '{self.device.home}/passphrase'\"\n"
        self.device.write_config(text.replace("[[vault]]\n", "[[vault]]\n" + command))
        self.assertEqual(self.state_after_start(), "unlocked")
        # What the daemon writes itself keeps it.
        self.device.start("--no-mount")
        self.device.await_note("READY=1")
        self.device.run("pause", "papers")
        self.assertEqual(self.device.stop(), 0)
        self.assertIn(command, self.device.config.read_text())
        (self.device.home / "passphrase").unlink()
        self.assertEqual(self.state_after_start(), "locked")
        self.assertIn("passphrase_command: it failed", self.device.log())

    def test_without_mounts_nothing_is_mounted_and_files_come_and_go_all_the_same(self):
        self.device.start("--no-mount")
        self.device.await_note("READY=1")
        (self.device.home / "passphrase").write_text("correct horse\n")
        self.device.run("vault", "create", "papers", "--kdf-memory", "64", "--passphrase-file", str(self.device.home / "passphrase"))
        said = self.device.run("mount", "papers", str(self.device.home / "papers"), code=1)
        self.assertIn("--no-mount", said)
        self.assertFalse((self.device.home / "papers").exists())
        (self.device.home / "note").write_text("bytes\n")
        self.device.run("put", "papers:note", str(self.device.home / "note"))
        self.assertEqual(self.device.run("get", "papers:note", "-"), "bytes\n")


if __name__ == "__main__":
    BIN = Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
