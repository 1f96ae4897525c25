#!/usr/bin/python3
"""Blind members with real daemons: what they hold and hand on, quotas, audits, and sealing anew what a removed
device could read."""
import os
import subprocess
import sys
import unittest

from lockstep_world import MIB, World, wait_until, why_no_mounts

VAULT = "papers"
CANARY = b"canary-that-no-server-may-ever-read"


class Blind(unittest.TestCase):
    def make_world(self):
        self.world = World(prefix="lockstep-blind-")
        self.addCleanup(self.world.close)
        self.laptop = self.world.add_device("laptop")
        self.laptop.create(VAULT)
        return self.world

    def add_server(self, *more):
        server = self.world.add_device("server")
        ticket = self.laptop.invite(VAULT, role="blind")
        server.call("join", "-", "--name", VAULT, *more, stdin=ticket + "\n", timeout=120)
        return server

    def write(self, device, path, size):
        content = os.urandom(size)
        target = device.mount / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return content

    def peer(self, device, label):
        return next(peer for peer in device.status(VAULT)["peers"] if peer["label"] == label)

    def packs_of(self, device):
        return sorted(device.vault_directory(VAULT).glob("packs/*/*.pack"))

    def test_a_server_holds_and_hands_on_what_it_cannot_open(self):
        self.make_world()
        (self.laptop.mount / f"{CANARY.decode()}.txt").write_bytes(CANARY * 100)
        content = self.write(self.laptop, "large.bin", 5 * MIB)
        server = self.add_server()
        self.laptop.wait(VAULT)
        server.wait(VAULT)
        info = server.status(VAULT)
        self.assertEqual((info["role"], info["state"], info["status"]), ("blind", "locked", "Up to Date"))
        self.assertEqual(info["files"], 0)
        self.assertEqual(info["packs"], self.laptop.status(VAULT)["packs"])
        roles = {one["label"]: one["role"] for one in self.laptop.json("device", "list", VAULT)["devices"]}
        self.assertEqual(roles, {"laptop": "owner", "server": "blind"})
        # What needs plaintext says why it cannot be.
        for words in (("ls", f"{VAULT}:"), ("mount", VAULT, server.mount), ("history", f"{VAULT}:large.bin"),
                      ("invite", VAULT, "--yes"), ("vault", "gc", VAULT), ("keep", VAULT), ("whereis", f"{VAULT}:large.bin"),
                      ("explain", f"{VAULT}:large.bin"), ("snapshot", "create", VAULT, "now"),
                      ("vault", "unlock", VAULT, "--passphrase-file", self.world.passphrase_file)):
            refused = server.call(*words, check=False)
            self.assertEqual(refused.returncode, 1, words)
            self.assertIn("blind member", refused.stderr, words)
        server.call("vault", "check", VAULT)
        # Nothing of the plaintext lies there, not even a name.
        for path in server.home.rglob("*"):
            if path.is_file():
                self.assertNotIn(CANARY, path.read_bytes(), path)
                self.assertNotIn(CANARY.decode(), str(path))
        # It is all that another device needs, over restarts of its own.
        desk = self.world.add_device("desk")
        desk.join(self.laptop.invite(VAULT))
        desk.wait(VAULT)
        desk.stop()
        later = self.write(self.laptop, "later.bin", 3 * MIB)
        self.laptop.wait(VAULT)
        wait_until("the server has it", lambda: self.peer(self.laptop, "server")["inStep"], 60)
        server.kill()
        server.start()
        self.laptop.wait(VAULT)
        self.laptop.stop()
        desk.start()
        desk.unlock(VAULT)
        desk.call("mount", VAULT, check=False)
        wait_until("the desk has got it from the server",
                   lambda: (desk.mount / "later.bin").read_bytes() == later, 90)
        self.assertEqual((desk.mount / "large.bin").read_bytes(), content)

    def test_a_quota_is_kept_and_can_be_changed(self):
        self.make_world()
        server = self.add_server("--quota", "9M")
        self.assertEqual(server.status(VAULT)["quotaBytes"], 9 * MIB)
        for number in range(4):
            self.write(self.laptop, f"{number}.bin", 4 * MIB)
            self.laptop.call("wait", VAULT, "--published")
        wait_until("some packs are left out", lambda: server.status(VAULT)["leftOutPacks"] > 0
                   and server.status(VAULT)["missingPacks"] == 0, 60)
        self.assertLessEqual(sum(path.stat().st_size for path in self.packs_of(server)), 9 * MIB)
        self.assertIn("quota", " ".join(server.status(VAULT)["notes"]))
        # It has not everything, so it is no copy.
        self.assertEqual(self.laptop.exit_code("wait", VAULT, "--copies", "1", "--timeout", "2s"), 15)
        self.assertIn("9.0 MiB", server.call("quota", VAULT).stdout)
        server.call("quota", VAULT, "none")
        wait_until("the rest has come", lambda: server.status(VAULT)["leftOutPacks"] == 0
                   and server.status(VAULT)["missingPacks"] == 0, 60)
        self.assertEqual(server.status(VAULT)["packs"], self.laptop.status(VAULT)["packs"])
        # A lower one: the laptop promises to keep what goes.
        server.call("quota", VAULT, "5M")
        wait_until("what does not fit has gone",
                   lambda: sum(path.stat().st_size for path in self.packs_of(server)) <= 5 * MIB, 60)

    def test_it_counts_as_a_copy_when_it_has_shown_what_it_holds(self):
        self.make_world()
        content = self.write(self.laptop, "films/film.bin", 6 * MIB)
        server = self.add_server()
        self.laptop.wait(VAULT, timeout=90, copies=1)
        found = next(one for one in self.laptop.json("device", "list", VAULT)["devices"] if one["label"] == "server")
        self.assertEqual(found["audit"], "passed")
        self.assertGreater(found["lastAuditMs"], 0)
        self.assertEqual(found["auditedPacks"], self.laptop.status(VAULT)["packs"])
        # It counts for eviction, and the content comes back from it.
        self.laptop.call("keep", VAULT, "on-demand")
        answer = self.laptop.json("evict", f"{VAULT}:films")
        self.assertGreaterEqual(answer["bytes"], 6 * MIB, answer)
        self.assertEqual((self.laptop.mount / "films/film.bin").read_bytes(), content)

    def test_who_cannot_show_a_block_counts_no_more_until_it_can(self):
        self.make_world()
        self.write(self.laptop, "film.bin", 2 * MIB)
        server = self.add_server()
        self.laptop.wait(VAULT, timeout=90, copies=1)
        packs = self.packs_of(server)
        server.stop()
        for path in packs:
            os.chmod(path, 0o600)
            path.write_bytes(os.urandom(path.stat().st_size))
        # Who has just started looks at a sample.
        self.laptop.stop()
        self.laptop.start()
        self.laptop.unlock(VAULT)
        server.start()
        wait_until("an audit has failed", lambda: self.peer(self.laptop, "server")["audit"] == "failed", 90)
        # It gets the packs again, and shows all of them.
        self.laptop.wait(VAULT, timeout=120, copies=1)
        self.assertEqual(self.peer(self.laptop, "server")["audit"], "passed")

    def test_a_full_removal_goes_on_after_a_kill(self):
        self.make_world()
        phone = self.world.add_device("phone")
        phone.join(self.laptop.invite(VAULT))
        server = self.add_server()
        contents = {f"{number}.bin": self.write(self.laptop, f"{number}.bin", 9 * MIB) for number in range(8)}
        self.laptop.wait(VAULT)
        phone.stop()
        before = set(path.name for path in self.packs_of(self.laptop))
        self.laptop.call("device", "revoke", "phone", "--yes")
        waiting = subprocess.Popen([str(word) for word in self.laptop.command(
            "device", "revoke", "phone", "--full", "--yes")], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, **self.laptop.environment})
        self.addCleanup(waiting.wait)
        directory = self.laptop.vault_directory(VAULT)
        wait_until("some of it is sealed anew", lambda: {
            path.name for path in directory.glob("packs/*/*.pack")} - before, 60, 0.002)
        self.laptop.kill()
        waiting.wait(60)
        self.laptop.start()
        self.laptop.unlock(VAULT)
        # By itself; asking again shows it, and reports.
        report = self.laptop.json("device", "revoke", "phone", "--full", "--yes", "--vault", VAULT, timeout=180)
        self.assertEqual(report["state"], "done", report)
        self.assertEqual((report["leftPacks"], report["absentPacks"]), (0, 0), report)
        self.assertEqual(report["files"], len(contents))
        self.assertGreaterEqual(report["fileBytes"], 72 * MIB)
        self.assertGreater(report["segments"], 0)
        # Nobody else is to agree, so the old packs go; the blind member gets the new ones.
        wait_until("the old packs are deleted", lambda: not before & {path.name for path in self.packs_of(self.laptop)}, 60)
        for path, content in contents.items():
            self.assertEqual((self.laptop.mount / path).read_bytes(), content)
        self.assertEqual(self.laptop.status(VAULT)["alarms"], [])
        self.laptop.call("vault", "check", VAULT)
        wait_until("the server has the new packs", lambda: {path.name for path in self.packs_of(self.laptop)}
                   <= {path.name for path in self.packs_of(server)}, 90)
        text = self.laptop.call("device", "revoke", "phone", "--full", "--yes").stdout
        self.assertIn("What the removed device could read", text)

    def test_words_for_what_cannot_be(self):
        self.make_world()
        server = self.world.add_device("server")
        ticket = self.laptop.invite(VAULT, role="blind")
        refused = server.call("join", "-", "--mount", server.mount, stdin=ticket + "\n", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("blind member", refused.stderr)
        refused = server.call("join", "-", "--quota", "much", stdin=ticket + "\n", check=False)
        self.assertIn("no amount of bytes", refused.stderr)
        writer = self.laptop.invite(VAULT)
        refused = server.call("join", "-", "--quota", "5G", stdin=writer + "\n", check=False)
        self.assertIn("only that has a quota", refused.stderr)
        # The ticket is not used up by that.
        server.call("join", "-", "--name", VAULT, stdin=ticket + "\n", timeout=120)
        # Another role opens it.
        self.write(self.laptop, "file.bin", 1000)
        self.laptop.call("device", "role", VAULT, "server", "reader")
        wait_until("the server knows its role", lambda: server.status(VAULT)["role"] == "reader", 60)
        server.unlock(VAULT)
        wait_until("it can read", lambda: "file.bin" in server.call("ls", f"{VAULT}:", check=False).stdout, 60)


if __name__ == "__main__":
    if why := why_no_mounts():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(verbosity=2)
