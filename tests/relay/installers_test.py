"""What an operator installs beside the relay is good: unit, example file, alert rules, dashboard.

usage: installers_test.py LOCKSTEP_RELAY SOURCE_DIRECTORY; exit status 77 when neither systemd-analyze nor promtool is installed
"""
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "installers"))
import monitoring  # noqa: E402
from monitoring import run  # noqa: E402

EXPOSURE_TENTHS_MAX = 20  # of systemd-analyze security: 2.0
PREFIX = "lockstep_relay_"


def check_unit(relay, unit, scratch):
    copy = scratch / unit.name
    copy.write_text(unit.read_text().replace("/usr/bin/lockstep-relay", str(relay)))
    said = run("systemd-analyze", "verify", "--man=no", copy)
    assert said == "", said
    run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_TENTHS_MAX}", copy)


def check_example(relay, example, scratch):
    """The example is good as it stands, and with everything in it in force."""
    run(relay, "check-config", example)
    text = re.sub(r"^#(?=\[|[a-z_]+ = )", "", example.read_text(), flags=re.M)
    assert "[openid]" in text and "[[tokens]]" in text and "listen_plain" in text
    (scratch / "operator.token").write_text("secret\n")
    (scratch / "all.toml").write_text(text.replace("/etc/lockstep-relay/", f"{scratch}/"))
    run(relay, "check-config", scratch / "all.toml")


def metrics_of(relay):
    """The names that /metrics tells; those that depend on settings are named here."""
    with subprocess.Popen([relay, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True) as program:
        port = re.search(r" port ([0-9]+)", program.stderr.readline()).group(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as response:
            text = response.read().decode()
        program.terminate()
    return monitoring.names_told(text) | {"lockstep_relay_certificate_end_timestamp_seconds"}


def main(relay, source):
    installers, known = source / "installers", metrics_of(relay)
    rules = installers / "prometheus/lockstep-relay.rules.yml"
    with tempfile.TemporaryDirectory(prefix="relay-installers-") as directory:
        scratch = Path(directory)
        check_example(relay, installers / "relay/relay.toml", scratch)
        expressions = monitoring.check_dashboard(installers / "grafana/lockstep-relay.json", PREFIX, known)
        if shutil.which("systemd-analyze"):
            check_unit(relay, installers / "systemd/lockstep-relay.service", scratch)
        if shutil.which("promtool"):
            monitoring.check_rules(rules, PREFIX, known)
            monitoring.check_expressions(expressions, scratch)
    missing = [tool for tool in ("systemd-analyze", "promtool") if shutil.which(tool) is None]
    print("good" if not missing else f"good, as far as it goes without {' and '.join(missing)}")
    sys.exit(77 if len(missing) == 2 else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
