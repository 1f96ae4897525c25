// Associated data: what a sealed object is, so that no object opens as another.
//
//     AAD = type u8 ‖ format version u16 ‖ vault id 32 ‖ epoch id 16 ‖ extra (u32 length before it)
//
// What `extra` holds for each type is listed in vault/FORMAT.md, "Sealing". Types whose key does
// not belong to an epoch have the zero epoch id.
#pragma once

#include "base/codec.h"
#include "vault/types.h"

namespace lockstep {

inline constexpr std::uint16_t kFormatVersion = 1;

// Numbers are frozen. Those up to 31 also stand in object prefixes.
enum class ObjectType : std::uint8_t {
    VaultHeader = 1,
    KeyObject = 2,
    Segment = 3,
    Pack = 4,
    DeviceKey = 5,
    LocalKeys = 6,
    Journal = 7,
    Ticket = 8,
    Keyring = 32,
    Roster = 33,
    SlotSecret = 34,
    EpochGrant = 35,
    PackChunk = 36,
    PackIndex = 37,
    PackTrailer = 38,
    SegmentReplicator = 39,
    SegmentRecords = 40,
    JournalEntry = 41,
    LocalSecret = 42,
    ControlFrame = 43,
    IndexPage = 44,
    IndexWalFrame = 45,
    JoinMessage = 46,
    PackPadding = 47,
};

struct ObjectContext {
    ObjectType type = ObjectType::VaultHeader;
    VaultId vault;
    EpochId epoch;
};

inline Bytes associated_data(const ObjectContext& context, ByteView extra = {}) {
    Encoder out;
    out.u8(static_cast<std::uint8_t>(context.type)).u16(kFormatVersion);
    out.id(context.vault).id(context.epoch).bytes(extra);
    return std::move(out).take();
}

}  // namespace lockstep
