"""Manuals, completions and --help name the same verbs, flags and keys.

usage: manuals_test.py BIN_DIRECTORY SOURCE_DIRECTORY; exit status 77 without scdoc
"""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BIN = SOURCE = None
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def run(*words, code=0, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def flags_of_help(text):
    """Those that are listed, not those that examples use."""
    return {flag for line in text.splitlines() if line.startswith("  ") for flag in FLAG.findall(line.split("Excludes")[0][:30])
            if line.strip().startswith("-")}


def verbs():
    path = SOURCE / "installers/man/verbs.py"
    spec = importlib.util.spec_from_file_location("verbs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Verbs(str(BIN / "lockstep")), module


def complete(*words):
    lines = run(BIN / "lockstep", "complete", *words).splitlines()
    return lines[0], [line.split("\t")[0] for line in lines[1:]]


class ManualTest(unittest.TestCase):
    maxDiff = None

    def scd(self, name):
        return (SOURCE / f"installers/man/{name}.scd").read_text()

    def test_every_page_is_a_page(self):
        program, module = verbs()
        pages = {file.name.removesuffix(".scd"): file.read_text() for file in (SOURCE / "installers/man").glob("*.scd")}
        pages["lockstep.1"] = run(sys.executable, SOURCE / "installers/man/verbs.py", BIN / "lockstep", SOURCE / "installers/man/lockstep.1.scd")
        self.assertEqual(set(pages), {"lockstep.1", "lockstepd.1", "lockstep-gui.1", "lockstep-relay.1", "lockstep-config.5"})
        for name, text in pages.items():
            page = run("scdoc", input=text)
            self.assertTrue(page.startswith(".") and f".TH \"{name.split('.')[0]}\"" in page, name)
            for other, section in re.findall(r"\*(lockstep[a-z-]*)\*\((\d)\)", text):
                self.assertIn(f"{other}.{section}", pages, f"{name} refers to a page that is not there")

    def test_lockstep_names_each_verb_with_its_flags(self):
        page = run(sys.executable, SOURCE / "installers/man/verbs.py", BIN / "lockstep", SOURCE / "installers/man/lockstep.1.scd")
        part = page[page.index("# VERBS"):page.index("# PASSPHRASES")]
        program, _ = verbs()
        told = {}
        for entry in re.split(r"^(?=\*[a-z])", part, flags=re.M)[1:]:
            told[re.match(r"\*([a-z -]+)\*", entry)[1]] = set(re.findall(r"^\t\*?.*", entry, flags=re.M)) and \
                {flag for line in entry.splitlines() if re.match(r"\t\*--", line) for flag in FLAG.findall(line)}
        there = {" ".join(words): flags_of_help(text) - {"--help", "--json"} for words, text in program.all()}
        self.assertGreater(len(there), 50)
        self.assertEqual(told, there)

    def check_flags(self, page, text):
        options = self.scd(page)
        options = options[options.index("# OPTIONS"):]
        options = options[:options.index("\n# ", 5)]
        self.assertEqual({flag for line in options.splitlines() if line.startswith("*--") for flag in FLAG.findall(line)},
                         flags_of_help(text))

    def test_the_daemon_and_the_relay_name_their_flags_and_variables(self):
        for program in ("lockstepd", "lockstep-relay"):
            text = run(BIN / program, "--help")
            self.check_flags(f"{program}.1", text)
            for variable in re.findall(r"\bLOCKSTEP_[A-Z_]*[A-Z]\b", text):
                self.assertIn(f"*{variable}*", self.scd(f"{program}.1"))

    def test_the_app_names_its_flags(self):
        if not (BIN / "lockstep-gui").exists():
            self.skipTest("the app is not built")
        text = run(BIN / "lockstep-gui", "--help", env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
        flags = flags_of_help(text) - {"--help-all"}
        self.assertEqual(flags, {"--tray", "--history", "--help"})
        for flag in flags - {"--help"}:
            self.assertIn(f"*LOCKSTEP_GUI_{flag.strip('-').upper()}*", self.scd("lockstep-gui.1"))
        self.check_flags("lockstep-gui.1", "\n".join(line for line in text.splitlines() if "help-all" not in line) + "\n  --help\n")

    def test_the_configuration_names_its_keys(self):
        tables = {"device": "[device]", "network": "[network]", "network.alternative": "[network.alternative]", "cache": "[cache]",
                  "keys": "[keys]", "api": "[api]", "log": "[log]", "log.levels": "[log.levels]", "vault": "[[vault]]", "vault.mount": "[[vault.mount]]", "vault.mirror": "[[vault.mirror]]"}
        page = self.scd("lockstep-config.5")
        sections = dict(re.findall(r"^# (\[.*?\])\n(.*?)(?=^# )", page, flags=re.M | re.S))
        self.assertEqual(set(sections), set(tables.values()))
        with tempfile.TemporaryDirectory(prefix="lockstep-manuals-") as home:
            Path(home, "config").mkdir()
            for heading in tables.values():
                # Within their vault, where there is one.
                before = "[[vault]]\n" if heading.startswith("[[vault.") else ""
                Path(home, "config/config.toml").write_text(f"{before}{heading}\nzzzzzzzz = 1\n")
                said = run(BIN / "lockstep", "config", "check", code=26, env={**os.environ, "LOCKSTEP_HOME": home})
                known = set(re.search(r"'zzzzzzzz'.*; known are (.*)", said)[1].split(", ")) - {"alternative"}
                told = {key for line in sections[heading].splitlines() if line.startswith("*") for key in re.findall(r"\*([a-z_]+)\*", line)}
                self.assertEqual(told, known, heading)


class EnvironmentTest(unittest.TestCase):
    """Every flag of every program has a variable that stands for it."""

    def run_with(self, words, **variables):
        environment = {**os.environ, "LOCKSTEP_HOME": "/nonexistent/lockstep", **variables}
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, env=environment, stdin=subprocess.DEVNULL)
        return done.returncode, done.stderr

    def test_of_each_verb(self):
        program, _ = verbs()
        seen = set()
        for words, text in program.all():
            listed = [line.strip().split() for line in text.splitlines() if re.match(r"  (-\w,)?--", line)]
            variables = {}
            for flag, *rest in listed:
                flag = flag.split(",")[-1]
                if flag == "--help":
                    continue
                takes_value = bool(rest) and re.fullmatch(r"[A-Z=|:.\[\]-]+", rest[0]) is not None
                variables["_".join(("LOCKSTEP", *words, flag[2:])).upper().replace("-", "_")] = "zzz" if takes_value else "true"
            self.assertEqual(seen & set(variables), set())
            seen |= set(variables)
            # A flag that no verb has is answered with the variables that were taken over.
            code, said = self.run_with([BIN / "lockstep", *words, "--zzzz"], **variables)
            self.assertEqual(code, 2)
            taken = re.search(r"flags that come from the environment: (.*)\n", said)
            self.assertEqual(set(taken[1].split(", ")), set(variables), f"{words}: {said}")
        self.assertGreater(len(seen), 150)
        for other in ("lockstepd", "lockstep-relay"):
            self.assertEqual(set(re.findall(r"LOCKSTEP_[A-Z_]+", run(BIN / other, "--help"))) & seen, set())

    def test_of_the_daemon_and_the_relay(self):
        for program, prefix in (("lockstepd", "LOCKSTEP"), ("lockstep-relay", "LOCKSTEP_RELAY")):
            for flag in flags_of_help(run(BIN / program, "--help")) - {"--help", "--version"}:
                variable = f"{prefix}_{flag[2:].upper().replace('-', '_')}"
                if variable in ("LOCKSTEP_METRICS_TOKEN_FILE", "LOCKSTEP_RELAY_CONFIG", "LOCKSTEP_RELAY_PATH_TOKEN_FILE"):
                    continue  # files: any name is one
                code, said = self.run_with([BIN / program], **{variable: "nonsense here"})
                self.assertEqual(code, 2, f"{variable}: {said}")
                self.assertIn(variable, said)

    def test_what_is_typed_wins_and_what_excludes_it_is_left_out(self):
        typed = [BIN / "lockstep", "vault", "unlock", "papers", "--passphrase-file", "/nonexistent/file"]
        for variables in ({"LOCKSTEP_VAULT_UNLOCK_PASSPHRASE_FILE": "/etc/hostname"}, {"LOCKSTEP_VAULT_UNLOCK_PASSPHRASE_STDIN": "true"}):
            code, said = self.run_with([*typed, "--zzzz"], **variables)
            self.assertEqual((code, "environment" in said), (2, False), said)
        code, said = self.run_with([BIN / "lockstep", "status"], LOCKSTEP_STATUS_JSON="perhaps")
        self.assertEqual((code, said), (2, "lockstep: LOCKSTEP_STATUS_JSON is true or false\n"))
        code, said = self.run_with([BIN / "lockstep", "status", "--zzzz"], LOCKSTEP_STATUS_JSON="false")
        self.assertNotIn("environment", said)


class CompletionTest(unittest.TestCase):
    def test_each_verb_is_completed_to_what_its_help_names(self):
        program, module = verbs()
        for words, text in program.all():
            self.assertEqual(set(complete(*words, "--")[1]), flags_of_help(text), words)
        for words in ((), ("vault",), ("device",), ("vault", "recovery")):
            below = {name for name, _ in module.sections_of(program.help(words))["Subcommands"]}
            self.assertEqual(set(complete(*words, "")[1]), below)

    def test_choices_and_values_are_offered_where_they_belong(self):
        self.assertEqual(complete("sta"), ("words", ["status"]))
        self.assertEqual(complete("invite", "papers", "--role", "w"), ("words", ["writer"]))
        self.assertEqual(complete("invite", "papers", "--role=w"), ("words", ["--role=writer"]))
        self.assertEqual(complete("conflicts", "resolve", "papers:a", "--keep", ""), ("words", ["mine", "theirs", "both", "this"]))
        self.assertEqual(complete("vault", "open", "/mn"), ("directories", []))
        self.assertEqual(complete("vault", "unlock", "papers", "--passphrase-file", ""), ("files", []))
        self.assertEqual(complete("nonsense", ""), ("words", []))
        self.assertEqual(complete("status", "papers", "more", ""), ("words", []))
        self.assertEqual(complete("completion", ""), ("words", ["bash", "zsh", "fish"]))


class ShellTest(unittest.TestCase):
    """The scripts in the shells they are for, with names that a daemon knows."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="lockstep-shells-")
        home = cls.home = Path(cls.directory.name)
        cls.environment = {**os.environ, "LOCKSTEP_HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"}
        notes = __import__("socket").socket(__import__("socket").AF_UNIX, __import__("socket").SOCK_DGRAM)
        notes.bind(str(home / "notify"))
        notes.settimeout(60)
        cls.daemon = subprocess.Popen([BIN / "lockstepd", "--no-mount"], env={**cls.environment, "NOTIFY_SOCKET": str(home / "notify")},
                                      stderr=subprocess.DEVNULL)
        assert notes.recv(100) == b"READY=1"
        notes.close()
        (home / "passphrase").write_text("correct horse\n")
        for name in ("papers", "my films"):
            run(BIN / "lockstep", "vault", "create", name, "--kdf-memory", "64", "--passphrase-file", home / "passphrase", env=cls.environment)
        for name in ("july.txt", "june letter.txt"):
            run(BIN / "lockstep", "put", f"papers:{name}", "-", env=cls.environment, input="bytes")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.terminate()
        cls.daemon.wait(60)
        cls.directory.cleanup()

    def complete_in(self, shell, line):
        script = self.home / f"completion.{shell}"
        script.write_text(run(BIN / "lockstep", "completion", shell, env=self.environment))
        if shell == "bash":
            # What readline hands over: words are split at COMP_WORDBREAKS.
            code = (f"source {script}; COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=(); rest=$COMP_LINE\n"
                    "while [[ $rest =~ ^[[:space:]]*([^[:space:]:=]+|[:=]+) ]]; do COMP_WORDS+=(\"${BASH_REMATCH[1]}\"); "
                    "rest=${rest:${#BASH_REMATCH[0]}}; done\n"
                    "[[ $COMP_LINE == *[[:space:]] ]] && COMP_WORDS+=('')\n"
                    "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lockstep; printf '%s\\n' \"${COMPREPLY[@]}\"")
            return run("bash", "--norc", "-c", code, env=self.environment).splitlines()
        if shell == "zsh":
            code = (f"compdef() {{ : }}; source {script}; compadd() {{ local -a f; eval \"f=(\\\"\\${{(@)${{@[-1]}}}}\\\")\"; "
                    "local w; for w in $f; do [[ $w == ${(Q)PREFIX}* ]] && print -r -- $w; done }; _files() { print files $@ }; compset() { : }; "
                    f"line={line!r}; words=(${{(z)line}}); [[ $line == *' ' ]] && words+=(''); CURRENT=$#words; PREFIX=$words[CURRENT]; _lockstep")
            return run("zsh", "-f", "-c", code, env=self.environment).splitlines()
        code = f"source {script}; complete -C {line!r}"
        return [word.split("\t")[0] for word in run("fish", "--no-config", "-c", code, env=self.environment).splitlines()]

    def test_verbs_vaults_and_paths(self):
        for shell in ("bash", "zsh", "fish"):
            if shutil.which(shell) is None:
                continue
            with self.subTest(shell):
                self.assertEqual(self.complete_in(shell, "lockstep vault unl"), ["unlock"])
                self.assertIn("papers", self.complete_in(shell, "lockstep vault show pap"))
                # Bash inserts at the last colon, and quotes by itself.
                whole = shell != "bash"
                self.assertEqual(self.complete_in(shell, "lockstep get papers:jul"), ["papers:july.txt" if whole else "july.txt"])
                june = self.complete_in(shell, "lockstep get papers:jun")
                self.assertEqual(june, ["papers:june letter.txt" if whole else "june\\ letter.txt"])
                self.assertEqual(self.complete_in(shell, "lockstep invite papers --role re")[0], "reader")

    def test_settings_and_devices(self):
        name = run(BIN / "lockstep", "config", "get", "device.name", env=self.environment).strip()
        for words, wanted in ((("config", "get", "network.alternative.h"), "network.alternative.hours"), (("undo", "papers", "--device", ""), name)):
            said = run(BIN / "lockstep", "complete", *words, env=self.environment)
            self.assertIn(wanted, said)


if __name__ == "__main__":
    BIN, SOURCE = Path(sys.argv.pop(1)).resolve(), Path(sys.argv.pop(1)).resolve()
    if shutil.which("scdoc") is None:
        print("scdoc is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
