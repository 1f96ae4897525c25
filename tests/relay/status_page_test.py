"""The relay's status page in headless Chromium: live numbers, charts, signing in, light and dark, and nothing loaded from elsewhere.

usage: status_page_test.py LOCKSTEP_RELAY; exit status 77 when Chromium or its driver is not installed
"""
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import lockstep_world  # noqa: E402

PATIENCE_S = 60
CHROMIUM_OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                    "--disable-background-networking", "--disable-component-update", "--window-size=1000,900"]


def wait_until(what, condition, *logs):
    try:
        lockstep_world.wait_until(what, condition, PATIENCE_S)
    except lockstep_world.Failure as failure:
        sys.exit(f"{failure}\n" + "\n".join(log.read_text(errors="replace") for log in logs))


@contextlib.contextmanager
def running(log, ready, *command):
    """A program from when its output has `ready` (a regular expression with one group); gives what the group matched."""
    with log.open("wb") as out:
        program = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        wait_until(f"{command[0]} runs", lambda: re.search(ready, log.read_text(errors="replace")), log)
        yield program, re.search(ready, log.read_text(errors="replace")).group(1)
    finally:
        program.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(10)
        program.kill()


class Browser:
    """One session over the WebDriver protocol."""

    def __init__(self, port, profile):
        self.base = f"http://127.0.0.1:{port}/session"
        options = {"binary": shutil.which("chromium"), "args": [*CHROMIUM_OPTIONS, f"--user-data-dir={profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.base += "/" + self.call("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent", selector)

    def type_into(self, selector, text):
        element = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(element.values()))}/value", {"text": text})

    def complaints(self):
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]


def brightness(color):
    def linear(value):
        value /= 255
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(number)) for number in re.findall(r"\d+", color)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted([brightness(one), brightness(other)])
    return (light + 0.05) / (dark + 0.05)


def tile(browser, name):
    return browser.run("return [...document.querySelectorAll('#tiles div')].find((tile) => "
                       "tile.firstChild.textContent === arguments[0])?.lastChild.textContent", name)


def check_live_numbers(browser, url, log):
    browser.open(f"{url}/status")
    wait_until("the page shows numbers", lambda: browser.text("#state") == "Serving", log)
    assert tile(browser, "Peers") == "0"
    query = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=6881"
    urllib.request.urlopen(f"{url}/announce?{query}", timeout=20).read()
    wait_until("the page counts the peer", lambda: tile(browser, "Peers") == "1", log)
    labels = "return [...document.querySelectorAll('#charts svg')].map((chart) => chart.getAttribute('aria-label'))"
    wait_until("all charts are drawn", lambda: all(browser.run(labels)), log)
    assert "Peers: now 1, at most 1 in the last ten minutes" in browser.run(labels), browser.run(labels)
    points = browser.run("return document.querySelectorAll('#charts .curve')[3].getAttribute('points').split(' ').length")
    assert points >= 2, points
    assert "announce" in browser.text("#answers-rows")


def check_isolation(browser, url):
    """Nothing from elsewhere, and no script but the page's own."""
    origins = browser.run("return performance.getEntriesByType('resource').map((one) => new URL(one.name).origin)")
    assert set(origins) == {url}, origins
    assert browser.complaints() == [], "the page itself breaks no rule"
    browser.run("const script = document.createElement('script'); script.textContent = 'window.broken = 1'; "
                "document.body.append(script); const image = new Image(); image.src = 'data:image/gif;base64,AAAA'; "
                "document.body.append(image); image.setAttribute('onclick', 'window.broken = 1'); image.click();")
    assert browser.run("return window.broken") is None
    assert any("Content Security Policy" in message for message in browser.complaints())


def check_for_everybody(browser):
    """Names for what is read aloud, and contrast in both colour schemes."""
    nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in nodes:
        if not node["ignored"]:
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert len(roles["image"]) == 4 and all(roles["image"]), roles.get("image")
    assert roles["heading"] == ["lockstep-relay", "Now", "The last ten minutes", "Answers since the start"], roles["heading"]
    assert "status" in roles and "main" in roles and "banner" in roles and "table" in roles, sorted(roles)
    pages = set()
    for scheme in ("light", "dark"):
        browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        color = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
        page = browser.run(color, "body", "backgroundColor")
        pages.add(page)
        for selector, ground, least in (("body", page, 4.5), ("#state", page, 4.5),
                                        ("dt", browser.run(color, "dl div", "backgroundColor"), 4.5),
                                        (".scale", browser.run(color, "figure", "backgroundColor"), 4.5)):
            ratio = contrast(browser.run(color, selector, "color"), ground)
            assert ratio >= least, f"{scheme}: {selector} has contrast {ratio:.1f}"
        stroke = browser.run("return getComputedStyle(document.querySelector('.curve')).stroke")
        assert contrast(stroke, browser.run(color, "figure", "backgroundColor")) >= 3, f"{scheme}: curves"
    assert len(pages) == 2, "light and dark differ"
    browser.devtools("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)
    assert browser.run("return document.documentElement.scrollWidth") <= 320, "a narrow screen scrolls sideways"
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def check_signing_in(browser, url, log):
    browser.open(f"{url}/status")
    wait_until("the page asks for a token", lambda: browser.text("#state") == "The numbers are for operators", log)
    assert browser.run("return document.getElementById('numbers').hidden")
    browser.type_into("#token", "wrong\n")
    wait_until("a wrong token is said to be", lambda: "not an operator" in browser.text("#state"), log)
    browser.type_into("#token", "boss-token\n")
    wait_until("the right one shows the numbers", lambda: browser.text("#state") == "Serving", log)
    assert browser.run("return document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"
    assert "boss-token" not in browser.run("return document.documentElement.outerHTML + location.href")


def main(relay):
    with tempfile.TemporaryDirectory(prefix="relay-status-", ignore_cleanup_errors=True) as directory, contextlib.ExitStack() as stack:
        root = Path(directory)
        listening = r" port ([0-9]+)"
        log = root / "relay.log"
        _, driver_port = stack.enter_context(running(root / "driver.log", r"successfully on port ([0-9]+)", "chromedriver", "--port=0"))
        browser = Browser(driver_port, root / "profile")
        stack.callback(lambda: browser.call("DELETE", ""))
        with running(log, listening, relay, "--listen", "127.0.0.1:0", "--access", "open-tracker") as (_, port):
            url = f"http://127.0.0.1:{port}"
            check_live_numbers(browser, url, log)
            check_for_everybody(browser)
            check_isolation(browser, url)
        wait_until("the page says that the relay is gone", lambda: browser.text("#state").startswith("No answer"), log)
        (root / "token").write_text("boss-token\n")
        (root / "relay.toml").write_text('metrics = "operators"\n[[tokens]]\nname = "boss"\nrights = ["operate"]\n'
                                         f'file = "{root}/token"\n')
        with running(log, listening, relay, "--config", root / "relay.toml", "--listen", "127.0.0.1:0") as (_, port):
            check_signing_in(browser, f"http://127.0.0.1:{port}", log)
    print("status page: good")


if __name__ == "__main__":
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        print("chromium or chromedriver is not installed: ./dev setup")
        sys.exit(77)
    main(sys.argv[1])
