#include "vault/log/segment.h"

#include <algorithm>

#include "base/codec.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/kdf_labels.h"
#include "vault/log/segment_format.h"

namespace lockstep {
namespace {

Error corrupt(std::string_view why) {
    return {ErrorKind::Corrupt, "segment: " + std::string(why)};
}

Bytes encode_header(const SegmentHeader& header) {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::Segment});
    out.id(header.epoch).id(header.log).u64(header.number);
    out.u32(static_cast<std::uint32_t>(header.length));
    return std::move(out).take();
}

Bytes outer_aad(const VaultId& vault, const EpochId& epoch, ByteView header, SegmentSeal which) {
    Bytes extra = to_bytes(header);
    extra.push_back(static_cast<std::byte>(which));
    return associated_data({ObjectType::SegmentReplicator, vault, epoch}, extra);
}

// The nonce of what is sealed under the outer segment key: a keyed hash of associated data and
// plaintext. Two different messages have different nonces (up to a collision of 192 bits), and
// equal ones have equal bytes: so somebody who holds S_e (a blind member) cannot seal a signed part
// anew and show it as a second segment of that number. open_synthetic() refuses any other nonce.
class SyntheticNonce final : public Random {
  public:
    SyntheticNonce(const AnySecretKey& key, ByteView aad, ByteView plaintext)
        : hash_(keyed_hash(key, {as_bytes("segment nonce"), aad, plaintext})) {}

    void fill(MutableByteView out) override {
        CHECK(out.size() == kSealNonceSize);
        std::memcpy(out.data(), hash_.bytes.data(), out.size());
    }
    bool is(ByteView nonce) const { return equal(nonce, hash_.view().first(kSealNonceSize)); }

  private:
    Hash256 hash_;
};

void append_synthetic(Bytes& out, const AnySecretKey& key, ByteView aad, ByteView plaintext) {
    SyntheticNonce nonce(key, aad, plaintext);
    append_sealed(out, key, aad, plaintext, nonce);
}

Result<Bytes> open_synthetic(const AnySecretKey& key, ByteView aad, ByteView sealed) {
    TRY(Bytes plaintext, open(key, aad, sealed));
    if (!SyntheticNonce(key, aad, plaintext).is(sealed.first(kSealNonceSize)))
        return corrupt("sealed a second time");
    return plaintext;
}

Bytes signed_message(const VaultId& vault, ByteView header, ByteView replicator,
                     const Hash256& records) {
    Encoder out;
    out.id(vault).raw(header).bytes(replicator).id(records);
    return std::move(out).take();
}

void normalise(std::vector<PackId>& packs) {
    std::sort(packs.begin(), packs.end());
    packs.erase(std::unique(packs.begin(), packs.end()), packs.end());
}

ReplicatorPart normalised(ReplicatorPart part) {
    std::sort(part.packs.begin(), part.packs.end());
    part.packs.erase(std::unique(part.packs.begin(), part.packs.end()), part.packs.end());
    normalise(part.condemned);
    for (auto* lists : {&part.consents, &part.collected}) {
        for (CondemnedPacks& one : *lists) normalise(one.packs);
        std::sort(lists->begin(), lists->end());
    }
    return part;
}

// u32 length, the records, zeros up to `size`.
Bytes padded_records(ByteView records, std::size_t size) {
    Encoder out;
    out.bytes(records);
    Bytes plaintext = std::move(out).take();
    plaintext.resize(size);
    return plaintext;
}

// The segment's length when its parts have these sizes before sealing.
std::uint64_t segment_size(std::size_t signed_replicator, std::size_t records) {
    return padded_segment_size(kSegmentReplicatorOffset + signed_replicator + kSealOverhead + 4 +
                               records + kSealOverhead);
}

}  // namespace

Result<Bytes> build_segment(const SegmentDraft& draft, const SegmentKeys& keys, Random& random) {
    TRY(Bytes records, encode_records(draft.records, draft.log));
    SegmentHeader header{draft.epoch, draft.log, draft.number, 0};
    auto encoded = encode_replicator_part(normalised(draft.replicator), header);
    if (!encoded.ok()) return Error{ErrorKind::Invalid, std::move(encoded).error().message};
    Bytes replicator = std::move(encoded).value();

    header.length = segment_size(replicator.size() + kSignatureSize, records.size());
    if (header.length > kSegmentSizeMax)
        return Error{ErrorKind::TooLarge, "segment: more than one holds"};
    Bytes clear = encode_header(header);

    std::size_t records_offset =
        kSegmentReplicatorOffset + replicator.size() + kSignatureSize + kSealOverhead;
    Bytes plaintext = padded_records(records, header.length - records_offset - kSealOverhead);
    Bytes sealed_records = seal(
        keys.records, associated_data({ObjectType::SegmentRecords, keys.vault, draft.epoch}, clear),
        plaintext, random);

    Signature signature =
        keys.signing.sign(label::kSignSegment,
                          signed_message(keys.vault, clear, replicator, blake2b(sealed_records)));
    append(replicator, signature.view());

    const SegmentOuterKey& outer = keys.outer;
    Bytes out = clear;
    out.reserve(header.length);
    Encoder lengths;
    lengths.u32(static_cast<std::uint32_t>(replicator.size() + kSealOverhead));
    append_synthetic(out, outer, outer_aad(keys.vault, draft.epoch, clear, SegmentSeal::Lengths),
                     lengths.view());
    append_synthetic(out, outer, outer_aad(keys.vault, draft.epoch, clear, SegmentSeal::Replicator),
                     replicator);
    append(out, sealed_records);
    CHECK(out.size() == header.length);
    return out;
}

Result<SegmentHeader> read_segment_header(ByteView bytes) {
    Decoder in(bytes.first(std::min(bytes.size(), kSegmentHeaderSize)));
    TRY_OK(decode_prefix(in, ObjectType::Segment));
    SegmentHeader header;
    header.epoch = in.id<EpochId>();
    header.log = in.id<LogId>();
    header.number = in.u64();
    header.length = in.u32();
    TRY_OK(in.status());
    if (header.number == 0) return corrupt("number 0");
    if (header.length != bytes.size()) return corrupt("length is not that of its header");
    if (header.length > kSegmentSizeMax || padded_segment_size(header.length) != header.length)
        return corrupt("length is none that a segment can have");
    return header;
}

Result<SegmentOuter> open_outer(ByteView bytes, const SegmentLookup& lookup) {
    TRY(SegmentHeader header, read_segment_header(bytes));
    const SegmentOuterKey* key = lookup.outer_key_of(header.epoch);
    if (key == nullptr) return Error{ErrorKind::WrongKey, "segment: its epoch is not known here"};
    const SegmentOuterKey& outer = *key;
    ByteView clear = bytes.first(kSegmentHeaderSize);

    TRY(Bytes lengths,
        open_synthetic(outer, outer_aad(lookup.vault, header.epoch, clear, SegmentSeal::Lengths),
                       bytes.subspan(kSegmentHeaderSize, kSegmentLengthsSize)));
    std::size_t sealed_size = Decoder(lengths).u32();
    if (sealed_size < kSignatureSize + kSealOverhead ||
        sealed_size > bytes.size() - kSegmentReplicatorOffset)
        return corrupt("length of the replicator part");
    TRY(Bytes replicator,
        open_synthetic(outer, outer_aad(lookup.vault, header.epoch, clear, SegmentSeal::Replicator),
                       bytes.subspan(kSegmentReplicatorOffset, sealed_size)));
    ByteView fields = ByteView(replicator).first(replicator.size() - kSignatureSize);

    SegmentOuter out;
    out.header = header;
    out.records_offset = kSegmentReplicatorOffset + sealed_size;
    ByteView records = bytes.subspan(out.records_offset);
    if (records.size() < 4 + kSealOverhead) return corrupt("no record part");
    // Whose signature it must be stands first in the part: nothing else is looked at before it is
    // verified.
    DeviceId device = Decoder(fields).id<DeviceId>();
    std::optional<SigningPublicKey> signer = lookup.signer_of(device);
    if (!signer) return Error{ErrorKind::Refused, "segment: its device is no member"};
    TRY_OK(verify(*signer, label::kSignSegment,
                  signed_message(lookup.vault, clear, fields, blake2b(records)),
                  Signature::from(ByteView(replicator).last(kSignatureSize))));
    TRY(out.replicator, decode_replicator_part(fields, header));
    out.hash = segment_hash(bytes);
    return out;
}

Result<RecordBatch> open_records(ByteView bytes, const SegmentOuter& outer, const VaultId& vault,
                                 const RecordKey& records_key) {
    CHECK(outer.header.length == bytes.size() && outer.records_offset < bytes.size());
    const SegmentHeader& header = outer.header;
    TRY(Bytes plaintext, open(records_key,
                              associated_data({ObjectType::SegmentRecords, vault, header.epoch},
                                              bytes.first(kSegmentHeaderSize)),
                              bytes.subspan(outer.records_offset)));
    Decoder in(plaintext);
    ByteView records = in.bytes(plaintext.size());
    ByteView padding = in.raw(in.remaining());
    TRY_OK(in.status());
    if (std::any_of(padding.begin(), padding.end(), [](std::byte b) { return b != std::byte{0}; }))
        return corrupt("padding is not zero");
    std::size_t replicator = outer.records_offset - kSegmentReplicatorOffset - kSealOverhead;
    if (segment_size(replicator, records.size()) != header.length)
        return corrupt("padded further than needed");
    return decode_records(records, header.log);
}

SegmentHash segment_hash(ByteView bytes) {
    return hash_as<SegmentHash>(blake2b(bytes));
}

}  // namespace lockstep
