"""lockstep-relay takes the tokens of a real OpenID provider (npm's oidc-provider), also after it has changed its keys.

usage: openid_provider_test.py LOCKSTEP_RELAY; exit status 77 when node or the provider is not installed (./dev setup does)
"""
import base64
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import lockstep_world  # noqa: E402

PATIENCE_S = 60
PROVIDER = Path(__file__).parent / "openid"
CONFIG = """
access = "token"
metrics = "operators"
[openid]
issuer = "http://127.0.0.1:{port}"
audience = "lockstep-relay"
rights = ["tracker", "tunnel"]
operator_claim = "groups"
operator_value = "relay-operators"
refresh_seconds = 10
"""


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(url, headers=(), data=None):
    """(status, body) of a GET, or of a POST of `data`."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, dict(headers)), timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextlib.contextmanager
def running(log, ready, *command):
    """A program whose output goes to `log`, from when it has said `ready`."""
    with log.open("wb") as out:
        program = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        wait_until(f"{command[0]} says '{ready}'", lambda: ready in log.read_text(errors="replace"), log)
        yield program
    finally:
        program.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(10)
        program.kill()


def wait_until(what, condition, *logs):
    try:
        lockstep_world.wait_until(what, condition, PATIENCE_S)
    except lockstep_world.Failure as failure:
        sys.exit(f"{failure}\n" + "\n".join(log.read_text(errors="replace") for log in logs))


def token(port, who, algorithm):
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "relay",
                                   "resource": f"urn:relay:{algorithm}"}).encode()
    basic = base64.b64encode(f"{who}:{who}-secret".encode()).decode()
    status, body = request(f"http://127.0.0.1:{port}/token", {"Authorization": f"Basic {basic}"}, form)
    assert status == 200, body
    text = json.loads(body)["access_token"]
    header = json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "=="))
    assert header["alg"] == algorithm, header
    return text


def main(relay):
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="relay-openid-") as directory:
        root = Path(directory)
        (root / "relay.toml").write_text(CONFIG.format(port=port))
        relay_log, provider_log = root / "relay.log", root / "provider.log"
        provider = ("node", PROVIDER / "provider.mjs", port)
        with running(relay_log, " port ", relay, "--config", root / "relay.toml", "--listen", "127.0.0.1:0"):
            url = f"http://127.0.0.1:{re.search(r' port ([0-9]+)', relay_log.read_text()).group(1)}"

            def peers(text):
                return request(f"{url}/v1/peers", {"Authorization": f"Bearer {text}"})[0]

            with running(provider_log, "ready", *provider, "first"):
                boss = token(port, "boss", "RS256")
                # The relay was there before its provider: it asks again.
                wait_until("the relay knows the keys", lambda: peers(boss) == 200, relay_log)
                for algorithm in ("RS256", "ES256", "EdDSA"):
                    assert peers(token(port, "boss", algorithm)) == 200, algorithm
                    assert peers(token(port, "alice", algorithm)) == 401, f"alice is no operator ({algorithm})"
                cut = boss[:-8] + ("A" * 8 if boss[-8:] != "A" * 8 else "B" * 8)
                assert peers(cut) == 401
                print("tokens of three algorithms: good")
            with running(provider_log, "ready", *provider, "second"):
                new = token(port, "boss", "ES256")
                wait_until("the relay knows the new keys", lambda: peers(new) == 200, relay_log)
                assert peers(boss) == 401, "a key that was taken back"
                print("changed keys: good")
            assert b"result=\"fetched\"" in request(f"{url}/metrics", {"Authorization": f"Bearer {new}"})[1]
            log = relay_log.read_text()
            assert "alice" not in log and boss not in log, "the log names people or tokens"


if __name__ == "__main__":
    if shutil.which("node") is None or not (PROVIDER / "node_modules/oidc-provider").is_dir():
        print("node or its oidc-provider is not installed: ./dev setup")
        sys.exit(77)
    main(sys.argv[1])
