"""The daemon's alert rules and dashboard are about the metrics that it tells, over TCP as Prometheus asks.

usage: monitoring_test.py BIN_DIRECTORY SOURCE_DIRECTORY; exit status 77 without promtool
"""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import monitoring


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ask(port, token, daemon):
    """The metrics, as soon as it answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end and daemon.poll() is None:
        with contextlib.suppress(OSError):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics",
                                             headers={"Authorization": f"Bearer {token.read_text().strip()}"})
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.read().decode()
        time.sleep(0.02)
    raise AssertionError("lockstepd does not answer")


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
    print(f"good: {len(known)} metrics")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
