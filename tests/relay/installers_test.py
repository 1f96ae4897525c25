"""What an operator installs beside the relay is good: unit, example file, alert rules, dashboard.

usage: installers_test.py LOCKSTEP_RELAY SOURCE_DIRECTORY; exit status 77 when neither systemd-analyze nor promtool is installed
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

EXPOSURE_TENTHS_MAX = 20  # of systemd-analyze security: 2.0
METRIC = re.compile(r"\blockstep_relay_[a-z_]+")


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


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
    return set(re.findall(r"^# TYPE (\S+)", text, flags=re.M)) | {"lockstep_relay_certificate_end_timestamp_seconds"}


def check_dashboard(file, known):
    board = json.loads(file.read_text())
    for key in ("title", "uid", "schemaVersion", "panels", "templating", "time"):
        assert key in board, key
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, f"{panel['title']} lies over another panel"
        taken |= cells
        assert panel["title"] and panel["targets"] and panel["type"] in ("stat", "timeseries")
    variables = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z_]+)", file.read_text()))
    assert used - {"__rate_interval", "__all"} == variables, f"{used} and {variables}"
    shown = {name for panel in panels for target in panel["targets"] for name in METRIC.findall(target["expr"])}
    assert shown <= known, f"no such metrics: {shown - known}"
    unseen = known - shown - {"lockstep_relay_build_info"}
    assert not unseen, f"not on the dashboard: {unseen}"
    return [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]


def check_expressions(expressions, scratch):
    """promtool parses what the dashboard asks, as if it were rules."""
    rules = [{"record": f"panel:{number}", "expr": expr.replace("$__rate_interval", "5m").replace("$", "")}
             for number, (_, expr) in enumerate(expressions)]
    (scratch / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    run("promtool", "check", "rules", scratch / "panels.yml")


def main(relay, source):
    installers, known = source / "installers", metrics_of(relay)
    rules = installers / "prometheus/lockstep-relay.rules.yml"
    alerting = set(METRIC.findall(rules.read_text()))
    assert alerting <= known, f"alerts on no such metrics: {alerting - known}"
    with tempfile.TemporaryDirectory(prefix="relay-installers-") as directory:
        scratch = Path(directory)
        check_example(relay, installers / "relay/relay.toml", scratch)
        expressions = check_dashboard(installers / "grafana/lockstep-relay.json", known)
        if shutil.which("systemd-analyze"):
            check_unit(relay, installers / "systemd/lockstep-relay.service", scratch)
        if shutil.which("promtool"):
            run("promtool", "check", "rules", rules)
            run("promtool", "test", "rules", rules.with_suffix(".test.yml"))
            check_expressions(expressions, scratch)
    missing = [tool for tool in ("systemd-analyze", "promtool") if shutil.which(tool) is None]
    print("good" if not missing else f"good, as far as it goes without {' and '.join(missing)}")
    sys.exit(77 if len(missing) == 2 else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
