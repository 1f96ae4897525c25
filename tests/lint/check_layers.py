#!/usr/bin/python3
"""Fails, naming file and line, when an include crosses the layers drawn in the README's source tour.

usage: check_layers.py SOURCE_DIRECTORY
"""
import re
import sys
from pathlib import Path

# Who may include whom; the longest matching folder of a file is its layer.
ALLOWED = {
    "base": {"base"},
    "vault": {"vault", "base"},
    "fuse": {"fuse", "vault", "base"},
    "relay/protocol": {"relay/protocol", "base"},
    "relay": {"relay", "relay/protocol", "base"},
    "sync": {"sync", "relay/protocol", "vault", "base"},
    "daemon/api": {"daemon/api", "base"},
    "daemon/cli": {"daemon/cli", "daemon/api", "base"},
    "daemon": {"daemon", "daemon/api", "fuse", "sync", "vault", "base"},
    "gui": {"gui", "daemon/api", "base"},
}
# Outside a layer its front doors and value types may be included, not its rooms.
OPEN_ROOMS = {"vault/crypto/passphrase.h", "vault/keys/device_identity.h", "vault/keys/ticket.h", "vault/packs/block_proof.h",
              "vault/packs/pack_torrent_id.h"}
# Libraries that one part alone may see. Signatures may be verified in sync and relay; neither holds a vault key.
FENCED = {"boost/beast": {"base"}, "boost/asio/ssl": {"base"}, "openssl/ssl": {"base"}, "libtorrent/": {"sync"}, "fuse": {"fuse"},
          "sqlite3.h": {"vault", "sync", "relay"}, "lz4.h": {"vault"}, "sodium.h": {"vault", "sync", "relay"}, "CLI/": {"daemon/cli"},
          "toml++": {"daemon/api", "relay"}, "Q": {"gui"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def layer_of(path):
    return max((layer for layer in ALLOWED if path.startswith(layer + "/")), key=len, default=None)


def fault(source, layer, ours, library):
    if library:
        owners = next((owners for prefix, owners in FENCED.items() if library.startswith(prefix)), {layer})
        return "" if layer in owners else f"<{library}> belongs to {', '.join(sorted(owners))}; {layer} may not see it"
    target = layer_of(ours)
    if target is None:
        return f'"{ours}" is in no layer; includes are from the root'
    if Path(source).match("daemon/cli/offline_*") and ours == "vault/vault.h":
        return ""  # decrypting and checking a directory works without a daemon
    if target not in ALLOWED[layer]:
        return f"{layer} may not include {target} ({ours})"
    if target == "vault" != layer and ours.count("/") > 1 and ours not in OPEN_ROOMS:
        return f"{layer} may not enter a room of {target} ({ours})"
    return ""


def main(root):
    faults = files = 0
    for path in sorted(file for top in {layer.split("/")[0] for layer in ALLOWED} for file in Path(root, top).rglob("*")
                       if file.suffix in (".h", ".cpp")):
        source, files = str(path.relative_to(root)), files + 1
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if (found := INCLUDE.match(line)) and (text := fault(source, layer_of(source), *found.groups())):
                print(f"{source}:{number}: {text}")
                faults += 1
    print(f"{files} files, {faults} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
