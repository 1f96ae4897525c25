// The encodings inside a key object; for key_object.cpp and its tests. Format: vault/FORMAT.md,
// "Key objects".
#pragma once

#include "vault/keys/key_object.h"

namespace lockstep {

// The order of slots in an object: by type, then sealing key.
bool slot_less(const KeySlot& a, const KeySlot& b);

// Everything from the prefix to the author: what the MAC is over.
Bytes encode_before_mac(const KeyObject& object);

Bytes encode_roster_part(const std::map<EpochId, ReplicatorSecret>& older, const FactSet& facts);
Result<RosterPart> decode_roster_part(const VaultId& vault, ByteView bytes);

Bytes encode_keyring(const Keyring& keyring);
Result<Keyring> decode_keyring(const KeyObject& object, ByteView bytes);

}  // namespace lockstep
