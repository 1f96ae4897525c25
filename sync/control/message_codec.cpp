#include "base/codec.h"
#include "sync/control/messages.h"

namespace lockstep {

namespace {

enum class Kind : std::uint8_t {
    Hello = 1,
    Keys = 2,
    WantKeys = 3,
    KeyObject = 4,
    Heads = 5,
    WantSegments = 6,
    Segment = 7,
    NoSegment = 8,
    WantPacks = 9,
    Pack = 10,
    NoPack = 11,
    PackReady = 12,
    HavePacks = 13,
    Credit = 14,
    Ping = 15,
    Pong = 16,
    Fetching = 17,
    Addresses = 18,
    WantRanges = 19,
    Range = 20,
    NoRanges = 21,
    AskPacks = 22,
    HeldPacks = 23,
    LackingPacks = 24,
    Audit = 25,
    Audited = 26,
    Alive = 27,
};

Encoder begin(Kind kind) {
    Encoder out;
    out.u8(static_cast<std::uint8_t>(kind));
    return out;
}

template <typename IdType>
void put_ids(Encoder& out, const std::vector<IdType>& ids) {
    out.u32(static_cast<std::uint32_t>(ids.size()));
    for (const IdType& id : ids) out.id(id);
}

template <typename IdType>
std::vector<IdType> get_ids(Decoder& in, std::size_t count_max) {
    std::uint32_t count = in.count(count_max, IdType::kSize);
    std::vector<IdType> ids;
    ids.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) ids.push_back(in.id<IdType>());
    return ids;
}

Encoder encode(const HelloMessage& m) {
    Encoder out = begin(Kind::Hello);
    out.text(m.label).u16(m.listen_port);
    return out;
}
Encoder encode(const KeysMessage& m) {
    Encoder out = begin(Kind::Keys);
    put_ids(out, m.ids);
    return out;
}
Encoder encode(const WantKeysMessage& m) {
    Encoder out = begin(Kind::WantKeys);
    put_ids(out, m.ids);
    return out;
}
Encoder encode(const KeyObjectMessage& m) {
    Encoder out = begin(Kind::KeyObject);
    out.id(m.id).u32(m.size).u32(m.offset).bytes(m.part);
    return out;
}
void put_frontier(Encoder& out, const Frontier& frontier) {
    out.u32(static_cast<std::uint32_t>(frontier.size()));
    for (const auto& [log, position] : frontier) out.id(log).u64(position.number).id(position.hash);
}

Encoder encode(const HeadsMessage& m) {
    Encoder out = begin(Kind::Heads);
    out.u64(m.missing_packs).u64(m.missing_bytes).u64(m.left_out_packs);
    put_frontier(out, m.frontier);
    return out;
}
Encoder encode(const WantSegmentsMessage& m) {
    Encoder out = begin(Kind::WantSegments);
    out.id(m.log).u64(m.first).u64(m.last);
    return out;
}
Encoder encode(const SegmentMessage& m) {
    Encoder out = begin(Kind::Segment);
    out.id(m.segment.log).u64(m.segment.number).u32(m.size).u32(m.offset).bytes(m.part);
    return out;
}
Encoder encode(const NoSegmentMessage& m) {
    Encoder out = begin(Kind::NoSegment);
    out.id(m.segment.log).u64(m.segment.number);
    return out;
}
Encoder encode(const WantPacksMessage& m) {
    Encoder out = begin(Kind::WantPacks);
    out.u32(static_cast<std::uint32_t>(m.wants.size()));
    for (const PackWant& want : m.wants)
        out.id(want.pack.id).u64(want.pack.length).u8(static_cast<std::uint8_t>(want.route));
    return out;
}
Encoder encode(const PackMessage& m) {
    Encoder out = begin(Kind::Pack);
    out.id(m.pack).u32(m.size).u32(m.offset).bytes(m.part);
    return out;
}
Encoder encode(const NoPackMessage& m) {
    Encoder out = begin(Kind::NoPack);
    out.id(m.pack);
    return out;
}
Encoder encode(const PackReadyMessage& m) {
    Encoder out = begin(Kind::PackReady);
    out.id(m.pack);
    return out;
}
Encoder encode(const HavePacksMessage& m) {
    Encoder out = begin(Kind::HavePacks);
    put_ids(out, m.packs);
    return out;
}
Encoder encode(const LackingPacksMessage& m) {
    Encoder out = begin(Kind::LackingPacks);
    put_ids(out, m.packs);
    return out;
}
Encoder encode(const CreditMessage& m) {
    Encoder out = begin(Kind::Credit);
    out.u32(m.bytes);
    return out;
}
Encoder encode(const PingMessage&) {
    return begin(Kind::Ping);
}
Encoder encode(const PongMessage&) {
    return begin(Kind::Pong);
}
Encoder encode(const FetchingMessage& m) {
    Encoder out = begin(Kind::Fetching);
    out.u32(static_cast<std::uint32_t>(m.packs.size()));
    for (const auto& entry : m.packs) out.id(entry.pack).u32(entry.received);
    return out;
}
Encoder encode(const AddressesMessage& m) {
    Encoder out = begin(Kind::Addresses);
    out.u32(static_cast<std::uint32_t>(m.members.size()));
    for (const auto& entry : m.members)
        out.id(entry.device).text(entry.address.host).u16(entry.address.port);
    return out;
}
Encoder encode(const WantRangesMessage& m) {
    Encoder out = begin(Kind::WantRanges);
    out.u32(m.number).id(m.request.pack.id).u64(m.request.pack.length);
    out.u32(static_cast<std::uint32_t>(m.request.spans.size()));
    for (const PackSpan& span : m.request.spans) out.u32(span.offset).u32(span.length);
    return out;
}
Encoder encode(const RangeMessage& m) {
    Encoder out = begin(Kind::Range);
    out.u32(m.number).u32(m.offset).bytes(m.part);
    return out;
}
Encoder encode(const NoRangesMessage& m) {
    Encoder out = begin(Kind::NoRanges);
    out.u32(m.number);
    return out;
}
Encoder encode(const AskPacksMessage& m) {
    Encoder out = begin(Kind::AskPacks);
    out.u64(m.number).u32(m.seconds);
    put_ids(out, m.packs);
    return out;
}
Encoder encode(const AuditMessage& m) {
    Encoder out = begin(Kind::Audit);
    out.u32(m.number).u32(static_cast<std::uint32_t>(m.blocks.size()));
    for (const BlockAudit& audit : m.blocks)
        out.id(audit.pack.id).u64(audit.pack.length).u32(audit.block);
    return out;
}
Encoder encode(const AuditedMessage& m) {
    Encoder out = begin(Kind::Audited);
    out.u32(m.number).u32(m.index).bytes(m.proof.block);
    out.u32(static_cast<std::uint32_t>(m.proof.path.size()));
    for (const MerkleHash& hash : m.proof.path) out.id(hash);
    return out;
}
Encoder encode(const AliveMessage& m) {
    Encoder out = begin(Kind::Alive);
    out.id(m.sign.device).u64(m.sign.time_ms);
    put_frontier(out, m.sign.frontier);
    out.raw(m.sign.signature);
    return out;
}
Encoder encode(const HeldPacksMessage& m) {
    Encoder out = begin(Kind::HeldPacks);
    out.u64(m.number);
    put_ids(out, m.packs);
    return out;
}

HelloMessage get_hello(Decoder& in) {
    HelloMessage m;
    m.label = in.text(kDeviceLabelSizeMax);
    m.listen_port = in.u16();
    return m;
}

Frontier get_frontier(Decoder& in, std::size_t logs_max) {
    Frontier frontier;
    const std::uint32_t count = in.count(logs_max, LogId::kSize + 8 + SegmentHash::kSize);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        LogId log = in.id<LogId>();
        LogPosition position;
        position.number = in.u64();
        position.hash = in.id<SegmentHash>();
        if (!frontier.empty() && log <= frontier.rbegin()->first) in.fail("logs out of order");
        if (position.number == 0) in.fail("a log without segments");
        frontier.emplace_hint(frontier.end(), log, position);
    }
    return frontier;
}

HeadsMessage get_heads(Decoder& in) {
    HeadsMessage m;
    m.missing_packs = in.u64();
    m.missing_bytes = in.u64();
    m.left_out_packs = in.u64();
    m.frontier = get_frontier(in, kLogsMax);
    return m;
}

WantSegmentsMessage get_want_segments(Decoder& in) {
    WantSegmentsMessage m;
    m.log = in.id<LogId>();
    m.first = in.u64();
    m.last = in.u64();
    if (m.first == 0 || m.last < m.first || m.last - m.first >= kSegmentsWantedMax)
        in.fail("not a range");
    return m;
}

// Size, offset and bytes of a part; a part is never empty and never beyond its object.
void get_part(Decoder& in, std::size_t size_max, std::uint32_t& size, std::uint32_t& offset,
              Bytes& part) {
    size = in.u32();
    offset = in.u32();
    ByteView view = in.bytes(kPartSizeMax);
    if (size > size_max || view.empty() || offset > size || view.size() > size - offset)
        in.fail("not a part");
    if (!in.failed()) part = to_bytes(view);
}

SegmentRef get_segment_ref(Decoder& in) {
    SegmentRef segment;
    segment.log = in.id<LogId>();
    segment.number = in.u64();
    if (segment.number == 0) in.fail("segments count from 1");
    return segment;
}

KeyObjectMessage get_key_object(Decoder& in) {
    KeyObjectMessage m;
    m.id = in.id<KeyObjectId>();
    if (in.remaining() == 12 && !in.failed()) {
        if (in.u32() != 0 || in.u32() != 0 || in.u32() != 0) in.fail("not a part");
        return m;
    }
    get_part(in, kKeyObjectSizeMax, m.size, m.offset, m.part);
    return m;
}

WantPacksMessage get_want_packs(Decoder& in) {
    WantPacksMessage m;
    std::uint32_t count = in.count(kPacksListedMax, PackId::kSize + 8 + 1);
    m.wants.reserve(count);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        PackWant want;
        want.pack.id = in.id<PackId>();
        want.pack.length = in.u64();
        std::uint8_t route = in.u8();
        if (want.pack.length == 0 || want.pack.length > kPackObjectSizeMax)
            in.fail("no length of a pack");
        if (route < 1 || route > 3) in.fail("unknown route");
        want.route = static_cast<PackRoute>(route);
        m.wants.push_back(want);
    }
    return m;
}

FetchingMessage get_fetching(Decoder& in) {
    FetchingMessage m;
    std::uint32_t count = in.count(kFetchingListedMax, PackId::kSize + 4);
    m.packs.reserve(count);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        PackId pack = in.id<PackId>();
        m.packs.push_back({pack, in.u32()});
    }
    return m;
}

WantRangesMessage get_want_ranges(Decoder& in) {
    WantRangesMessage m;
    m.number = in.u32();
    m.request.pack.id = in.id<PackId>();
    m.request.pack.length = in.u64();
    if (m.request.pack.length > kPackObjectSizeMax) in.fail("no length of a pack");
    const std::uint32_t count = in.count(kRangeSpansMax, 8);
    if (count == 0) in.fail("no ranges");
    std::uint64_t end = 0, total = 0;
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const PackSpan span{in.u32(), in.u32()};
        if (span.length == 0 || (i > 0 && span.offset <= end)) in.fail("ranges out of order");
        end = std::uint64_t{span.offset} + span.length;
        total += span.length;
        if (end > m.request.pack.length || total > kRangeBytesMax) in.fail("no such ranges");
        m.request.spans.push_back(span);
    }
    return m;
}

AddressesMessage get_addresses(Decoder& in) {
    AddressesMessage m;
    std::uint32_t count = in.count(kAddressesListedMax, DeviceId::kSize + 4 + 2);
    m.members.reserve(count);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        AddressesMessage::Entry entry;
        entry.device = in.id<DeviceId>();
        entry.address.host = in.text(kAddressTextSizeMax);
        entry.address.port = in.u16();
        m.members.push_back(std::move(entry));
    }
    return m;
}

RangeMessage get_range(Decoder& in) {
    RangeMessage m;
    m.number = in.u32();
    m.offset = in.u32();
    ByteView part = in.bytes(kPartSizeMax);
    if (part.empty() || m.offset > kRangeBytesMax || part.size() > kRangeBytesMax - m.offset)
        in.fail("not a part");
    if (!in.failed()) m.part = to_bytes(part);
    return m;
}

AuditMessage get_audit(Decoder& in) {
    AuditMessage m;
    m.number = in.u32();
    const std::uint32_t count = in.count(kAuditedAtOnce, PackId::kSize + 8 + 4);
    if (count == 0) in.fail("asks for nothing");
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        BlockAudit audit;
        audit.pack.id = in.id<PackId>();
        audit.pack.length = in.u64();
        audit.block = in.u32();
        if (audit.pack.length == 0 || audit.pack.length > kPackSizeMax ||
            audit.block >= merkle_block_count(audit.pack.length))
            in.fail("no block of a pack");
        m.blocks.push_back(audit);
    }
    return m;
}

AuditedMessage get_audited(Decoder& in) {
    AuditedMessage m;
    m.number = in.u32();
    m.index = in.u32();
    if (m.index >= kAuditedAtOnce) in.fail("no answer to a question");
    const ByteView block = in.bytes(kMerkleBlockSize);
    if (!in.failed()) m.proof.block = to_bytes(block);
    const std::uint32_t count = in.count(kBlockPathMax, MerkleHash::kSize);
    if (m.proof.block.empty() && count != 0) in.fail("a path from nothing");
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i)
        m.proof.path.push_back(in.id<MerkleHash>());
    return m;
}

AliveMessage get_alive(Decoder& in) {
    AliveMessage m;
    m.sign.device = in.id<DeviceId>();
    m.sign.time_ms = in.u64();
    m.sign.frontier = get_frontier(in, kAliveLogsMax);
    const ByteView signature = in.raw(m.sign.signature.size());
    if (!in.failed()) std::copy(signature.begin(), signature.end(), m.sign.signature.begin());
    return m;
}

std::vector<PackId> get_sorted_packs(Decoder& in) {
    std::vector<PackId> packs = get_ids<PackId>(in, kPacksAskedMax);
    for (std::size_t i = 1; i < packs.size() && !in.failed(); ++i)
        if (packs[i] <= packs[i - 1]) in.fail("packs out of order");
    return packs;
}

Message get(Kind kind, Decoder& in) {
    switch (kind) {
        case Kind::Hello:
            return get_hello(in);
        case Kind::Keys:
            return KeysMessage{get_ids<KeyObjectId>(in, kKeyObjectsListedMax)};
        case Kind::WantKeys:
            return WantKeysMessage{get_ids<KeyObjectId>(in, kKeyObjectsListedMax)};
        case Kind::KeyObject:
            return get_key_object(in);
        case Kind::Heads:
            return get_heads(in);
        case Kind::WantSegments:
            return get_want_segments(in);
        case Kind::Segment: {
            SegmentMessage m;
            m.segment = get_segment_ref(in);
            get_part(in, kSegmentObjectSizeMax, m.size, m.offset, m.part);
            return m;
        }
        case Kind::NoSegment:
            return NoSegmentMessage{get_segment_ref(in)};
        case Kind::WantPacks:
            return get_want_packs(in);
        case Kind::Pack: {
            PackMessage m;
            m.pack = in.id<PackId>();
            get_part(in, kPackObjectSizeMax, m.size, m.offset, m.part);
            return m;
        }
        case Kind::NoPack:
            return NoPackMessage{in.id<PackId>()};
        case Kind::PackReady:
            return PackReadyMessage{in.id<PackId>()};
        case Kind::HavePacks:
            return HavePacksMessage{get_ids<PackId>(in, kPacksListedMax)};
        case Kind::LackingPacks:
            return LackingPacksMessage{get_ids<PackId>(in, kLackingListedMax)};
        case Kind::Credit: {
            CreditMessage m{in.u32()};
            if (m.bytes == 0 || m.bytes > kSendWindow) in.fail("no credit");
            return m;
        }
        case Kind::Ping:
            return PingMessage{};
        case Kind::Pong:
            return PongMessage{};
        case Kind::Fetching:
            return get_fetching(in);
        case Kind::Addresses:
            return get_addresses(in);
        case Kind::WantRanges:
            return get_want_ranges(in);
        case Kind::Range:
            return get_range(in);
        case Kind::NoRanges:
            return NoRangesMessage{in.u32()};
        case Kind::AskPacks: {
            AskPacksMessage m;
            m.number = in.u64();
            m.seconds = in.u32();
            m.packs = get_sorted_packs(in);
            return m;
        }
        case Kind::Audit:
            return get_audit(in);
        case Kind::Audited:
            return get_audited(in);
        case Kind::Alive:
            return get_alive(in);
        case Kind::HeldPacks: {
            HeldPacksMessage m;
            m.number = in.u64();
            m.packs = get_sorted_packs(in);
            return m;
        }
    }
    in.fail("unknown message");
    return PingMessage{};
}

}  // namespace

Bytes encode_message(const Message& message) {
    return std::visit([](const auto& m) { return encode(m).take(); }, message);
}

Result<Message> decode_message(ByteView bytes) {
    Decoder in(bytes);
    Kind kind{in.u8()};
    if (in.failed()) return in.status().error();
    Message message = get(kind, in);
    TRY_OK(in.finish());
    return message;
}

bool is_free_of_credit(const Message& message) {
    return std::holds_alternative<CreditMessage>(message) ||
           std::holds_alternative<PingMessage>(message) ||
           std::holds_alternative<PongMessage>(message);
}

}  // namespace lockstep
