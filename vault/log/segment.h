// A segment: an immutable, signed, sealed piece of one device's log. Format: vault/FORMAT.md,
// "Segments".
//
//   header (clear) | sealed lengths | sealed replicator part | sealed record part
//
// The replicator part opens with S_e's outer segment key and is all that a locked device or a blind
// member needs; the record part opens with E_e's record key. The device's vault signing key signs
// header, replicator part and the hash of the sealed record part.
//
// THREADS: any; pure functions.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/random.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/signature.h"
#include "vault/keys/key_tree.h"
#include "vault/log/record_codec.h"

namespace lockstep {

// In clear: all that a file's reader learns without a key.
struct SegmentHeader {
    EpochId epoch;
    LogId log;
    std::uint64_t number = 0;
    std::uint64_t length = 0;  // of the whole segment
    auto operator<=>(const SegmentHeader&) const = default;
};

// Packs of a condemnation, named by the segment that condemned them.
struct CondemnedPacks {
    SegmentRef condemned_by;
    std::vector<PackId> packs;  // sorted, without duplicates
    auto operator<=>(const CondemnedPacks&) const = default;
};

// What a compacted segment tells of one that it stands for without a vault key (compaction.h).
struct ReplacedSegment {
    std::uint32_t length = 0;  // of the whole segment
    Hash256 sealed_records;    // of its sealed record part
    Bytes fields;              // its replicator part without the signature
    Signature signature;
    auto operator<=>(const ReplacedSegment&) const = default;
};

// This segment stands for its log's segments `first_number` to its own number, and says nothing
// itself.
struct CompactedRange {
    std::uint64_t first_number = 0;
    SegmentHash last;  // of the segment that had this segment's number
    std::vector<ReplacedSegment> replaced;
    auto operator<=>(const CompactedRange&) const = default;
};

// A field that a later format adds. Unknown critical ones refuse the segment; others are kept.
struct SegmentExtension {
    std::uint16_t tag = 0;
    bool is_critical = false;
    Bytes body;
    auto operator<=>(const SegmentExtension&) const = default;
};

struct ReplicatorPart {
    DeviceId device;
    IncarnationId incarnation;
    SegmentHash previous;           // zeros when the number is 1
    Frontier frontier;              // of the other logs, when this was written
    std::vector<PackInfo> packs;    // introduced: needed by the records, durable at their author
    std::vector<PackId> condemned;  // CONDEMN: nobody dedups against these any more
    std::vector<CondemnedPacks> consents;   // CONSENT: nothing that the author knows needs these
    std::vector<CondemnedPacks> collected;  // COLLECT: these may be deleted
    std::optional<CompactedRange> compacted;
    std::vector<SegmentExtension> extensions;
    bool operator==(const ReplicatorPart&) const = default;
};

// Segments whose records this one holds, stamps and all: they lay beyond the end of their log
// (adopted, or rebased by their own device). Kept as extension kRepublishesTag.
inline constexpr std::uint16_t kRepublishesTag = 1;
SegmentExtension republishes(const std::vector<SegmentRef>& segments);
std::vector<SegmentRef> republished_by(const ReplicatorPart& part);

struct SegmentDraft {
    EpochId epoch;
    LogId log;
    std::uint64_t number = 0;
    ReplicatorPart replicator;
    RecordBatch records;
};

// What open_outer() has verified: everything but the records.
struct SegmentOuter {
    SegmentHeader header;
    ReplicatorPart replicator;
    SegmentHash hash;
    std::uint64_t records_offset = 0;  // of the sealed record part in the segment
};

struct SegmentKeys {
    const VaultId& vault;
    const RecordKey& records;      // of the epoch
    const SegmentOuterKey& outer;  // of the same epoch's replicator keys
    const SigningKey& signing;     // of the device named in the draft, for this vault
};

// What a replicator knows. Null, nullopt: no such epoch, no such device. Keys outlive the call.
struct SegmentLookup {
    VaultId vault;
    std::function<const SegmentOuterKey*(const EpochId&)> outer_key_of;
    std::function<std::optional<SigningPublicKey>(const DeviceId&)> signer_of;
};

// Encodes, signs and seals. Invalid when the draft breaks a limit; TooLarge when it needs several
// segments.
Result<Bytes> build_segment(const SegmentDraft& draft, const SegmentKeys& keys, Random& random);

// The clear header alone, its lengths and limits checked. Nothing in it is authentic yet.
Result<SegmentHeader> read_segment_header(ByteView bytes);

// Everything that can be verified without a vault key: seals, padding bucket, signature, limits,
// canonical form. WrongKey when the epoch is unknown, Refused when the device is, Corrupt for
// damage, Unsupported for a newer format.
Result<SegmentOuter> open_outer(ByteView bytes, const SegmentLookup& lookup);

// REQUIRES: `outer` came from open_outer() of the same bytes.
Result<RecordBatch> open_records(ByteView bytes, const SegmentOuter& outer, const VaultId& vault,
                                 const RecordKey& records_key);

// BLAKE2b-256 of the whole bytes.
SegmentHash segment_hash(ByteView bytes);

}  // namespace lockstep
