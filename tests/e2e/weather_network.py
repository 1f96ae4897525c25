"""Namespaces with bad weather: loss, slow uplinks, partitions, devices behind NAT. Needs root and nftables."""
import shutil

from lockstep_world import Failure, Namespaces, run


def why_no_weather():
    """Why this machine can make none, as a sentence; empty when it can."""
    for program in ("nft", "tc", "nsenter"):
        if not shutil.which(program):
            return f"{program} is not installed (./dev setup)"
    try:
        network = WeatherNetwork()
        try:
            network.add("probe")
            network.set_loss("probe", 0.5)
            network.set_uplink("probe", 1.0)
        finally:
            network.close()
    except Failure as failure:
        return f"this system makes no weather ({failure})"
    return ""


class WeatherNetwork(Namespaces):
    """Parties on one bridge; those named in `behind_nat` have a router of their own before them, which lets
    nobody in who was not called first."""

    def __init__(self, behind_nat=()):
        self.behind_nat = set(behind_nat)
        self.loss, self.groups = {}, []
        super().__init__()

    # ---- who is where

    def add(self, name):
        if name not in self.behind_nat:
            return super().add(name)
        router, inside = f"{name}-nat", f"{self.tag}-{name}"
        super().add(router)
        self.names[name] = self.names[router]
        self._add_namespace(inside)
        outside, subnet = f"{self.tag}-{router}", f"10.215.{self.names[name]}"
        run(["ip", "-n", outside, "link", "add", "inside", "type", "veth", "peer", "name", "eth0", "netns", inside])
        run(["ip", "-n", outside, "addr", "add", f"{subnet}.1/24", "dev", "inside"])
        run(["ip", "-n", outside, "link", "set", "inside", "up"])
        run(["ip", "-n", inside, "addr", "add", f"{subnet}.2/24", "dev", "eth0"])
        run(["ip", "-n", inside, "link", "set", "eth0", "up"])
        run(["ip", "-n", inside, "route", "add", "default", "via", f"{subnet}.1"])
        run([*self.enter(router), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
        self._filter(router, """
            table ip nat {
                chain out {
                    type nat hook postrouting priority srcnat
                    oifname "eth0" masquerade
                }
            }
            table ip gate {
                chain forward {
                    type filter hook forward priority filter
                    ct state established,related accept
                    iifname "inside" accept
                    drop
                }
            }""")

    def let_in(self, name, port):
        """Its router passes this port on from now on."""
        self._filter(f"{name}-nat", f"""
            table ip door {{
                chain into {{
                    type nat hook prerouting priority dstnat
                    iifname "eth0" tcp dport {port} dnat to 10.215.{self.names[name]}.2
                }}
            }}
            insert rule ip gate forward ct status dnat accept""")

    def keep_out(self, name):
        """The router forgets what let_in() said, and connections that came that way."""
        self._filter(f"{name}-nat", "delete table ip door\ninsert rule ip gate forward ct status dnat drop")

    def _filter(self, name, rules):
        run([*self.enter(name), "nft", "-f", "-"], input=rules)

    # ---- weather

    def set_loss(self, name, share):
        """This share of a party's packets is lost, each way."""
        self.loss[name] = share
        self._apply(name)

    def part(self, groups):
        """Only parties of one group hear each other; whoever is in none hears nobody. []: all hear all."""
        self.groups = [set(group) for group in groups]
        for name in self.parties():
            self._apply(name)

    def set_uplink(self, name, mbit):
        """How fast a party can send; None: as fast as it can."""
        device = [*self.enter(name), "tc", "qdisc"]
        if mbit is None:
            run([*device, "del", "dev", "eth0", "root"], check=False)
        else:
            run([*device, "replace", "dev", "eth0", "root", "tbf", "rate", f"{int(mbit * 1000)}kbit", "burst", "64kb",
                 "latency", "300ms"])

    def clear(self):
        """Fair weather everywhere."""
        self.loss = {}
        self.part([])
        for name in self.parties():
            self.set_uplink(name, None)

    def parties(self):
        return [name for name in self.names if not name.endswith("-nat")]

    def hears(self, name, other):
        return not self.groups or any(name in group and other in group for group in self.groups)

    def _apply(self, name):
        rules = []
        silent = [self.address(other) for other in self.parties() if other != name and not self.hears(name, other)]
        if silent:
            rules.append(f"ip saddr {{ {', '.join(silent)} }} drop")
        if share := self.loss.get(name, 0):
            rules.append(f"numgen random mod 1000 < {max(1, round(share * 1000))} drop")
        both = "\n".join(f'iifname "eth0" {rule}' for rule in rules)
        out = "\n".join(f'oifname "eth0" {rule.replace("saddr", "daddr")}' for rule in rules)
        self._filter(name, f"""
            table ip weather
            delete table ip weather
            table ip weather {{
                chain in {{
                    type filter hook input priority filter
                    {both}
                }}
                chain out {{
                    type filter hook output priority filter
                    {out}
                }}
            }}""")
