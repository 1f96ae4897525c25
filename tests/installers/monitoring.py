"""What the tests of dashboards and alert rules share."""
import json
import re
import subprocess


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def names_in(prefix, text):
    """Metrics whose names begin with the prefix."""
    return set(re.findall(rf"\b{prefix}[a-z_]+", text))


def names_told(metrics):
    """Those that a /metrics tells."""
    return set(re.findall(r"^# TYPE (\S+)", metrics, flags=re.M))


def check_dashboard(file, prefix, known):
    """It is a board, shows every metric there is and no other. Returns its expressions by title."""
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
    shown = {name for panel in panels for target in panel["targets"] for name in names_in(prefix, target["expr"])}
    assert shown <= known, f"no such metrics: {shown - known}"
    unseen = known - shown - {f"{prefix}build_info"}
    assert not unseen, f"not on the dashboard: {unseen}"
    return [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]


def check_rules(rules, prefix, known):
    """promtool takes them and their test; they are about metrics that there are."""
    alerting = names_in(prefix, rules.read_text())
    assert alerting <= known, f"alerts on no such metrics: {alerting - known}"
    run("promtool", "check", "rules", rules)
    run("promtool", "test", "rules", rules.with_suffix(".test.yml"))


def check_expressions(expressions, scratch):
    """promtool parses what the dashboard asks, as if it were rules."""
    rules = [{"record": f"panel:{number}", "expr": expr.replace("$__rate_interval", "5m").replace("$", "")}
             for number, (_, expr) in enumerate(expressions)]
    (scratch / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    run("promtool", "check", "rules", scratch / "panels.yml")
