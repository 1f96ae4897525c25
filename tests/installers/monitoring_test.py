"""The daemon's alert rules and dashboard are about the metrics that it tells, over TCP as Prometheus asks; and a Prometheus
with the settings of containers/ finds relay and daemon well.

usage: monitoring_test.py BIN_DIRECTORY SOURCE_DIRECTORY; exit status 77 without promtool
"""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import monitoring  # noqa: E402
from lockstep_world import wait_until  # noqa: E402


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ask(port, token, daemon):
    """The metrics, as soon as it answers."""
    def metrics():
        assert daemon.poll() is None, "lockstepd has ended"
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics",
                                         headers={"Authorization": f"Bearer {token.read_text().strip()}"})
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.read().decode()
    return wait_until("lockstepd answers", metrics, 60)


def metrics_of(programs):
    with tempfile.TemporaryDirectory(prefix="lockstep-monitoring-") as home:
        port = free_port()
        Path(home, "config").mkdir()
        Path(home, "config/config.toml").write_text(f'[network]\nlan_discovery = false\n[api]\nlisten = "127.0.0.1:{port}"\n')
        with subprocess.Popen([programs / "lockstepd", "--no-mount"], stderr=subprocess.DEVNULL,
                              env={**os.environ, "LOCKSTEP_HOME": home}) as daemon:
            try:
                return ask(port, Path(home, "state/api.token"), daemon)
            finally:
                daemon.terminate()


def await_targets(port, processes):
    """What Prometheus says of the jobs, as soon as it has asked all of them."""
    def asked():
        assert all(process.poll() is None for process in processes), "one of them has ended"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets", timeout=20) as response:
            targets = json.load(response)["data"]["activeTargets"]
        if not targets or any(target["health"] == "unknown" for target in targets):
            return None
        return {target["labels"]["job"]: (target["health"], target["lastError"]) for target in targets}
    return wait_until("all were asked", asked, 90)


def watch(programs, source, token):
    """The health of each job, with the settings of the compose file, but ports and files of this test."""
    containers = source / "installers/containers"
    relay_port, api_port, own_port = (free_port() for _ in range(3))
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lockstep-monitoring-")))
        (home / "secret").write_text("t" * 64 + "\n")
        (home / "shown").write_text(token + "\n")
        settings = (containers / "relay.toml").read_text().replace("0.0.0.0:6970", f"127.0.0.1:{relay_port}")
        settings = settings.replace("/run/secrets/metrics-token", f"{home}/secret").replace("/var/lib/lockstep-relay", str(home))
        (home / "relay.toml").write_text(settings)
        settings = (containers / "prometheus.yml").read_text().replace("relay:6970", f"127.0.0.1:{relay_port}")
        settings = settings.replace("127.0.0.1:6980", f"127.0.0.1:{api_port}").replace("/run/secrets/metrics-token", f"{home}/shown")
        (home / "prometheus.yml").write_text(settings.replace("scrape_interval: 30s", "scrape_interval: 1s"))
        for rules in re.findall(r"\S+\.rules\.yml", settings):
            shutil.copy(source / "installers/prometheus" / rules, home)

        def start(*command, **environment):
            process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env={**os.environ, **environment})
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
            return process
        relay = start(programs / "lockstep-relay", "--config", home / "relay.toml")
        daemon = start(programs / "lockstepd", LOCKSTEP_HOME=str(home / "device"), LOCKSTEP_NO_MOUNT="true",
                       LOCKSTEP_API_LISTEN=f"127.0.0.1:{api_port}", LOCKSTEP_METRICS_TOKEN_FILE=str(home / "secret"))
        # Each answers before it is asked, so that the first word on it is the last.
        await_port(relay_port, relay)
        await_port(api_port, daemon)
        watcher = start("prometheus", f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/prometheus",
                        f"--web.listen-address=127.0.0.1:{own_port}")
        return await_targets(own_port, (relay, daemon, watcher))


def await_port(port, process):
    def answers():
        assert process.poll() is None, f"who was to answer at port {port} has ended"
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    wait_until(f"somebody answers at port {port}", answers, 60)


def check_watching(programs, source):
    told = watch(programs, source, "t" * 64)
    assert told == {"lockstepd": ("up", ""), "lockstep-relay": ("up", "")}, told
    # Who shows another token is told nothing, so that the test above can fail.
    told = watch(programs, source, "u" * 64)
    assert {health for health, _ in told.values()} == {"down"} and all("401" in why for _, why in told.values()), told


def main(programs, source):
    if shutil.which("promtool") is None:
        print("promtool is not installed")
        sys.exit(77)
    known = monitoring.names_told(metrics_of(programs))
    assert len(known) > 20, known
    expressions = monitoring.check_dashboard(source / "installers/grafana/lockstepd.json", "lockstepd_", known)
    monitoring.check_rules(source / "installers/prometheus/lockstepd.rules.yml", "lockstepd_", known)
    with tempfile.TemporaryDirectory(prefix="lockstep-monitoring-") as scratch:
        monitoring.check_expressions(expressions, Path(scratch))
    if shutil.which("prometheus") is not None:
        check_watching(programs, source)
    print(f"good: {len(known)} metrics")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
