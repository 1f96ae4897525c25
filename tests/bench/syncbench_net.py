"""Networks for syncbench: one namespace per device, shaped and metered."""
import collections, contextlib, fcntl, os, random, re, select, struct, subprocess, time

MIB = 1 << 20


def sh(*cmd, check=True):
    p = subprocess.run([str(c) for c in cmd], capture_output=True, text=True)
    if check and p.returncode:
        raise RuntimeError(f"{' '.join(map(str, cmd))}: {p.stderr.strip() or p.stdout.strip()}")
    return p


class Net:
    """N addresses; as root one namespace each. Delay and loss come from netem, else from a relay on TUN devices."""

    def __init__(self, n, netns, mbit, rtt, loss):
        self.n, self.netns, self.tag = n, netns, f"sb{os.getpid() % 10000}"
        self.addr = [f"10.213.0.{i + 1}" if netns else f"127.0.0.{i + 1}" for i in range(n)]
        self.names, self.relay = [f"{self.tag}-{i}" for i in range(n)], None
        self.shaper = "none"
        if not netns:
            return
        hub = self.tag + "-hub"
        self.names.append(hub)
        try:
            for ns in self.names:
                sh("ip", "netns", "add", ns)
                sh("ip", "-n", ns, "link", "set", "lo", "up")
            sh("ip", "-n", hub, "link", "add", "br0", "type", "bridge")
            sh("ip", "-n", hub, "link", "set", "br0", "up")
            tun = False
            if rtt or loss:
                probe = sh("tc", "-n", hub, "qdisc", "add", "dev", "br0", "root", "netem", "delay", "1ms", check=False)
                tun = probe.returncode != 0
                sh("tc", "-n", hub, "qdisc", "del", "dev", "br0", "root", check=False)
                self.shaper = "tun relay" if tun else "netem"
            fds = [self.open_tun(i, not loss) for i in range(n)] if tun else []
            for i in range(n):
                ns = self.names[i]
                if not tun:
                    sh("ip", "-n", hub, "link", "add", f"p{i}", "type", "veth", "peer", "name", "eth0", "netns", ns)
                    sh("ip", "-n", hub, "link", "set", f"p{i}", "master", "br0", "up")
                    if rtt or loss:
                        sh("tc", "-n", hub, "qdisc", "add", "dev", f"p{i}", "root", "netem", "limit", 50000,
                           "delay", f"{rtt / 2}ms", "loss", f"{loss}%")
                sh("ip", "-n", ns, "addr", "add", self.addr[i] + "/24", "dev", "eth0")
                sh("ip", "-n", ns, "link", "set", "eth0", "up")
                if mbit:
                    self.limit(i, mbit)
            if tun:
                r, self.pipe = os.pipe()
                self.relay = os.fork()
                if self.relay == 0:
                    os.close(self.pipe)
                    self.run_relay(fds, r, rtt / 2000, loss / 100, 0 if loss else 10)
                os.close(r)
                for fd in fds:
                    os.close(fd)
        except Exception:
            self.close()
            raise

    def open_tun(self, i, offload):
        fd, name = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK), f"{self.tag}t{i}"
        fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH14x", name.encode(), 0x1001 | (0x4000 if offload else 0)))
        if offload:
            fcntl.ioctl(fd, 0x400454D0, 0x07)  # checksum, TSO4, TSO6: packets travel unsegmented
        sh("ip", "link", "set", name, "netns", self.names[i], "name", "eth0", "txqueuelen", 5000)
        return fd

    @staticmethod
    def run_relay(fds, parent, delay, loss, head):
        """Route IPv4 packets between the TUN devices after a fixed delay. Never returns."""
        poll, queue, held = select.poll(), collections.deque(), 0
        for fd in fds + [parent]:
            poll.register(fd, select.POLLIN)
        while True:
            now = time.monotonic()
            while queue and queue[0][0] <= now:
                _, to, pkt = queue.popleft()
                held -= len(pkt)
                with contextlib.suppress(OSError):
                    os.write(fds[to], pkt)
            wait = max(0.0, (queue[0][0] - now) * 1000) if queue else 1000
            for fd, _ in poll.poll(wait):
                if fd == parent:
                    os._exit(0)
                for _ in range(64):
                    try:
                        pkt = os.read(fd, 70000)
                    except OSError:
                        break
                    to = pkt[head + 19] - 1 if len(pkt) > head + 19 and pkt[head] >> 4 == 4 else -1
                    if 0 <= to < len(fds) and held < 256 * MIB and not (loss and random.random() < loss):
                        queue.append((time.monotonic() + delay, to, pkt))
                        held += len(pkt)

    def limit(self, i, mbit):
        sh("tc", "-n", self.names[i], "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", f"{mbit}mbit",
           "burst", "256kb", "latency", "50ms")
        self.shaper = self.shaper.replace("none", "") + " tbf"

    def prefix(self, i):
        # Not `ip netns exec`: that gives a mount namespace of its own, whose mounts nobody else sees.
        return ["nsenter", f"--net=/run/netns/{self.names[i]}", "--"] if self.netns else []

    def tx(self):
        """bytes sent per device (loopback mode: the total, as device 0)"""
        out = []
        for i in range(self.n if self.netns else 1):
            text = sh(*self.prefix(i), "cat", "/proc/net/dev").stdout
            out.append(int(re.search(r"^\s*%s:(.*)$" % ("eth0" if self.netns else "lo"), text, re.M).group(1).split()[8]))
        return out

    def close(self):
        if self.relay:
            os.close(self.pipe)
            os.waitpid(self.relay, 0)
        for ns in self.names if self.netns else []:
            sh("ip", "netns", "del", ns, check=False)
