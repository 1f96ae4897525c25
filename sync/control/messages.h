// What two members say to each other once they have authenticated. Bytes: sync/PROTOCOL.md,
// "Messages".
#pragma once

#include <variant>

#include "sync/peer_address.h"
#include "sync/sync_limits.h"
#include "vault/packs/block_proof.h"
#include "vault/presence.h"

namespace lockstep {

struct HelloMessage {
    std::string label;
    std::uint16_t listen_port = 0;
    bool operator==(const HelloMessage&) const = default;
};

// All key objects here.
struct KeysMessage {
    std::vector<KeyObjectId> ids;
    bool operator==(const KeysMessage&) const = default;
};
struct WantKeysMessage {
    std::vector<KeyObjectId> ids;
    bool operator==(const WantKeysMessage&) const = default;
};
struct KeyObjectMessage {
    KeyObjectId id;
    std::uint32_t size = 0, offset = 0;  // size 0: not here
    Bytes part;
    bool operator==(const KeyObjectMessage&) const = default;
};

// What the sender has got. Every pack that the frontier's segments introduce is here, but for the
// missing ones.
struct HeadsMessage {
    Frontier frontier;
    std::uint64_t missing_packs = 0;
    std::uint64_t missing_bytes = 0;
    std::uint64_t left_out_packs = 0;  // not there by choice, nor among the missing ones
    bool operator==(const HeadsMessage&) const = default;
};

// Segments first..last of a log, to be sent in that order.
struct WantSegmentsMessage {
    LogId log;
    std::uint64_t first = 0, last = 0;
    bool operator==(const WantSegmentsMessage&) const = default;
};
// Part of an object. Parts of one object come in order; parts of different objects may mix.
struct SegmentMessage {
    SegmentRef segment;
    std::uint32_t size = 0, offset = 0;
    Bytes part;
    bool operator==(const SegmentMessage&) const = default;
};
struct NoSegmentMessage {
    SegmentRef segment;
    bool operator==(const NoSegmentMessage&) const = default;
};

enum class PackRoute : std::uint8_t { Inline = 1, InlineNow = 2, Torrent = 3 };
struct PackWant {
    PackInfo pack;
    PackRoute route = PackRoute::Inline;
    bool operator==(const PackWant&) const = default;
};
struct WantPacksMessage {
    std::vector<PackWant> wants;
    bool operator==(const WantPacksMessage&) const = default;
};
struct PackMessage {
    PackId pack;
    std::uint32_t size = 0, offset = 0;
    Bytes part;
    bool operator==(const PackMessage&) const = default;
};
// Not here, or not now: ask somebody else.
struct NoPackMessage {
    PackId pack;
    bool operator==(const NoPackMessage&) const = default;
};
// The pack's torrent runs at the sender and expects the receiver.
struct PackReadyMessage {
    PackId pack;
    bool operator==(const PackReadyMessage&) const = default;
};
// Packs that have arrived at the sender.
struct HavePacksMessage {
    std::vector<PackId> packs;
    bool operator==(const HavePacksMessage&) const = default;
};

// All packs that the HEADS before it counts as missing, when they are few.
struct LackingPacksMessage {
    std::vector<PackId> packs;
    bool operator==(const LackingPacksMessage&) const = default;
};

// The shared packs that the sender is getting now and how much of each is there: all of them, so an
// empty list takes the last one back. Others wait for it instead of asking the same holder.
struct FetchingMessage {
    struct Entry {
        PackId pack;
        std::uint32_t received = 0;  // bytes
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> packs;
    bool operator==(const FetchingMessage&) const = default;
};
// Where other members may be reached, as the sender sees them.
struct AddressesMessage {
    struct Entry {
        DeviceId device;
        PeerAddress address;  // an IP literal
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> members;
    bool operator==(const AddressesMessage&) const = default;
};
// Ranges of a pack; `number` is the asker's.
struct WantRangesMessage {
    std::uint32_t number = 0;
    RangeRequest request;
    bool operator==(const WantRangesMessage&) const = default;
};
// A part of the bytes of all spans, one after the other; parts come in order.
struct RangeMessage {
    std::uint32_t number = 0, offset = 0;
    Bytes part;
    bool operator==(const RangeMessage&) const = default;
};
struct NoRangesMessage {
    std::uint32_t number = 0;
    bool operator==(const NoRangesMessage&) const = default;
};
// Which of these packs are there? `seconds` not zero: and will be kept for that long?
struct AskPacksMessage {
    std::uint64_t number = 0;
    std::uint32_t seconds = 0;
    std::vector<PackId> packs;  // ascending
    bool operator==(const AskPacksMessage&) const = default;
};
struct HeldPacksMessage {
    std::uint64_t number = 0;
    std::vector<PackId> packs;  // of those asked for, ascending
    bool operator==(const HeldPacksMessage&) const = default;
};

// Blocks of packs that the receiver is to show, to a number of the asker's.
struct AuditMessage {
    std::uint32_t number = 0;
    std::vector<BlockAudit> blocks;
    bool operator==(const AuditMessage&) const = default;
};
// One answer for each block asked for, in that order.
struct AuditedMessage {
    std::uint32_t number = 0;
    std::uint32_t index = 0;  // in the question
    BlockProof proof;         // no bytes: the pack is not here
    bool operator==(const AuditedMessage&) const = default;
};

// A member's sign of life, its own or passed on.
struct SignOfLife {
    DeviceId device;
    std::uint64_t time_ms = 0;  // wall clock of that device
    Frontier frontier;          // what was there
    std::array<std::byte, 64> signature{};
    bool operator==(const SignOfLife&) const = default;
};
struct AliveMessage {
    SignOfLife sign;
    bool operator==(const AliveMessage&) const = default;
};

// The sender has taken note of `bytes` bytes of messages: the receiver may send as many more.
struct CreditMessage {
    std::uint32_t bytes = 0;
    bool operator==(const CreditMessage&) const = default;
};
struct PingMessage {
    bool operator==(const PingMessage&) const = default;
};
struct PongMessage {
    bool operator==(const PongMessage&) const = default;
};

using Message =
    std::variant<HelloMessage, KeysMessage, WantKeysMessage, KeyObjectMessage, HeadsMessage,
                 WantSegmentsMessage, SegmentMessage, NoSegmentMessage, WantPacksMessage,
                 PackMessage, NoPackMessage, PackReadyMessage, HavePacksMessage, CreditMessage,
                 PingMessage, PongMessage, FetchingMessage, AddressesMessage, WantRangesMessage,
                 RangeMessage, NoRangesMessage, AskPacksMessage, HeldPacksMessage,
                 LackingPacksMessage, AuditMessage, AuditedMessage, AliveMessage>;

// REQUIRES: `message` is within the limits of sync_limits.h
Bytes encode_message(const Message& message);
// Corrupt when it is no message, breaks a limit or is not canonical. Allocates no more than `bytes`
// holds.
Result<Message> decode_message(ByteView bytes);

// Credit, ping and pong are free; all other messages use up the send window.
bool is_free_of_credit(const Message& message);

}  // namespace lockstep
