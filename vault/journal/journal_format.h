// Bytes of the journal file. Format: vault/journal/JOURNAL.md.
#pragma once

#include <optional>

#include "base/codec.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/object_prefix.h"
#include "vault/journal/journal_entry.h"
#include "vault/keys/key_tree.h"

namespace lockstep {

using JournalLink = Id<struct JournalLinkTag, 16>;  // names what stands before an entry

// Two header slots, a sector each, so that a torn write of one leaves the other; then the frames.
// Slot: prefix 8 | first sequence 8 | MAC 16
inline constexpr std::size_t kJournalSlotSize = kObjectPrefixSize + 8 + 16;
inline constexpr std::size_t kJournalSlotDistance = 512;
inline constexpr std::size_t kJournalFramesOffset = 2 * kJournalSlotDistance;

// Frame: marker 4 | sealed length 4 | sequence 8 | durable before 8 | link 16 | sealed entry
inline constexpr std::uint32_t kJournalMarker = 0x4a8df15e;
inline constexpr std::size_t kJournalFrameHeaderSize = 4 + 4 + 8 + 8 + JournalLink::kSize;

struct JournalFrame {
    std::uint64_t sequence = 0;
    std::uint64_t durable_before = 0;  // entries below this were durable when this one was sealed
    JournalLink link;                  // of the frame before, or of the header slot
    Bytes plaintext;
};

// Where the next frame may begin, at `from` or behind it; the end when none does.
std::size_t next_journal_marker(ByteView bytes, std::size_t from);

struct JournalCipher {
    VaultId vault;
    JournalKey key;

    void append_frame(Bytes& out, const JournalFrame& frame, Random& random) const;
    // The frame at the beginning of `bytes`; nullopt when there is no intact one.
    std::optional<JournalFrame> read_frame(ByteView bytes) const;

    Bytes encode_slot(std::uint64_t first_sequence) const;
    // nullopt: damaged, or of another key. Unsupported: written by a newer Lockstep.
    Result<std::optional<std::uint64_t>> decode_slot(ByteView bytes) const;
};

// Bytes of a frame in the file.
std::size_t journal_frame_size(const JournalFrame& frame);

// Over a frame's header, nonce and tag (the tag stands for what is between), or over a header slot.
JournalLink journal_link(ByteView frame_or_slot);

}  // namespace lockstep
