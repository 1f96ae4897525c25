#include "vault/journal/journal_format.h"

#include <algorithm>

#include "vault/crypto/hash.h"

namespace lockstep {
namespace {

Bytes frame_aad(const VaultId& vault, ByteView frame_header) {
    return associated_data({ObjectType::JournalEntry, vault, EpochId{}}, frame_header);
}

}  // namespace

std::size_t next_journal_marker(ByteView bytes, std::size_t from) {
    Encoder marker;
    marker.u32(kJournalMarker);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(std::min(from, bytes.size()));
    const auto found = std::search(begin, bytes.end(), marker.view().begin(), marker.view().end());
    return static_cast<std::size_t>(found - bytes.begin());
}

void JournalCipher::append_frame(Bytes& out, const JournalFrame& frame, Random& random) const {
    Encoder header;
    header.u32(kJournalMarker);
    header.u32(static_cast<std::uint32_t>(frame.plaintext.size() + kSealOverhead));
    header.u64(frame.sequence).u64(frame.durable_before).id(frame.link);
    append(out, header.view());
    append_sealed(out, key, frame_aad(vault, header.view()), frame.plaintext, random);
}

std::optional<JournalFrame> JournalCipher::read_frame(ByteView bytes) const {
    Decoder in(bytes);
    if (in.u32() != kJournalMarker) return std::nullopt;
    std::size_t sealed_size = in.u32();
    JournalFrame frame;
    frame.sequence = in.u64();
    frame.durable_before = in.u64();
    frame.link = in.id<JournalLink>();
    if (sealed_size > kJournalEntrySizeMax + kSealOverhead) return std::nullopt;
    ByteView sealed = in.raw(sealed_size);
    if (in.failed()) return std::nullopt;
    auto plaintext = open(key, frame_aad(vault, bytes.first(kJournalFrameHeaderSize)), sealed);
    if (!plaintext.ok()) return std::nullopt;
    frame.plaintext = std::move(plaintext).value();
    return frame;
}

Bytes JournalCipher::encode_slot(std::uint64_t first_sequence) const {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::Journal});
    out.u64(first_sequence);
    Hash256 mac = keyed_hash(key, {as_bytes("journal header"), vault.view(), out.view()});
    return std::move(out.raw(mac.view().first(16))).take();
}

Result<std::optional<std::uint64_t>> JournalCipher::decode_slot(ByteView bytes) const {
    if (bytes.size() < kJournalSlotSize) return std::optional<std::uint64_t>();
    ByteView fields = bytes.first(kJournalSlotSize - 16);
    Hash256 mac = keyed_hash(key, {as_bytes("journal header"), vault.view(), fields});
    if (!equal_in_constant_time(mac.view().first(16), bytes.subspan(fields.size(), 16)))
        return std::optional<std::uint64_t>();
    Decoder in(fields);
    TRY_OK(decode_prefix(in, ObjectType::Journal));
    return std::optional(in.u64());
}

std::size_t journal_frame_size(const JournalFrame& frame) {
    return kJournalFrameHeaderSize + frame.plaintext.size() + kSealOverhead;
}

JournalLink journal_link(ByteView frame_or_slot) {
    Blake2b hasher;
    hasher.add(frame_or_slot.first(
        std::min(frame_or_slot.size(), kJournalFrameHeaderSize + kSealNonceSize)));
    hasher.add(frame_or_slot.last(kSealTagSize));
    return hash_as<JournalLink>(hasher.finish());
}

}  // namespace lockstep
