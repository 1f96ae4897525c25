// How a segment is put together and taken apart: what segment.cpp and compaction.cpp share. Format:
// vault/FORMAT.md, "Segments".
#pragma once

#include "base/codec.h"
#include "vault/log/segment_format.h"

namespace lockstep {

// The nonce of what must have one encoding: a keyed hash of associated data and plaintext. Two
// different messages have different nonces (up to a collision of 192 bits), and equal ones have
// equal bytes.
class SyntheticNonce final : public Random {
  public:
    SyntheticNonce(const AnySecretKey& key, ByteView aad, ByteView plaintext);
    // REQUIRES: it is a nonce that is asked for
    void fill(MutableByteView out) override;
    bool is(ByteView nonce) const { return equal(nonce, hash_.view().first(kSealNonceSize)); }

  private:
    Hash256 hash_;
};

Bytes encode_segment_header(const SegmentHeader& header);
// `clear`: the header's bytes, with whatever flags they have.
Bytes outer_part_aad(const VaultId& vault, const EpochId& epoch, ByteView clear, SegmentSeal which);
Bytes record_part_aad(const VaultId& vault, const EpochId& epoch, ByteView clear);
Result<Bytes> open_synthetic(const AnySecretKey& key, ByteView aad, ByteView sealed);
// What the device signs.
Bytes signed_message(const VaultId& vault, ByteView clear, ByteView fields,
                     const Hash256& sealed_records);
Bytes seal_record_part(const SegmentHeader& header, ByteView plaintext, const VaultId& vault,
                       const RecordKey& key, Random& random);

// The segment's length when its parts have these sizes before sealing.
std::uint64_t segment_size(std::size_t signed_replicator, std::size_t records);
// Where the sealed record part begins. `fields`: the replicator part without its signature.
std::size_t records_offset_of(ByteView fields);
// u32 length, the records, zeros: as long as makes the segment header.length bytes.
Bytes padded_records(const SegmentHeader& header, ByteView fields, ByteView records);

// The whole segment. REQUIRES: sizes are those of header.length
Bytes join_segment(const SegmentHeader& header, ByteView fields, const Signature& signature,
                   ByteView sealed_records, const VaultId& vault, const SegmentOuterKey& outer);
Bytes sign_and_join(const SegmentHeader& header, ByteView fields, const SegmentKeys& keys,
                    ByteView sealed_records);

// A record part opened, its padding verified.
struct OpenedRecordPart {
    Bytes plaintext;
    std::size_t size = 0;  // of the records
    ByteView records() const { return ByteView(plaintext).subspan(4, size); }
};
Result<OpenedRecordPart> open_record_part(ByteView bytes, const SegmentOuter& outer,
                                          const VaultId& vault, const RecordKey& key);

}  // namespace lockstep
