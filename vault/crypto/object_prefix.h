// The first 8 bytes of every object and local file of Lockstep.
//
//     magic "LKST" ‖ object type u8 ‖ format version u8 ‖ critical flags u8 ‖ optional flags u8
//
// A reader that meets a greater version or a critical flag that it does not know refuses the object
// as Unsupported, and keeps it; optional flags that it does not know it ignores and preserves.
#pragma once

#include "vault/crypto/aad.h"

namespace lockstep {

inline constexpr std::string_view kObjectMagic = "LKST";
inline constexpr std::size_t kObjectPrefixSize = 8;

struct ObjectPrefix {
    ObjectType type = ObjectType::VaultHeader;
    std::uint8_t version = kFormatVersion;
    std::uint8_t critical_flags = 0;
    std::uint8_t optional_flags = 0;
};

inline void encode_prefix(Encoder& out, const ObjectPrefix& prefix) {
    out.raw(as_bytes(kObjectMagic)).u8(static_cast<std::uint8_t>(prefix.type));
    out.u8(prefix.version).u8(prefix.critical_flags).u8(prefix.optional_flags);
}

// Reads a prefix and checks that it is one of `type` that this build can read. Corrupt: no object
// of that type; Unsupported: written by a newer Lockstep.
inline Result<ObjectPrefix> decode_prefix(Decoder& in, ObjectType type) {
    ByteView magic = in.raw(kObjectMagic.size());
    ObjectPrefix prefix;
    prefix.type = static_cast<ObjectType>(in.u8());
    prefix.version = in.u8();
    prefix.critical_flags = in.u8();
    prefix.optional_flags = in.u8();
    TRY_OK(in.status());
    if (!equal(magic, as_bytes(kObjectMagic)) || prefix.type != type || prefix.version == 0)
        return Error{ErrorKind::Corrupt, "not an object of the expected kind"};
    if (prefix.version > kFormatVersion)
        return Error{ErrorKind::Unsupported, "written by a newer Lockstep: format version " +
                                                 std::to_string(prefix.version)};
    if (prefix.critical_flags != 0)
        return Error{ErrorKind::Unsupported, "written by a newer Lockstep: unknown critical flag"};
    return prefix;
}

}  // namespace lockstep
