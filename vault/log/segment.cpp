#include "vault/log/segment.h"

#include <algorithm>

#include "vault/crypto/aead.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/kdf_labels.h"
#include "vault/log/segment_parts.h"

namespace lockstep {
namespace {

Error corrupt(std::string_view why) {
    return {ErrorKind::Corrupt, "segment: " + std::string(why)};
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

}  // namespace

Result<Bytes> build_segment(const SegmentDraft& draft, const SegmentKeys& keys, Random& random) {
    if (draft.replicator.compacted)
        return Error{ErrorKind::Invalid, "segment: one that stands for others is made of them"};
    TRY(Bytes records, encode_records(draft.records, draft.log));
    SegmentHeader header{draft.epoch, draft.log, draft.number, 0};
    auto fields = encode_replicator_part(normalised(draft.replicator), header);
    if (!fields.ok()) return Error{ErrorKind::Invalid, std::move(fields).error().message};
    header.length = segment_size(fields->size() + kSignatureSize, records.size());
    if (header.length > kSegmentSizeMax)
        return Error{ErrorKind::TooLarge, "segment: more than one holds"};
    const Bytes plaintext = padded_records(header, *fields, records);
    return sign_and_join(header, *fields, keys,
                         seal_record_part(header, plaintext, keys.vault, keys.records, random));
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
    if (!is_segment_size(header.length)) return corrupt("length is none that a segment can have");
    return header;
}

Result<SegmentOuter> open_outer(ByteView bytes, const SegmentLookup& lookup) {
    TRY(SegmentHeader header, read_segment_header(bytes));
    const SegmentOuterKey* key = lookup.outer_key_of(header.epoch);
    if (key == nullptr) return Error{ErrorKind::WrongKey, "segment: its epoch is not known here"};
    const SegmentOuterKey& outer = *key;
    ByteView clear = bytes.first(kSegmentHeaderSize);

    TRY(Bytes lengths,
        open_synthetic(outer,
                       outer_part_aad(lookup.vault, header.epoch, clear, SegmentSeal::Lengths),
                       bytes.subspan(kSegmentHeaderSize, kSegmentLengthsSize)));
    std::size_t sealed_size = Decoder(lengths).u32();
    if (sealed_size < kSignatureSize + kSealOverhead ||
        sealed_size > bytes.size() - kSegmentReplicatorOffset)
        return corrupt("length of the replicator part");
    TRY(Bytes replicator,
        open_synthetic(outer,
                       outer_part_aad(lookup.vault, header.epoch, clear, SegmentSeal::Replicator),
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
    if (outer.replicator.compacted) return corrupt("it stands for others and holds no records");
    TRY(OpenedRecordPart part, open_record_part(bytes, outer, vault, records_key));
    return decode_records(part.records(), outer.header.log);
}

SegmentHash segment_hash(ByteView bytes) {
    return hash_as<SegmentHash>(blake2b(bytes));
}

}  // namespace lockstep
