"""Container files as far as they can be judged without an engine: compose and kustomize read them, and they agree with the packages.

usage: containers_test.py LOCKSTEP_RELAY SOURCE_DIRECTORY; exit status 77 when neither docker-compose nor kubectl is installed
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

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


def check_compose(file, version):
    run("docker-compose", "-f", file, "config", "--quiet")
    services = yaml.safe_load(run("docker-compose", "-f", file, "config"))["services"]
    assert set(services) == {"relay", "device", "prometheus"}
    for name in ("relay", "device"):
        assert services[name]["image"].endswith(f":{version}") and services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
    for service in services.values():
        for volume in service["volumes"]:
            source = str(volume).split(":")[0] if isinstance(volume, str) else volume.get("source", "")
            assert not source.startswith("/") or Path(source).exists(), f"{source} is not there"


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
    check_dockerfile(installers / "containers/device.Dockerfile", "lockstep", "lockstepd", debian)
    missing = [tool for tool in ("docker-compose", "kubectl") if shutil.which(tool) is None or yaml is None]
    if "docker-compose" not in missing:
        check_compose(installers / "containers/compose.yml", version)
    if "kubectl" not in missing:
        with tempfile.TemporaryDirectory(prefix="lockstep-containers-") as scratch:
            for overlay in sorted((installers / "kubernetes/relay/overlays").iterdir()):
                check_overlay(relay, overlay, user, version, Path(scratch))
    print("good" if not missing else f"good, as far as it goes without {' and '.join(missing)}")
    sys.exit(77 if len(missing) == 2 else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
