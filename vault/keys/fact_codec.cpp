// Bytes of membership facts: vault/FORMAT.md, "Membership facts".
#include <algorithm>

#include "vault/keys/membership_fact.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kLogCutSize = LogId::kSize + 8 + SegmentHash::kSize;

void encode_cut(Encoder& out, const LogCut& cut) {
    out.id(cut.log).u64(cut.number).id(cut.hash);
}

LogCut decode_cut(Decoder& in) {
    LogCut out;
    out.log = in.id<LogId>();
    out.number = in.u64();
    out.hash = in.id<SegmentHash>();
    return out;
}

template <typename List, typename Less>
void require_ascending(Decoder& in, const List& list, Less less) {
    for (std::size_t i = 1; i < list.size(); ++i)
        if (!less(list[i - 1], list[i])) in.fail("list is not in ascending order");
}

template <typename IdType>
void encode_ids(Encoder& out, const std::vector<IdType>& ids) {
    out.u32(static_cast<std::uint32_t>(ids.size()));
    for (const IdType& id : ids) out.id(id);
}

template <typename IdType>
std::vector<IdType> decode_ids(Decoder& in, std::size_t count_max) {
    std::vector<IdType> out(in.count(count_max, IdType::kSize));
    for (IdType& id : out) id = in.template id<IdType>();
    require_ascending(in, out, std::less<>());
    return out;
}

void encode_role(Encoder& out, MemberRole role) {
    out.u8(static_cast<std::uint8_t>(role));
}

MemberRole decode_role(Decoder& in) {
    std::uint8_t role = in.u8();
    if (role < 1 || role > 4) in.fail("no such role");
    return static_cast<MemberRole>(role);
}

struct BodyEncoder {
    Encoder& out;

    void operator()(const AddFact& fact) const {
        encode_certificate(out, fact.certificate);
        encode_role(out, fact.role);
    }
    void operator()(const RevokeFact& fact) const {
        out.id(fact.device).u32(static_cast<std::uint32_t>(fact.cuts.size()));
        for (const LogCut& cut : fact.cuts) encode_cut(out, cut);
    }
    void operator()(const RetireFact& fact) const {
        out.id(fact.device);
        encode_cut(out, fact.cut);
    }
    void operator()(const RoleFact& fact) const {
        out.id(fact.device);
        encode_role(out, fact.role);
    }
    void operator()(const RotateFact& fact) const {
        out.id(fact.epoch).u32(fact.sequence).id(fact.secret).id(fact.replicator);
        encode_ids(out, fact.excluded);
    }
    void operator()(const RecoverFact& fact) const { encode_certificate(out, fact.certificate); }
    void operator()(const AddSlotFact& fact) const {
        out.u8(static_cast<std::uint8_t>(fact.type)).id(fact.sealing).id(fact.signing);
    }
    void operator()(const RemoveSlotFact& fact) const { out.id(fact.signing); }
};

FactBody decode_body(Decoder& in, std::uint8_t kind) {
    switch (kind) {
        case 1: {
            AddFact fact;
            fact.certificate = decode_certificate(in);
            fact.role = decode_role(in);
            return fact;
        }
        case 2: {
            RevokeFact fact;
            fact.device = in.id<DeviceId>();
            fact.cuts.resize(in.count(kLogsMax, kLogCutSize));
            for (LogCut& cut : fact.cuts) cut = decode_cut(in);
            require_ascending(in, fact.cuts,
                              [](const LogCut& a, const LogCut& b) { return a.log < b.log; });
            return fact;
        }
        case 3: {
            RetireFact fact;
            fact.device = in.id<DeviceId>();
            fact.cut = decode_cut(in);
            return fact;
        }
        case 4: {
            RoleFact fact;
            fact.device = in.id<DeviceId>();
            fact.role = decode_role(in);
            return fact;
        }
        case 5: {
            RotateFact fact;
            fact.epoch = in.id<EpochId>();
            fact.sequence = in.u32();
            fact.secret = in.id<Commitment>();
            fact.replicator = in.id<Commitment>();
            fact.excluded = decode_ids<DeviceId>(in, kDevicesMax);
            return fact;
        }
        case 6:
            return RecoverFact{decode_certificate(in)};
        case 7: {
            AddSlotFact fact;
            fact.type = static_cast<SlotType>(in.u8());
            fact.sealing = in.id<SealingPublicKey>();
            fact.signing = in.id<SigningPublicKey>();
            return fact;
        }
        case 8:
            return RemoveSlotFact{in.id<SigningPublicKey>()};
    }
    in.fail("no such kind of membership fact");
    return RemoveSlotFact{};
}

void encode_unsigned(Encoder& out, const MembershipFact& fact) {
    out.u8(static_cast<std::uint8_t>(fact.body.index() + 1)).id(fact.author);
    out.u64(static_cast<std::uint64_t>(fact.created_ms));
    encode_ids(out, fact.seen);
    std::visit(BodyEncoder{out}, fact.body);
}

Bytes signed_part(const VaultId& vault, const MembershipFact& fact) {
    Encoder out;
    out.id(vault);
    encode_unsigned(out, fact);
    return std::move(out).take();
}

Status verify_certificate(const VaultId& vault, const FactBody& body) {
    const DeviceCertificate* certificate = nullptr;
    if (const auto* add = std::get_if<AddFact>(&body)) certificate = &add->certificate;
    if (const auto* recover = std::get_if<RecoverFact>(&body)) certificate = &recover->certificate;
    if (certificate == nullptr) return {};
    if (certificate->vault != vault)
        return Error{ErrorKind::Corrupt, "device certificate is for another vault"};
    return certificate->verify();
}

}  // namespace

MembershipFact sign_fact(const VaultId& vault, const SigningKey& author, FactDraft draft) {
    MembershipFact fact{.author = author.public_key(),
                        .created_ms = draft.created_ms,
                        .seen = std::move(draft.seen),
                        .body = std::move(draft.body),
                        .signature = {}};
    CHECK(std::is_sorted(fact.seen.begin(), fact.seen.end()));
    fact.signature = author.sign(label::kSignFact, signed_part(vault, fact));
    return fact;
}

Bytes encode_fact(const MembershipFact& fact) {
    Encoder out;
    encode_unsigned(out, fact);
    out.id(fact.signature);
    return std::move(out).take();
}

FactId fact_id(const MembershipFact& fact) {
    return hash_as<FactId>(blake2b(encode_fact(fact)));
}

Result<MembershipFact> decode_fact(const VaultId& vault, ByteView bytes) {
    if (bytes.size() > kFactSizeMax)
        return Error{ErrorKind::Corrupt, "membership fact is longer than allowed"};
    Decoder in(bytes);
    MembershipFact fact;
    std::uint8_t kind = in.u8();
    if (!in.failed() && (kind == 0 || kind > std::variant_size_v<FactBody>))
        return Error{ErrorKind::Unsupported, "membership fact of a newer Lockstep"};
    fact.author = in.id<SigningPublicKey>();
    fact.created_ms = static_cast<std::int64_t>(in.u64());
    fact.seen = decode_ids<FactId>(in, kFactParentsMax);
    fact.body = decode_body(in, kind);
    fact.signature = in.id<Signature>();
    TRY_OK(in.finish());
    auto is_signed =
        verify(fact.author, label::kSignFact, signed_part(vault, fact), fact.signature);
    if (!is_signed.ok()) return std::move(is_signed).error().in("membership fact");
    TRY_OK(verify_certificate(vault, fact.body));
    return fact;
}

}  // namespace lockstep
