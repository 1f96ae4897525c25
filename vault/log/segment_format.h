// Sizes and limits of a segment's parts. Format: vault/FORMAT.md, "Segments".
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "vault/crypto/aead.h"
#include "vault/crypto/object_prefix.h"
#include "vault/limits.h"
#include "vault/log/segment.h"

namespace lockstep {

// prefix 8 | epoch 16 | log 16 | number 8 | length 4
inline constexpr std::size_t kSegmentHeaderSize = kObjectPrefixSize + 16 + 16 + 8 + 4;
// The sealed u32 that tells how long the sealed replicator part is: in clear it would tell how many
// logs and packs a segment names.
inline constexpr std::size_t kSegmentLengthsSize = 4 + kSealOverhead;
inline constexpr std::size_t kSegmentReplicatorOffset = kSegmentHeaderSize + kSegmentLengthsSize;
inline constexpr std::size_t kSignatureSize = 64;

inline constexpr std::size_t kSegmentPacksMax = 65536;  // introduced, condemned: each
inline constexpr std::size_t kSegmentCondemnationsMax =
    4096;  // named by consents and by collections: each
inline constexpr std::size_t kSegmentExtensionsMax = 64;
inline constexpr std::size_t kSegmentExtensionSizeMax = 64 * kKiB;
inline constexpr std::size_t kReplicatorPartSizeMax = 8 * kMiB;
inline constexpr std::size_t kSegmentsCompactedMax = 4096;  // that one stands for

// Which seal of a segment under the outer segment key: the last byte of the associated data.
enum class SegmentSeal : std::uint8_t { Lengths = 0, Replicator = 1 };

// The smallest allowed length that holds `size` bytes: 4, 16, 64 or 256 KiB, beyond that Padme (at
// most 12 % more).
constexpr std::uint64_t padded_segment_size(std::uint64_t size) {
    for (std::uint64_t bucket : {4 * kKiB, 16 * kKiB, 64 * kKiB, 256 * kKiB})
        if (size <= bucket) return bucket;
    auto exponent = static_cast<std::uint64_t>(std::bit_width(size) - 1);
    auto mantissa_bits = static_cast<std::uint64_t>(std::bit_width(exponent));
    std::uint64_t mask = (std::uint64_t{1} << (exponent - mantissa_bits)) - 1;
    return (size + mask) & ~mask;
}

// A length that a segment can have.
constexpr bool is_segment_size(std::uint64_t size) {
    return size <= kSegmentSizeMax && padded_segment_size(size) == size;
}

// The replicator part without its signature, and back. decode_ checks limits and canonical form.
Result<Bytes> encode_replicator_part(const ReplicatorPart& part, const SegmentHeader& header);
Result<ReplicatorPart> decode_replicator_part(ByteView bytes, const SegmentHeader& header);

}  // namespace lockstep
