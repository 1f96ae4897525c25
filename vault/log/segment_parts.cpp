#include "vault/log/segment_parts.h"

#include <algorithm>
#include <cstring>

#include "vault/crypto/kdf_labels.h"

namespace lockstep {

// Of what is sealed under the outer segment key: somebody who holds S_e (a blind member) cannot
// seal a signed part anew and show it as a second segment of that number, because open_synthetic()
// refuses any other nonce. Of a compacted segment's record part: whoever compacts the same segments
// makes the same bytes.
SyntheticNonce::SyntheticNonce(const AnySecretKey& key, ByteView aad, ByteView plaintext)
    : hash_(keyed_hash(key, {as_bytes("segment nonce"), aad, plaintext})) {}

void SyntheticNonce::fill(MutableByteView out) {
    CHECK(out.size() == kSealNonceSize);
    std::memcpy(out.data(), hash_.bytes.data(), out.size());
}

Bytes encode_segment_header(const SegmentHeader& header) {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::Segment});
    out.id(header.epoch).id(header.log).u64(header.number);
    out.u32(static_cast<std::uint32_t>(header.length));
    return std::move(out).take();
}

Bytes outer_part_aad(const VaultId& vault, const EpochId& epoch, ByteView clear,
                     SegmentSeal which) {
    Bytes extra = to_bytes(clear);
    extra.push_back(static_cast<std::byte>(which));
    return associated_data({ObjectType::SegmentReplicator, vault, epoch}, extra);
}

Bytes record_part_aad(const VaultId& vault, const EpochId& epoch, ByteView clear) {
    return associated_data({ObjectType::SegmentRecords, vault, epoch}, clear);
}

namespace {
void append_synthetic(Bytes& out, const AnySecretKey& key, ByteView aad, ByteView plaintext) {
    SyntheticNonce nonce(key, aad, plaintext);
    append_sealed(out, key, aad, plaintext, nonce);
}
}  // namespace

Result<Bytes> open_synthetic(const AnySecretKey& key, ByteView aad, ByteView sealed) {
    TRY(Bytes plaintext, open(key, aad, sealed));
    if (!SyntheticNonce(key, aad, plaintext).is(sealed.first(kSealNonceSize)))
        return Error{ErrorKind::Corrupt, "segment: sealed a second time"};
    return plaintext;
}

Bytes signed_message(const VaultId& vault, ByteView clear, ByteView fields,
                     const Hash256& sealed_records) {
    Encoder out;
    out.id(vault).raw(clear).bytes(fields).id(sealed_records);
    return std::move(out).take();
}

Bytes seal_record_part(const SegmentHeader& header, ByteView plaintext, const VaultId& vault,
                       const RecordKey& key, Random& random) {
    return seal(key, record_part_aad(vault, header.epoch, encode_segment_header(header)), plaintext,
                random);
}

std::uint64_t segment_size(std::size_t signed_replicator, std::size_t records) {
    return padded_segment_size(kSegmentReplicatorOffset + signed_replicator + kSealOverhead + 4 +
                               records + kSealOverhead);
}

std::size_t records_offset_of(ByteView fields) {
    return kSegmentReplicatorOffset + fields.size() + kSignatureSize + kSealOverhead;
}

Bytes padded_records(const SegmentHeader& header, ByteView fields, ByteView records) {
    Encoder out;
    out.bytes(records);
    Bytes plaintext = std::move(out).take();
    plaintext.resize(header.length - records_offset_of(fields) - kSealOverhead);
    return plaintext;
}

Bytes join_segment(const SegmentHeader& header, ByteView fields, const Signature& signature,
                   ByteView sealed_records, const VaultId& vault, const SegmentOuterKey& outer) {
    Bytes replicator = to_bytes(fields);
    append(replicator, signature.view());
    const Bytes clear = encode_segment_header(header);
    Bytes out = clear;
    out.reserve(header.length);
    Encoder lengths;
    lengths.u32(static_cast<std::uint32_t>(replicator.size() + kSealOverhead));
    append_synthetic(out, outer, outer_part_aad(vault, header.epoch, clear, SegmentSeal::Lengths),
                     lengths.view());
    append_synthetic(out, outer,
                     outer_part_aad(vault, header.epoch, clear, SegmentSeal::Replicator),
                     replicator);
    append(out, sealed_records);
    CHECK(out.size() == header.length);
    return out;
}

Bytes sign_and_join(const SegmentHeader& header, ByteView fields, const SegmentKeys& keys,
                    ByteView sealed_records) {
    const Signature signature = keys.signing.sign(
        label::kSignSegment,
        signed_message(keys.vault, encode_segment_header(header), fields, blake2b(sealed_records)));
    return join_segment(header, fields, signature, sealed_records, keys.vault, keys.outer);
}

Result<OpenedRecordPart> open_record_part(ByteView bytes, const SegmentOuter& outer,
                                          const VaultId& vault, const RecordKey& key) {
    CHECK(outer.header.length == bytes.size() && outer.records_offset < bytes.size());
    const auto corrupt = [](std::string_view why) {
        return Error{ErrorKind::Corrupt, "segment: " + std::string(why)};
    };
    OpenedRecordPart out;
    TRY(out.plaintext,
        open(key, record_part_aad(vault, outer.header.epoch, bytes.first(kSegmentHeaderSize)),
             bytes.subspan(outer.records_offset)));
    Decoder in(out.plaintext);
    out.size = in.bytes(out.plaintext.size()).size();
    ByteView padding = in.raw(in.remaining());
    TRY_OK(in.status());
    if (std::any_of(padding.begin(), padding.end(), [](std::byte b) { return b != std::byte{0}; }))
        return corrupt("padding is not zero");
    std::size_t replicator = outer.records_offset - kSegmentReplicatorOffset - kSealOverhead;
    if (segment_size(replicator, out.size) != outer.header.length)
        return corrupt("padded further than needed");
    return out;
}

}  // namespace lockstep
