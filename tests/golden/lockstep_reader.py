#!/usr/bin/python3
"""Reads a Lockstep vault with nothing of Lockstep's: written from vault/FORMAT.md alone.

usage: lockstep_reader.py VAULT_DIRECTORY --passphrase-file FILE [--at MILLISECONDS] [--check-cuts] [--extract DIRECTORY]

Prints what the vault shows as JSON: path → type, mode, mtime, size, sha256 (of files), target (of symbolic links),
xattrs. Needs Debian's python3-nacl and python3-lz4. It is slow and keeps everything in memory: it is the proof that
the format is documented, not a tool.

It verifies all that it uses. What it leaves out: forked logs ("Forked logs" in FORMAT.md: it refuses them), the order
in which revocations are decided (every membership fact whose author is a member counts), and devices' local files.
"""
import argparse
import hashlib
import json
import os
import stat
import struct
import sys
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

import lz4.block
import nacl.bindings
import nacl.pwhash.argon2id
import nacl.signing

ZERO16, ZERO32 = bytes(16), bytes(32)
ROOT = ZERO16


class Damaged(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damaged(what)


# ---- encoding ("Conventions")

class Reader:
    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def raw(self, size):
        need(self.at + size <= len(self.data), "unexpected end")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, kind):
        return struct.unpack("<" + kind, self.raw(struct.calcsize(kind)))[0]

    def u8(self): return self.number("B")
    def u16(self): return self.number("H")
    def u32(self): return self.number("I")
    def u64(self): return self.number("Q")
    def i64(self): return self.number("q")
    def bytes(self): return self.raw(self.u32())
    def name(self): return self.raw(self.u8())
    def list(self, item): return [item() for _ in range(self.u32())]
    def rest(self): return self.raw(len(self.data) - self.at)
    def is_done(self): return self.at == len(self.data)

    def done(self):
        need(self.is_done(), "bytes left over")


def with_length(data):
    return struct.pack("<I", len(data)) + data


def object_prefix(reader, kind):
    magic, found, version, critical, _ = reader.raw(4), reader.u8(), reader.u8(), reader.u8(), reader.u8()
    need(magic == b"LKST" and found == kind, "another object")
    need(version == 1 and critical == 0, "of a newer Lockstep")


# ---- cryptography ("Sealing", "Labels")

def blake(data, key=b"", size=32):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def keyed_parts(key, *parts):
    return blake(b"".join(map(with_length, parts)), key)


def kdf(parent, label, *arguments):
    out = blake(b"".join(map(with_length, (label.encode(),) + arguments)), parent, 64)
    return out[:32], out[32:]


def aad(kind, vault, epoch=ZERO16, extra=b""):
    return struct.pack("<BH", kind, 1) + vault + epoch + with_length(extra)


def unseal(key, context, sealed):
    need(len(sealed) >= 40, "too short to be sealed")
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[24:], context, sealed[:24], key)
    except Exception as error:
        raise Damaged("it does not open") from error


def open_box(secret, context, box):
    need(len(box) == 136, "a sealed box has 136 bytes")
    ephemeral, commitment, sealed = box[:32], box[32:64], box[64:]
    recipient = nacl.bindings.crypto_scalarmult_base(secret)
    shared = nacl.bindings.crypto_scalarmult(secret, ephemeral)
    need(shared != ZERO32, "a low-order key")
    key, expected = kdf(shared, "lockstep v1 sealed box", ephemeral, recipient, context)
    need(commitment == expected, "sealed with another key")
    return unseal(key, context, sealed)


def check_signature(key, label, message, signature):
    try:
        nacl.signing.VerifyKey(key).verify(with_length(label.encode()) + with_length(message), signature)
    except Exception as error:
        raise Damaged(f"wrong signature ({label})") from error


# ---- lockstep.vault, key objects, membership

def certificate(reader):
    start = reader.at
    out = {"device": reader.raw(32), "vault": reader.raw(32), "signing": reader.raw(32), "sealing": reader.raw(32),
           "replica": reader.raw(32), "label": reader.bytes().decode()}
    signed = reader.data[start:reader.at]
    check_signature(out["device"], "lockstep v1 sign device certificate", signed, reader.raw(64))
    return out


class Fact:
    def __init__(self, data, vault):
        reader = Reader(data)
        self.id = blake(data)
        self.kind, self.author, self.created = reader.u8(), reader.raw(32), reader.u64()
        self.seen = reader.list(lambda: reader.raw(32))
        cut = lambda: (reader.raw(16), reader.u64(), reader.raw(32))
        if self.kind == 1:
            self.certificate, self.role = certificate(reader), reader.u8()
        elif self.kind == 2:
            self.device, self.cuts = reader.raw(32), reader.list(cut)
        elif self.kind == 3:
            self.device, self.cuts = reader.raw(32), [cut()]
        elif self.kind == 4:
            self.device, self.role = reader.raw(32), reader.u8()
        elif self.kind == 5:
            self.epoch, self.sequence, self.commit_e, self.commit_s = reader.raw(16), reader.u32(), reader.raw(32), reader.raw(32)
            self.excluded = reader.list(lambda: reader.raw(32))
        elif self.kind == 6:
            self.certificate = certificate(reader)
        elif self.kind == 7:
            self.slot = (reader.u8(), reader.raw(32), reader.raw(32))
        elif self.kind == 8:
            self.slot_key = reader.raw(32)
        else:
            raise Damaged("an unknown membership fact")
        signed = data[:reader.at]
        check_signature(self.author, "lockstep v1 sign membership fact", vault + signed, reader.raw(64))
        reader.done()


class Keys:
    """What a passphrase opens: K, the epochs, and who was ever a member."""

    def __init__(self, directory, passphrase):
        reader = Reader((directory / "lockstep.vault").read_bytes())
        object_prefix(reader, 1)
        self.vault, genesis = reader.raw(32), reader.bytes()
        founder = certificate(reader)
        reader.done()
        need(blake(genesis) == self.vault, "the vault id is not the genesis'")
        genesis = Reader(genesis)
        need(genesis.u16() == 1, "another format version")
        genesis.raw(32), genesis.u64()
        need(founder["device"] == genesis.raw(32) and founder["vault"] == self.vault, "not the founder's certificate")
        self.root_commitment = genesis.raw(32)
        self.root, self.epochs, self.facts = None, {}, {}
        objects = sorted((directory / "keys").glob("*.keys"))
        parsed = [(path, self.parse(path)) for path in objects]
        ancestors = {parent for _, found in parsed for parent in found["parents"]}
        problems = []
        for path, found in parsed:
            if bytes.fromhex(path.stem) in ancestors:
                continue
            try:
                self.open(found, passphrase)
            except Damaged as error:
                problems.append(f"{path.name}: {error}")
        need(self.root is not None, "no key object opens: " + "; ".join(problems))
        self.members = {fact.certificate["device"]: fact.certificate for fact in self.facts.values() if fact.kind in (1, 6)}
        self.derive()

    def parse(self, path):
        data = path.read_bytes()
        need(blake(data).hex() == path.stem, "a key object is not what its name says")
        reader = Reader(data)
        object_prefix(reader, 2)
        need(reader.raw(32) == self.vault, "of another vault")
        out = {"parents": reader.list(lambda: reader.raw(32)), "created": reader.u64(),
               "epochs": reader.list(lambda: reader.raw(16)), "roster epoch": reader.raw(16),
               "slots": reader.list(lambda: (reader.u8(), reader.raw(32), reader.raw(32), reader.bytes(), reader.bytes())),
               "grants": reader.list(lambda: (reader.raw(32), reader.raw(136))),
               "roster": reader.bytes(), "keyring commitment": reader.raw(32), "keyring": reader.bytes(), "author": reader.raw(32)}
        out["before mac"] = data[:reader.at]
        out["mac"] = reader.raw(32)
        before = data[:reader.at]
        check_signature(out["author"], "lockstep v1 sign key object", blake(before), reader.raw(64))
        reader.done()
        return out

    def open(self, found, passphrase):
        unlock = None
        for kind, sealing, signing, parameters, sealed in found["slots"]:
            if kind != 1:
                continue
            reader = Reader(parameters)
            salt, memory, operations = reader.raw(16), reader.u64(), reader.u32()
            need(64 << 20 <= memory <= 4 << 30 and 3 <= operations <= 64, "a KDF cost out of bounds")
            stretched = nacl.pwhash.argon2id.kdf(32, passphrase, salt, opslimit=operations, memlimit=memory)
            secret, _ = kdf(stretched, "lockstep v1 slot sealing key", self.vault, salt)
            if nacl.bindings.crypto_scalarmult_base(secret) != sealing:
                continue
            unlock = open_box(secret, aad(34, self.vault, extra=bytes([kind]) + signing), sealed)
        need(unlock is not None, "not this passphrase's")
        mac_key, _ = kdf(unlock, "lockstep v1 key object mac", self.vault)
        need(blake(blake(found["before mac"]), mac_key) == found["mac"], "wrong MAC")
        keyring_key, commitment = kdf(unlock, "lockstep v1 keyring", self.vault)
        need(commitment == found["keyring commitment"], "another keyring's key")
        reader = Reader(unseal(keyring_key, aad(32, self.vault), found["keyring"]))
        root = reader.raw(32)
        need(kdf(root, "lockstep v1 root commitment")[1] == self.root_commitment, "K is not the genesis'")
        epochs = dict(reader.list(lambda: (reader.raw(16), reader.raw(32))))
        reader.done()
        need(sorted(epochs) == found["epochs"], "the keyring has other epochs")
        self.epochs.update(epochs)
        roster_epoch = found["roster epoch"]
        roster_key, _ = kdf(self.replicator_secret(roster_epoch), "lockstep v1 roster", self.vault, roster_epoch)
        reader = Reader(unseal(roster_key, aad(33, self.vault, roster_epoch), found["roster"]))
        for epoch, secret in reader.list(lambda: (reader.raw(16), reader.raw(32))):
            need(secret == self.replicator_secret(epoch), "a replicator secret is not its epoch's")
        for data in reader.list(reader.bytes):
            fact = Fact(data, self.vault)
            self.facts[fact.id] = fact
        reader.done()
        rotated = {fact.epoch: fact for fact in self.facts.values() if fact.kind == 5}
        for epoch, secret in epochs.items():
            need(epoch in rotated and kdf(secret, "lockstep v1 epoch commitment", self.vault, epoch)[1] == rotated[epoch].commit_e,
                 "an epoch secret is not what was rotated to")
            need(kdf(self.replicator_secret(epoch), "lockstep v1 replicator commitment", self.vault, epoch)[1] == rotated[epoch].commit_s,
                 "a replicator secret is not what was rotated to")
        self.root = root

    def replicator_secret(self, epoch):
        return kdf(self.epochs[epoch], "lockstep v1 replicator secret", self.vault, epoch)[0]

    def derive(self):
        of_root = lambda label: kdf(self.root, label, self.vault)[0]
        self.chunk_id, self.node_id = of_root("lockstep v1 chunk id"), of_root("lockstep v1 list node id")
        self.inline_root, self.derived = of_root("lockstep v1 inline content root"), of_root("lockstep v1 derived id")
        self.gear_seed, self.pseudonym = of_root("lockstep v1 chunker gear seed"), of_root("lockstep v1 log pseudonym")
        of_epoch = lambda label: {epoch: kdf(secret, label, self.vault, epoch)[0] for epoch, secret in self.epochs.items()}
        self.pack_base, self.records = of_epoch("lockstep v1 pack base"), of_epoch("lockstep v1 records")
        self.outer = {epoch: kdf(self.replicator_secret(epoch), "lockstep v1 segment outer", self.vault, epoch)[0]
                      for epoch in self.epochs}

    def fork_id(self, kind, subject, version):
        return keyed_parts(self.derived, bytes([kind]), subject, version)[:16]


# ---- packs

def pack_id(data):
    level = [hashlib.sha256(data[at:at + 16384]).digest() for at in range(0, len(data), 16384)]
    size = 1
    while size < len(level):
        size *= 2
    level += [ZERO32] * (size - len(level))
    while len(level) > 1:
        level = [hashlib.sha256(a + b).digest() for a, b in zip(level[::2], level[1::2])]
    return level[0]


def padded_length(length):
    for size in (4096, 16384, 65536, 262144):
        if length <= size:
            return size
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return (length + step - 1) // step * step


class Packs:
    def __init__(self, directory, keys):
        self.keys, self.chunks = keys, {}  # (kind, id) → plaintext
        self.problems = []
        for path in sorted((directory / "packs").glob("*/*.pack")):
            try:
                self.read(path)
            except Damaged as error:
                self.problems.append(f"pack {path.stem}: {error}")

    def read(self, path):
        data = path.read_bytes()
        need(path.stem == pack_id(data).hex() and path.parent.name == path.stem[:2], "not what its name says")
        reader = Reader(data)
        object_prefix(reader, 4)
        epoch, salt, commitment = reader.raw(16), reader.raw(32), reader.raw(32)
        need(epoch in self.keys.pack_base, "its epoch is not known")
        key, expected = kdf(self.keys.pack_base[epoch], "lockstep v1 pack", salt)
        need(commitment == expected, "another key's")
        context = lambda kind, extra: aad(kind, self.keys.vault, epoch, extra)
        trailer = Reader(unseal(key, context(38, data[:88]), data[-64:]))
        padding_at, index_at, length = trailer.u64(), trailer.u64(), trailer.u64()
        need(length == len(data) and 88 <= padding_at <= index_at <= length - 64, "its trailer does not fit")
        need(length == padded_length(length - (index_at - padding_at - 40)), "padded otherwise")
        need(not any(unseal(key, context(47, salt), data[padding_at:index_at])), "its padding is not zeros")
        index = Reader(unseal(key, context(37, salt), data[index_at:-64]))
        at = 88
        for ident, kind, compression, raw, sealed in index.list(
                lambda: (index.raw(32), index.u8(), index.u8(), index.u32(), index.u32())):
            extra = salt + ident + struct.pack("<BBI", kind, compression, raw)
            plaintext = unseal(key, context(36, extra), data[at:at + sealed])
            at += sealed
            if compression == 1:
                plaintext = lz4.block.decompress(plaintext, uncompressed_size=raw)
            need(len(plaintext) == raw, "a chunk has another length")
            id_key = {1: self.keys.chunk_id, 2: self.keys.node_id}[kind]
            need(blake(plaintext, id_key) == ident, "a chunk is not what its id says")
            self.chunks[kind, ident] = plaintext
        index.done()
        need(at == padding_at, "chunks do not add up")


# ---- segments

class Segment:
    def __init__(self, data, keys):
        self.hash = blake(data)
        reader = Reader(data)
        object_prefix(reader, 3)
        self.epoch, self.log, self.number, length = reader.raw(16), reader.raw(16), reader.u64(), reader.u32()
        need(length == len(data), "its length is another")
        need(self.epoch in keys.outer, "its epoch is not known")
        header, key = data[:52], keys.outer[self.epoch]

        def open_outer(sealed, which):
            context = aad(39, keys.vault, self.epoch, header + bytes([which]))
            plaintext = unseal(key, context, sealed)
            need(keyed_parts(key, b"segment nonce", context, plaintext)[:24] == sealed[:24], "another nonce")
            return plaintext

        sealed_length = Reader(open_outer(reader.raw(44), 0)).u32()
        replicator = open_outer(reader.raw(sealed_length), 1)
        sealed_records = reader.rest()
        fields, signature = replicator[:-64], replicator[-64:]
        self.read_fields(Reader(fields))
        need(self.device in keys.members, "of a device that is no member")
        need(keyed_parts(keys.pseudonym, self.device, self.incarnation)[:16] == self.log, "the log is not its device's")
        check_signature(keys.members[self.device]["signing"], "lockstep v1 sign segment",
                        keys.vault + header + with_length(fields) + blake(sealed_records), signature)
        plaintext = Reader(unseal(keys.records[self.epoch], aad(40, keys.vault, self.epoch, header), sealed_records))
        encoded = plaintext.raw(plaintext.u32())
        need(not any(plaintext.rest()), "its padding is not zeros")
        self.records = list(read_records(encoded, self.log))

    def read_fields(self, reader):
        self.device, self.incarnation, self.previous = reader.raw(32), reader.raw(16), reader.raw(32)
        self.frontier = {log: (number, found) for log, number, found in
                         reader.list(lambda: (reader.raw(16), reader.u64(), reader.raw(32)))}
        self.introduced = reader.list(lambda: (reader.raw(32), reader.u64()))
        self.condemned = reader.list(lambda: reader.raw(32))
        step = lambda: (reader.raw(16), reader.u64(), reader.list(lambda: reader.raw(32)))
        self.consents, self.collected = reader.list(step), reader.list(step)
        self.first, self.last_replaced = self.number, None
        if reader.u8():
            self.first, self.last_replaced = reader.u64(), reader.raw(32)
        for _, critical, _ in reader.list(lambda: (reader.u16(), reader.u8(), reader.bytes())):
            need(not critical, "an unknown critical extension")
        reader.done()


def read_content(reader):
    kind, size, root = reader.u8(), reader.u64(), reader.raw(32)
    need(kind <= 2, "an unknown kind of content")
    depth = reader.u8() if kind == 2 else 0
    return {"kind": kind, "size": size, "root": root, "depth": depth, "inline": reader.raw(size) if kind == 0 else b""}


def read_records(data, own_log):
    """Yields (kind, stamp, ...) for each record; a stamp is (time, log)."""
    reader, stamp = Reader(data), None
    while not reader.is_done():
        head = reader.u8()
        if not head & 0x20:
            stamp = (reader.u64(), reader.raw(16) if head & 0x40 else own_log)
        body = Reader(reader.bytes())
        kind = head & 0x1f

        def seen():
            named = body.u8()
            return (body.u64(), body.raw(16) if named else own_log)
        ids = lambda: body.list(lambda: body.raw(16))
        if kind == 1:
            link, file, kind_of_file = body.raw(16), body.raw(16), body.u8()
            yield "link", stamp, link, file, kind_of_file
            yield "parent", stamp, link, body.raw(16)
            yield "name", stamp, link, body.name()
        elif kind == 2:
            yield "link", stamp, body.raw(16), body.raw(16), body.u8()
        elif kind == 3:
            yield "parent", stamp, body.raw(16), body.raw(16)
        elif kind == 4:
            yield "name", stamp, body.raw(16), body.name()
        elif kind == 5:
            file = body.raw(16)
            for _ in range(body.u16()):
                key = body.u8()
                if key == 16:
                    name = body.name()
                    yield "attribute", stamp, file, (key, name), body.bytes() if body.u8() else None
                else:
                    need(key in (1, 2, 3, 4, 5), "an unknown attribute")
                    yield "attribute", stamp, file, (key, b""), body.raw(4 if key in (1, 3, 4) else 8)
        elif kind == 6:
            yield "version", stamp, body.raw(16), body.raw(16), read_content(body), ids(), body.name()
        elif kind == 7:
            yield "resolve", stamp, body.raw(16), ids()
        elif kind == 8:
            yield "delete", stamp, body.raw(16), seen(), seen(), ids(), ids()
        elif head & 0x80:
            continue
        else:
            raise Damaged("an unknown record")
        body.done()


class Logs:
    """All segments that count ("Where logs end")."""

    def __init__(self, directory, keys):
        self.keys, self.problems = keys, []
        self.logs = {}
        for path in sorted((directory / "log").iterdir()):
            self.logs[bytes.fromhex(path.name)] = self.chain(path)
        self.accept()

    def chain(self, path):
        found = {}
        for file in path.glob("*.seg"):
            try:
                segment = Segment(file.read_bytes(), self.keys)
                need(segment.log.hex() == path.name, "of another log")
                expected = f"{segment.first}-{segment.number}.seg" if segment.last_replaced else f"{segment.number}.seg"
                need(file.name == expected, "not the segment that its name says (or a forked log)")
                found[segment.first] = segment
            except Damaged as error:
                self.problems.append(f"segment {path.name}/{file.name}: {error}")
        chain, number, previous = [], 1, ZERO32
        while number in found and found[number].previous == previous:
            segment = found[number]
            chain.append(segment)
            number, previous = segment.number + 1, segment.last_replaced or segment.hash
        if len(chain) < len(found):
            self.problems.append(f"log {path.name}: segments behind number {number - 1} do not follow it")
        return chain

    def accept(self):
        cuts, revoked = {}, set()
        for fact in self.keys.facts.values():
            if fact.kind == 2:
                revoked.add(fact.device)
            if fact.kind in (2, 3):
                for log, number, found in fact.cuts:
                    cuts[log] = max(cuts.get(log, (0, ZERO32)), (number, found))
        excluded = {fact.epoch: fact.excluded for fact in self.keys.facts.values() if fact.kind == 5}
        self.accepted = {log: 0 for log in self.logs}
        progress = True
        while progress:
            progress = False
            for log, chain in self.logs.items():
                while self.accepted[log] < len(chain):
                    segment = chain[self.accepted[log]]
                    has_ended = log in cuts or segment.device in revoked
                    named = max([cuts.get(log, (0, ZERO32))[0]] +
                                [other.frontier[log][0] for other in self.counted()
                                 if other.device != segment.device and log in other.frontier and
                                 (segment.device not in revoked or segment.device not in excluded.get(other.epoch, []))])
                    if has_ended and segment.number > named:
                        break
                    self.accepted[log] += 1
                    progress = True

    def counted(self):
        return [segment for log, chain in self.logs.items() for segment in chain[:self.accepted[log]]]


# ---- what people see ("Merge / derived names / derived ids")

DIRECTORY, REGULAR, SYMLINK = 2, 1, 3
TYPES = {1: "file", 2: "directory", 3: "symlink", 4: "fifo", 5: "socket"}


class Tree:
    def __init__(self, records, keys):
        self.keys = keys
        self.links, self.parent, self.name = {}, {}, {}
        self.attributes, self.versions, self.deletes = defaultdict(dict), defaultdict(dict), defaultdict(list)
        replaced, moves = defaultdict(set), set()
        for record in records:
            kind, stamp, subject = record[:3]
            if kind == "link":
                self.links.setdefault(subject, {"file": record[3], "type": record[4], "created": stamp})
            elif kind == "parent":
                moves.add((stamp, subject, record[3]))
            elif kind == "name":
                self.name[subject] = max(self.name.get(subject, ((0, b""), b"")), (stamp, record[3]))
            elif kind == "attribute":
                old = self.attributes[subject].get(record[3])
                new = (stamp, record[4] is not None, record[4] or b"")
                self.attributes[subject][record[3]] = max(old, new) if old else new
            elif kind == "version":
                self.versions[subject][record[3]] = {"id": record[3], "stamp": stamp, "content": record[4], "label": record[6]}
                replaced[subject].update(record[5])
            elif kind == "resolve":
                replaced[subject].update(record[3])
            elif kind == "delete":
                self.deletes[subject].append({"stamp": stamp, "parent": record[3], "name": record[4],
                                              "heads": set(record[5]), "last": set(record[6])})
        self.heads = {file: sorted((version for version in found.values() if version["id"] not in replaced[file]),
                                   key=lambda version: (version["stamp"], version["id"]), reverse=True)
                      for file, found in self.versions.items()}
        self.links_of = defaultdict(list)
        for link, found in self.links.items():
            self.links_of[found["file"]].append(link)
        self.replay(moves)
        self.alive = {link for link in self.links if self.is_alive(link)}
        self.children = defaultdict(list)
        for link in self.links:
            if link in self.parent and link in self.name:
                self.children[self.parent[link][1]].append(link)
        self.visible = {}

    def replay(self, moves):
        above = {}  # directory → directory
        for stamp, link, directory in sorted(moves):
            found = self.links.get(link)
            if found is None:
                continue
            if found["type"] != DIRECTORY:
                self.parent[link] = max(self.parent.get(link, ((0, b""), b"")), (stamp, directory))
                continue
            at = directory
            while at != found["file"] and at in above:
                at = above[at]
            if at == found["file"]:
                continue
            above[found["file"]] = directory
            self.parent[link] = (stamp, directory)

    def counting(self, link):
        if link not in self.parent or link not in self.name:
            return []
        return [each for each in self.deletes[link]
                if each["parent"] == self.parent[link][0] and each["name"] == self.name[link][0]]

    def is_alive(self, link):
        found = self.links[link]
        if link not in self.parent or link not in self.name:
            return False
        if found["type"] != DIRECTORY and not self.heads.get(found["file"]):
            return False
        if not self.counting(link):
            return True
        others = self.links_of[found["file"]]
        if found["type"] == DIRECTORY or any(not self.counting(other) for other in others):
            return False
        heads = {head["id"] for head in self.heads[found["file"]]}
        deletes = [(each, other) for other in others for each in self.counting(other)]
        if any(each["last"] and each["last"] >= set(others) and each["heads"] >= heads for each, _ in deletes):
            return False
        return max((each["stamp"], other) for each, other in deletes)[1] == link

    def is_visible(self, link):
        if link not in self.visible:
            found = self.links[link]
            self.visible[link] = link in self.alive or (
                found["type"] == DIRECTORY and link in self.parent and link in self.name and
                any(self.is_visible(child) for child in self.children[found["file"]]))
        return self.visible[link]

    # Yields (path, type, file, version or None).
    def walk(self, aliases=(ROOT,), path=b""):
        groups = defaultdict(list)
        for alias in aliases:
            for link in self.children[alias]:
                if self.is_visible(link):
                    groups[self.name[link][1]].append(link)
        taken, entries = set(groups), {}
        for name in sorted(groups):
            directories = sorted(self.links[link]["file"] for link in groups[name] if self.links[link]["type"] == DIRECTORY)
            if directories:
                entries[name] = (DIRECTORY, directories, None)
            free = not directories
            for link, version, is_main in self.claims(groups[name]):
                shown = name
                if not free:
                    shown = self.derived_name(name, link, version, is_main, taken)
                    taken.add(shown)
                free = False
                entries[shown] = (self.links[link]["type"], [self.links[link]["file"]], version)
        for name in sorted(entries):
            kind, files, version = entries[name]
            yield path + name, kind, files[0], version
            if kind == DIRECTORY:
                yield from self.walk(files, path + name + b"/")

    def claims(self, links):
        files = sorted((link for link in links if self.links[link]["type"] != DIRECTORY),
                       key=lambda link: (self.links[link]["created"], link))
        wanted = [(link, self.heads[self.links[link]["file"]][0], True) for link in files]
        wanted += [(link, head, False) for link in files for head in self.heads[self.links[link]["file"]][1:]]
        shown = set()
        for link, version, is_main in wanted:
            identity = (self.links[link]["type"], version["content"]["size"], version["content"]["root"])
            if identity not in shown:
                shown.add(identity)
                yield link, version, is_main

    def derived_name(self, name, link, version, is_main, taken):
        dot = name.rfind(b".")
        extension = name[dot:] if dot > 0 and len(name) - dot <= 32 else b""
        stem = name[:len(name) - len(extension)]
        device = bytes(ord("_") if byte == 0x2f or byte < 0x20 or byte == 0x7f else byte for byte in version["label"])
        seconds = (version["stamp"][0] >> 16) // 1000
        time = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H-%M-%S").encode()
        mark = (link if is_main else self.keys.fork_id(2, link, version["id"])).hex().encode()
        k = 0
        while True:
            number = b"" if k == 0 else b" #" + mark[:4 * min(k, 8)] + (b" %d" % (k - 7) if k > 8 else b"")
            suffix = b" (conflict from " + device + b" " + time + b")" + number + extension
            cut = min(len(stem), 255 - len(suffix))
            if cut < len(stem):
                for back in range(4):
                    if cut - back >= 0 and stem[cut - back] & 0xc0 != 0x80:
                        cut -= back
                        break
            if stem[:cut] + suffix not in taken:
                return stem[:cut] + suffix
            k += 1


# ---- content

class Contents:
    def __init__(self, keys, packs):
        self.keys, self.chunks = keys, packs.chunks

    def get(self, kind, ident):
        need((kind, ident) in self.chunks, f"chunk {ident.hex()} is not here")
        return self.chunks[kind, ident]

    # [(chunk id or zeros, length)]
    def extents(self, content):
        if content["kind"] == 0:
            need(content["root"] == blake(content["inline"], self.keys.inline_root), "inline content has another root")
            return None
        if content["kind"] == 1:
            return [(content["root"], content["size"])]
        out = self.node(content["root"], content["depth"])
        need(sum(length for _, length in out) == content["size"], "its list has another size")
        return out

    def node(self, ident, level):
        reader = Reader(self.get(2, ident))
        need(reader.u8() == 1 and reader.u8() == level, "a list node of another level")
        entries = reader.list(lambda: (reader.raw(32), reader.u64()))
        reader.done()
        for number, (entry, _) in enumerate(entries[:-1], 1):
            is_cut = number == 4096 or (number >= 128 and any(entry) and struct.unpack("<Q", entry[:8])[0] % 512 == 0)
            need(not is_cut, "a list node is cut elsewhere")
        if level == 1:
            return entries
        out = []
        for entry, length in entries:
            below = self.node(entry, level - 1)
            need(sum(each for _, each in below) == length, "a list node stands for another length")
            out += below
        return out

    def bytes(self, content):
        extents = self.extents(content)
        if extents is None:
            return content["inline"]
        out = bytearray()
        for ident, length in extents:
            piece = self.get(1, ident) if any(ident) else bytes(length)
            need(len(piece) == length, "a chunk has another length than its list says")
            out += piece
        return bytes(out)

    # Whether a file without holes that was written in one go is cut as "Cuts" says.
    def check_cuts(self, content, data):
        if content["kind"] != 2 or not all(any(ident) for ident, _ in self.extents(content)):
            return
        gear = []
        for block in range(64):
            gear += struct.unpack("<4Q", blake(struct.pack("<I", block), self.keys.gear_seed))
        start, lengths = 0, []
        while start < len(data):
            end, value = min(len(data) - start, 262144), 0
            cut = end
            for at in range(16384, end):
                value = (2 * value + gear[data[start + at]]) & 0xffffffffffffffff
                zeros = 18 if at < 53248 else 14
                if (value >> (63 - zeros)) & ((1 << zeros) - 1) == 0:
                    cut = at + 1
                    break
            lengths.append(cut)
            start += cut
        need(lengths == [length for _, length in self.extents(content)], "it is cut elsewhere")


# ---- the whole

class Vault:
    def __init__(self, directory, passphrase):
        directory = Path(directory)
        self.keys = Keys(directory, passphrase)
        self.packs = Packs(directory, self.keys)
        self.logs = Logs(directory, self.keys)
        self.contents = Contents(self.keys, self.packs)
        self.problems = self.packs.problems + self.logs.problems

    # All records, or those of the state at a time ("The state at a time").
    def records(self, at_ms=None):
        records = [record for segment in self.logs.counted() for record in segment.records]
        if at_ms is None:
            return records
        is_then = lambda stamp: stamp[0] >> 16 <= at_ms
        made, later = set(), set()
        for record in records:
            if record[0] == "resolve":
                (made if is_then(record[1]) else later).update(self.keys.fork_id(1, record[2], version) for version in record[3])
        files = {record[2]: record[3] for record in records if record[0] == "link"}
        of_file = lambda record: files.get(record[2]) if record[0] in ("parent", "name", "delete") else \
            record[3] if record[0] == "link" else record[2]
        return [record for record in records if is_then(record[1]) and of_file(record) not in later - made]

    # Yields (path, description, bytes or None).
    def entries(self, at_ms=None, checks_cuts=False):
        tree = Tree(self.records(at_ms), self.keys)
        for path, kind, file, version in tree.walk():
            attributes = {key: value for key, (_, is_set, value) in tree.attributes[file].items() if is_set}
            entry = {"type": TYPES[kind]}
            if (1, b"") in attributes:
                entry["mode"] = oct(struct.unpack("<I", attributes[1, b""])[0])
            if (2, b"") in attributes:
                entry["mtime_ns"] = struct.unpack("<q", attributes[2, b""])[0]
            xattrs = {name.decode(): value.hex() for (key, name), value in sorted(attributes.items())
                      if key == 16 and name.startswith(b"user.")}
            if xattrs:
                entry["xattrs"] = xattrs
            data = None
            if version is not None and kind in (REGULAR, SYMLINK):
                try:
                    data = self.contents.bytes(version["content"])
                    if checks_cuts:
                        self.contents.check_cuts(version["content"], data)
                except Damaged as error:
                    self.problems.append(f"{path.decode(errors='replace')}: {error}")
                    entry["damaged"] = str(error)
                    yield path, entry, None
                    continue
                if kind == SYMLINK:
                    entry["target"] = data.decode(errors="surrogateescape")
                else:
                    entry["size"] = len(data)
                    entry["sha256"] = hashlib.sha256(data).hexdigest()
            yield path, entry, data


def extract(target, entries):
    os.mkdir(target)
    directories = []
    for path, entry, data in entries:
        there = os.path.join(os.fsencode(target), path)
        mode = int(entry.get("mode", "0o644"), 8)
        if entry["type"] == "directory":
            os.mkdir(there, 0o700)
            directories.append((there, mode, entry))
        elif entry["type"] == "symlink":
            os.symlink(os.fsencode(entry["target"]), there)
        elif entry["type"] == "file" and data is not None:
            with open(there, "xb") as file:
                file.write(data)
            os.chmod(there, stat.S_IMODE(mode) & 0o777)
            if "mtime_ns" in entry:
                os.utime(there, ns=(entry["mtime_ns"],) * 2)
    for there, mode, entry in reversed(directories):
        os.chmod(there, stat.S_IMODE(mode) & 0o777)
        if "mtime_ns" in entry:
            os.utime(there, ns=(entry["mtime_ns"],) * 2)


def main():
    parser = argparse.ArgumentParser(description="Reads a Lockstep vault, from vault/FORMAT.md alone.")
    parser.add_argument("directory")
    parser.add_argument("--passphrase-file", required=True)
    parser.add_argument("--at", type=int, metavar="MILLISECONDS")
    parser.add_argument("--extract", metavar="DIRECTORY")
    parser.add_argument("--check-cuts", action="store_true")
    arguments = parser.parse_args()
    vault = Vault(arguments.directory, Path(arguments.passphrase_file).read_bytes().rstrip(b"\n"))
    entries = list(vault.entries(arguments.at, arguments.check_cuts))
    if arguments.extract:
        extract(arguments.extract, entries)
    listing = {path.decode(errors="surrogateescape"): entry for path, entry, _ in entries}
    print(json.dumps(listing, indent=1, sort_keys=True))
    for problem in vault.problems:
        print("problem:", problem, file=sys.stderr)
    return 1 if vault.problems else 0


if __name__ == "__main__":
    sys.exit(main())
