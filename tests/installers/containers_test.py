"""Container files as far as they can be judged without an engine: compose and kustomize read them, and they agree with the packages.

usage: containers_test.py LOCKSTEP_RELAY SOURCE_DIRECTORY; exit status 77 when neither docker-compose nor kubectl is installed
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from lockstep_world import World, why_no_mounts  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def check_dockerfile(file, package, program, debian):
    text = re.sub(r"\\\n", " ", file.read_text())
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    words = {}
    for name, value in lines:
        words.setdefault(name, []).append(value)
    assert set(words) <= {"FROM", "COPY", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}, words.keys()
    assert words["FROM"] == ["debian:12-slim"] and len(words["ENTRYPOINT"]) == 1
    assert f"build/package/{package}_" in words["COPY"][0] and f"Package: {package}\n" in (debian / "control").read_text()
    assert f'["/usr/bin/{program}"]' == words["ENTRYPOINT"][0] and f"usr/bin/{program}\n" in (debian / f"{package}.install").read_text()
    user = int(words["USER"][0].split(":")[0])
    assert user > 0 and f"install -d -o {user} -g {user} -m 0700 {words['VOLUME'][0]}" in words["RUN"][0], "the volume is not the user's"
    return user


def check_compose(file, version, names, ours):
    run("docker-compose", "-f", file, "config", "--quiet")
    services = yaml.safe_load(run("docker-compose", "-f", file, "config"))["services"]
    assert set(services) == names
    for name in ours:
        assert services[name]["image"].endswith(f":{version}") and services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
    for service in services.values():
        for volume in service["volumes"]:
            source = str(volume).split(":")[0] if isinstance(volume, str) else volume.get("source", "")
            assert not source.startswith("/") or Path(source).exists(), f"{source} is not there"
    return services


def gib(text):
    """Of "60Gi" and "50GiB" alike."""
    return int(re.fullmatch(r"(\d+)GiB?", text)[1])


def check_joining(command, dockerfile, file_of_ticket):
    """The command is in the image, reads the ticket that is there, and its flags are those of `lockstep join`."""
    assert f"join-once {command[0]}\n" in dockerfile.read_text() and command[1] == file_of_ticket
    assert command[2] == "--quota" and gib(command[3]) > 0 and len(command) == 4


def check_promtool(settings, rules, scratch):
    """Prometheus takes the settings, with the rules where they are mounted and a token."""
    if shutil.which("promtool") is None:
        return
    (scratch / "token").write_text("t" * 64)
    text = re.sub(r"(credentials_file: )\S+", rf"\1{scratch}/token", settings)
    named = re.findall(r"^  - (\S+\.rules\.yml)$", text, flags=re.M)
    assert {Path(name).name for name in named} == set(rules), f"{named} and {set(rules)}"
    for name in named:
        (scratch / Path(name).name).write_text(rules[Path(name).name])
        text = text.replace(name, Path(name).name)
    (scratch / "prometheus.yml").write_text(text)
    run("promtool", "check", "config", scratch / "prometheus.yml")


def jobs_of(settings):
    return {job["job_name"]: job for job in yaml.safe_load(settings)["scrape_configs"]}


def check_watching(services, containers, installers, relay, scratch):
    """In the compose file, Prometheus finds relay and device, both know its token, and it has the rules for both."""
    secret = "/run/secrets/metrics-token"
    blind, watcher = services["blind"], services["prometheus"]
    for name in ("relay", "blind", "prometheus"):
        assert [one["source"] for one in services[name]["secrets"]] == ["metrics-token"], name
    settings = (containers / "prometheus.yml").read_text()
    jobs = jobs_of(settings)
    assert all(job["authorization"]["credentials_file"] == secret for job in jobs.values())
    # What is served on a loopback is asked for from there.
    assert watcher["network_mode"] == "service:blind" and blind["environment"]["LOCKSTEP_METRICS_TOKEN_FILE"] == secret
    assert jobs["lockstepd"]["static_configs"][0]["targets"] == [blind["environment"]["LOCKSTEP_API_LISTEN"]]
    toml = (containers / "relay.toml").read_text()
    port, = re.findall(r'listen = \["0\.0\.0\.0:(\d+)"\]', toml)
    assert jobs["lockstep-relay"]["static_configs"][0]["targets"] == [f"relay:{port}"]
    assert f'file = "{secret}"' in toml and 'rights = ["operate"]' in toml and 'metrics = "operators"' in toml
    (scratch / "token").write_text("t" * 64)
    (scratch / "relay.toml").write_text(toml.replace(secret, f"{scratch}/token"))
    run(relay, "check-config", scratch / "relay.toml")
    mounted = [str(volume).split(":")[:2] for volume in watcher["volumes"]]
    rules = {Path(there).name: Path(here).read_text() for here, there in mounted if there.endswith(".rules.yml")}
    assert ["/etc/prometheus/prometheus.yml"] == [there for here, there in mounted if here.endswith("/prometheus.yml")]
    check_promtool(settings, rules, scratch)


def check_watched_pod(objects, pod, scratch):
    """Beside the blind member is a Prometheus that asks for its figures with the same token."""
    blind, watcher = pod["containers"]
    variables = {one["name"]: one["value"] for one in blind["env"]}
    places = [{mount["name"]: mount["mountPath"] for mount in one["volumeMounts"]} for one in (blind, watcher)]
    token = f"{places[0]['metrics-token']}/token"
    assert variables["LOCKSTEP_METRICS_TOKEN_FILE"] == token and places[1]["metrics-token"] == places[0]["metrics-token"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    maps = {name: objects[("ConfigMap", volumes[name]["configMap"]["name"])]["data"] for name in ("prometheus-settings", "prometheus-rules")}
    settings = maps["prometheus-settings"]["prometheus.yml"]
    assert f"--config.file={places[1]['prometheus-settings']}/prometheus.yml" in watcher["args"]
    assert f"--storage.tsdb.path={places[1]['prometheus']}" in watcher["args"]
    job = jobs_of(settings)["lockstepd"]
    assert job["static_configs"][0]["targets"] == [variables["LOCKSTEP_API_LISTEN"]]
    assert job["authorization"]["credentials_file"] == token
    rule, = yaml.safe_load(settings)["rule_files"]
    assert rule == f"{places[1]['prometheus-rules']}/lockstepd.rules.yml"
    check_promtool(settings, maps["prometheus-rules"], scratch)
    service, = objects[("Service", "lockstep-blind-metrics")]["spec"]["ports"]
    assert service["targetPort"] == "prometheus" in {port["name"] for port in watcher["ports"]}
    assert "type" not in objects[("Service", "lockstep-blind-metrics")]["spec"], "figures are for the cluster alone"
    (_, allowed) = objects[("NetworkPolicy", "lockstep-blind")]["spec"]["ingress"]
    assert allowed["ports"] == [{"port": "prometheus"}] and allowed["from"]
    assert watcher["securityContext"] == blind["securityContext"]


def check_blind_overlay(directory, dockerfile, user, version, scratch):
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(run("kubectl", "kustomize", directory))}
    assert all(one["metadata"].get("namespace") == "lockstep" for (kind, _), one in objects.items() if kind != "Namespace")
    stateful, service = objects[("StatefulSet", "lockstep-blind")], objects[("Service", "lockstep-blind")]
    policy = objects[("NetworkPolicy", "lockstep-blind")]
    pod, labels = stateful["spec"]["template"]["spec"], stateful["spec"]["template"]["metadata"]["labels"]
    for selector in (stateful["spec"]["selector"]["matchLabels"], service["spec"]["selector"], policy["spec"]["podSelector"]["matchLabels"]):
        assert selector and selector.items() <= labels.items(), f"{selector} does not select {labels}"
    check_watched_pod(objects, pod, scratch)
    container = pod["containers"][0]
    assert container["image"] == f"lockstep-device:{version}" and pod["securityContext"]["runAsUser"] == user
    # Others are told the port that the daemon listens on: it must lead here from everywhere.
    port, = service["spec"]["ports"]
    listens = {int(one["value"]) for one in container["env"] if one["name"] == "LOCKSTEP_LISTEN_PORT"}
    assert listens == {port["port"], port.get("nodePort", port["port"]), *(one["containerPort"] for one in container["ports"])}, listens
    there = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in stateful["spec"]["volumeClaimTemplates"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    others = {mount["name"] for mount in pod["containers"][1]["volumeMounts"]}
    assert set(mounts) <= there == set(mounts) | others and f"VOLUME {mounts['device']}\n" in dockerfile.read_text()
    joining = container["lifecycle"]["postStart"]["exec"]["command"]
    check_joining(joining, dockerfile, f"{mounts['ticket']}/ticket")
    assert gib(joining[3]) < gib(stateful["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"])
    assert pod["terminationGracePeriodSeconds"] > 20


def check_join_once(bin_directory, script):
    """With a real daemon as in the container, and a device that invites it."""
    environment = {"PATH": f"{bin_directory}:{os.environ['PATH']}"}

    def join(device, ticket):
        done = subprocess.run([script, ticket, "--quota", "50GiB"], capture_output=True, text=True, timeout=180,
                              env={**os.environ, **environment, **device.environment}, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    with World(wants_namespaces=False, wants_relay=True, prefix="lockstep-containers-", bin_directory=bin_directory) as world:
        laptop, server = world.add_device("laptop"), world.add_device("server")
        laptop.create("papers")
        ticket = world.directory / "ticket"
        code, said = join(server, ticket)
        assert code == 1 and "there is no ticket" in said, said
        ticket.write_text(laptop.invite("papers", role="blind") + "\n")
        code, said = join(server, ticket)
        assert code == 0, said
        vault, = json.loads(server.call("status", "--json").stdout)["vaults"]
        assert (vault["role"], vault["quotaBytes"]) == ("blind", 50 << 30), vault
        # A container that starts again has the used ticket, or none.
        server.kill()
        server.start()
        assert join(server, ticket) == (0, "join-once: this device has a vault\n")
        ticket.unlink()
        assert join(server, ticket)[0] == 0


def check_overlay(relay, directory, user, version, scratch):
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(run("kubectl", "kustomize", directory))}
    namespace = objects[("Namespace", "lockstep")]["metadata"]["name"]
    stateful = objects[("StatefulSet", "lockstep-relay")]
    pod, labels = stateful["spec"]["template"]["spec"], stateful["spec"]["template"]["metadata"]["labels"]
    service, policy = objects[("Service", "lockstep-relay")], objects[("NetworkPolicy", "lockstep-relay")]
    for selector in (stateful["spec"]["selector"]["matchLabels"], service["spec"]["selector"], policy["spec"]["podSelector"]["matchLabels"]):
        assert selector and selector.items() <= labels.items(), f"{selector} does not select {labels}"
    assert all(one["metadata"].get("namespace") == namespace for (kind, _), one in objects.items() if kind != "Namespace")
    container, = pod["containers"]
    assert container["image"] == f"lockstep-relay:{version}" and pod["securityContext"]["runAsUser"] == user
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    assert all(port["targetPort"] in ports for port in service["spec"]["ports"]) and len(service["spec"]["ports"]) == 1
    # What is mounted is there, and the settings are good and serve where the ports say.
    there = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in stateful["spec"]["volumeClaimTemplates"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == there
    settings = objects[("ConfigMap", next(volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume))]["data"]["relay.toml"]
    (scratch / "relay.toml").write_text(settings)
    run(relay, "check-config", scratch / "relay.toml")
    assert {int(port) for port in re.findall(r'"[\d.]+:(\d+)"', settings)} == set(ports.values())
    grace, drain = pod["terminationGracePeriodSeconds"], int(re.search(r"drain_seconds = (\d+)", settings)[1])
    assert grace > drain and f'directory = "/var/lib/lockstep-relay/mailbox"' in settings


def main(relay, source):
    installers, debian = source / "installers", source / "debian"
    version = re.match(r"lockstep \((.*?)\)", (debian / "changelog").read_text())[1]
    user = check_dockerfile(installers / "containers/relay.Dockerfile", "lockstep-relay", "lockstep-relay", debian)
    device = installers / "containers/device.Dockerfile"
    device_user = check_dockerfile(device, "lockstep", "lockstepd", debian)
    missing = [tool for tool in ("docker-compose", "kubectl") if shutil.which(tool) is None or yaml is None]
    if "docker-compose" not in missing:
        with tempfile.TemporaryDirectory(prefix="lockstep-containers-") as scratch:
            # Where the file says that ticket and token are to be put.
            shutil.copytree(installers, Path(scratch, "installers"))
            containers = Path(scratch, "installers/containers")
            for secret in ("ticket", "metrics-token"):
                (containers / secret).write_text("...\n")
            services = check_compose(containers / "compose.yml", version, {"relay", "blind", "join", "prometheus"}, ("relay", "blind", "join"))
            check_watching(services, containers, installers, relay, Path(scratch))
        check_joining([*services["join"]["entrypoint"], *services["join"]["command"]], device, "/run/secrets/ticket")
    if "kubectl" not in missing:
        with tempfile.TemporaryDirectory(prefix="lockstep-containers-") as scratch:
            for overlay in sorted((installers / "kubernetes/relay/overlays").iterdir()):
                check_overlay(relay, overlay, user, version, Path(scratch))
            for overlay in sorted((installers / "kubernetes/blind/overlays").iterdir()):
                check_blind_overlay(overlay, device, device_user, version, Path(scratch))
    if not why_no_mounts():
        check_join_once(relay.parent, installers / "containers/join-once")
    print("good" if not missing else f"good, as far as it goes without {' and '.join(missing)}")
    sys.exit(77 if len(missing) == 2 else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
