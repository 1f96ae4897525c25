#!/usr/bin/python3
"""A name server for tests: answers SRV and A questions from a JSON file, which is read for each of them.

usage: tiny_dns.py ADDRESS ZONE.json      {"_lockstep._tcp.a.test": [[priority, weight, port, host], …], "b.a.test": "10.0.0.1"}
"""
import ipaddress
import json
import socket
import struct
import sys
from pathlib import Path

SRV, A, IN, LIFETIME_S = 33, 1, 1, 60


def encode_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def question_of(query):
    """Name, type, and where the question ends."""
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1:at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)[0], at + 5


def records_of(zone, name, kind):
    known = zone.get(name)
    if kind == SRV and isinstance(known, list):
        return [struct.pack("!HHH", *record[:3]) + encode_name(record[3]) for record in known]
    if kind == A and isinstance(known, str):
        return [ipaddress.IPv4Address(known).packed]
    return []


def answer(query, zone):
    name, kind, end = question_of(query)
    records = records_of(zone, name, kind)
    flags = 0x8180 if name in zone else 0x8183
    out = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + query[12:end]
    for data in records:
        out += b"\xc0\x0c" + struct.pack("!HHIH", kind, IN, LIFETIME_S, len(data)) + data
    return out


def main(address, zone):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print("answers", flush=True)
    while True:
        query, who = server.recvfrom(4096)
        try:
            server.sendto(answer(query, json.loads(Path(zone).read_text())), who)
        except (IndexError, UnicodeDecodeError, struct.error):
            continue


if __name__ == "__main__":
    main(*sys.argv[1:])
