#!/usr/bin/python3
"""A proxy of a hundred lines: SOCKS5 (with a password when asked for one) and HTTP's CONNECT.

usage: tiny_proxy.py --listen ADDRESS:PORT --kind socks5|http [--user U --password P] [--name HOST=ADDRESS]... --log FILE

What it was asked for goes to the log, a line each: "connect HOST:PORT" or "password refused". It knows the names that
it is given, and asks no name server.
"""
import argparse
import base64
import contextlib
import ipaddress
import select
import socket
import struct
import threading


class Refused(Exception):
    pass


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise Refused("closed")
        data += piece
    return data


def greet_socks(connection, proxy):
    """The (host, port) that is asked for."""
    version, count = read_exactly(connection, 2)
    methods = read_exactly(connection, count)
    wanted = 2 if proxy.user else 0
    if version != 5 or wanted not in methods:
        connection.sendall(b"\x05\xff")
        raise Refused("password refused")
    connection.sendall(bytes([5, wanted]))
    if proxy.user:
        read_exactly(connection, 1)
        user = read_exactly(connection, read_exactly(connection, 1)[0]).decode()
        password = read_exactly(connection, read_exactly(connection, 1)[0]).decode()
        is_right = (user, password) == (proxy.user, proxy.password)
        connection.sendall(b"\x01\x00" if is_right else b"\x01\x01")
        if not is_right:
            raise Refused("password refused")
    _, command, _, kind = read_exactly(connection, 4)
    if kind == 1:
        host = str(ipaddress.ip_address(read_exactly(connection, 4)))
    elif kind == 4:
        host = str(ipaddress.ip_address(read_exactly(connection, 16)))
    else:
        host = read_exactly(connection, read_exactly(connection, 1)[0]).decode()
    (port,) = struct.unpack(">H", read_exactly(connection, 2))
    if command != 1:
        raise Refused(f"command {command}")
    return host, port


def greet_http(connection, proxy):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(connection, 1)
    lines = head.decode().split("\r\n")
    method, target, _ = lines[0].split(" ")
    fields = dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in lines[1:] if ": " in line)
    if proxy.user:
        right = "Basic " + base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        if fields.get("proxy-authorization") != right:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"tiny\"\r\n"
                               b"Content-Length: 0\r\n\r\n")
            raise Refused("password refused")
    if method != "CONNECT":
        connection.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
        raise Refused(f"method {method}")
    host, _, port = target.rpartition(":")
    return host.strip("[]"), int(port)


ANSWERS = {"socks5": (b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"),
           "http": (b"HTTP/1.1 200 Connection established\r\n\r\n", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")}


def pass_bytes(one, other):
    while True:
        for ready in select.select([one, other], [], [])[0]:
            piece = ready.recv(1 << 16)
            if not piece:
                return
            (other if ready is one else one).sendall(piece)


def serve(connection, proxy, say):
    far = None
    try:
        host, port = (greet_socks if proxy.kind == "socks5" else greet_http)(connection, proxy)
        say(f"connect {host}:{port}")
        yes, no = ANSWERS[proxy.kind]
        try:
            # A name that it does not know is none.
            address = str(ipaddress.ip_address(proxy.names.get(host, host)))
            far = socket.create_connection((address, port), timeout=10)
        except (OSError, ValueError):
            connection.sendall(no)
            return
        far.settimeout(None)
        for end in (connection, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(yes)
        pass_bytes(connection, far)
    except Refused as refusal:
        say(str(refusal))
    except (OSError, ValueError):
        pass
    finally:
        for end in (connection, far):
            with contextlib.suppress(OSError, AttributeError):
                end.close()


def main():
    options = argparse.ArgumentParser()
    for flag in ("--listen", "--kind", "--user", "--password", "--log"):
        options.add_argument(flag, default="")
    options.add_argument("--name", action="append", default=[])
    proxy = options.parse_args()
    proxy.names = dict(name.split("=", 1) for name in proxy.name)
    host, _, port = proxy.listen.rpartition(":")
    lock = threading.Lock()
    with open(proxy.log, "a", buffering=1) as log, socket.create_server((host, int(port))) as listener:
        def say(line):
            with lock:
                log.write(line + "\n")
        say("listens")
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, proxy, say), daemon=True).start()


if __name__ == "__main__":
    main()
