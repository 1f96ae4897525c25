// The bytes of a segment's replicator part.
#include <algorithm>

#include "base/codec.h"
#include "vault/log/segment_format.h"

namespace lockstep {
namespace {

Error refuse(std::string_view why) {
    return {ErrorKind::Corrupt, "replicator part: " + std::string(why)};
}

template <typename List>
bool is_strictly_sorted(const List& list) {
    return std::adjacent_find(list.begin(), list.end(),
                              [](const auto& a, const auto& b) { return !(a < b); }) == list.end();
}

// All that it says, the segments say that it stands for.
Status check_compacted(const ReplicatorPart& part, const SegmentHeader& header) {
    const CompactedRange& range = *part.compacted;
    if (!part.frontier.empty() || !part.packs.empty() || !part.condemned.empty() ||
        !part.consents.empty() || !part.collected.empty() || !part.extensions.empty())
        return refuse("a compacted segment says something itself");
    if (range.first_number >= header.number || range.replaced.size() > kSegmentsCompactedMax ||
        header.number - range.first_number + 1 != range.replaced.size())
        return refuse("number of segments replaced");
    for (const ReplacedSegment& one : range.replaced)
        if (!is_segment_size(one.length)) return refuse("length of a segment replaced");
    return {};
}

// The limits that writer and reader share.
Status check(const ReplicatorPart& part, const SegmentHeader& header) {
    if (part.frontier.size() > kLogsMax) return refuse("frontier above its limit");
    if (part.frontier.count(header.log) != 0) return refuse("frontier names its own log");
    for (const auto& [log, position] : part.frontier)
        if (position.number == 0) return refuse("frontier names segment 0");
    if (part.packs.size() > kSegmentPacksMax || part.condemned.size() > kSegmentPacksMax)
        return refuse("packs above their limit");
    for (std::size_t i = 0; i < part.packs.size(); ++i) {
        const PackInfo& pack = part.packs[i];
        if (pack.length < kPackSizeMin || pack.length > kPackSizeMax) return refuse("pack length");
        if (i > 0 && !(part.packs[i - 1].id < pack.id)) return refuse("packs not sorted");
    }
    if (!is_strictly_sorted(part.condemned)) return refuse("condemned packs not sorted");
    for (const auto* lists : {&part.consents, &part.collected}) {
        if (lists->size() > kSegmentCondemnationsMax) return refuse("condemnations above limit");
        for (std::size_t i = 0; i < lists->size(); ++i) {
            const CondemnedPacks& one = (*lists)[i];
            if (one.packs.size() > kSegmentPacksMax || !is_strictly_sorted(one.packs))
                return refuse("packs of a condemnation");
            if (i > 0 && !((*lists)[i - 1].condemned_by < one.condemned_by))
                return refuse("condemnations not sorted");
        }
    }
    if (part.compacted) TRY_OK(check_compacted(part, header));
    std::uint64_t first = part.compacted ? part.compacted->first_number : header.number;
    if (header.number == 0 || first == 0 || first > header.number) return refuse("numbers");
    if (part.previous.is_zero() != (first == 1)) return refuse("previous segment");
    if (part.extensions.size() > kSegmentExtensionsMax) return refuse("extensions above limit");
    for (std::size_t i = 0; i < part.extensions.size(); ++i) {
        if (part.extensions[i].body.size() > kSegmentExtensionSizeMax)
            return refuse("extension above its limit");
        if (i > 0 && part.extensions[i - 1].tag >= part.extensions[i].tag)
            return refuse("extensions not sorted");
    }
    return {};
}

void write_condemnations(Encoder& out, const std::vector<CondemnedPacks>& lists) {
    out.u32(static_cast<std::uint32_t>(lists.size()));
    for (const CondemnedPacks& one : lists) {
        out.id(one.condemned_by.log).u64(one.condemned_by.number);
        out.u32(static_cast<std::uint32_t>(one.packs.size()));
        for (const PackId& pack : one.packs) out.id(pack);
    }
}

std::vector<PackId> read_packs(Decoder& in) {
    std::vector<PackId> out;
    std::uint32_t count = in.count(kSegmentPacksMax, PackId::kSize);
    if (in.failed()) return out;
    out.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) out.push_back(in.id<PackId>());
    return out;
}

std::vector<CondemnedPacks> read_condemnations(Decoder& in) {
    std::vector<CondemnedPacks> out;
    std::uint32_t count = in.count(kSegmentCondemnationsMax, 16 + 8 + 4);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        SegmentRef segment{in.id<LogId>(), in.u64()};
        out.push_back({segment, read_packs(in)});
    }
    return out;
}

Status read_frontier(Decoder& in, Frontier& frontier) {
    std::uint32_t count = in.count(kLogsMax, 16 + 8 + 32);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        LogId log = in.id<LogId>();
        if (!frontier.empty() && !(frontier.rbegin()->first < log))
            return refuse("frontier not sorted");
        frontier[log] = {in.u64(), in.id<SegmentHash>()};
    }
    return in.status();
}

void write_range(Encoder& out, const CompactedRange& range) {
    out.u64(range.first_number).id(range.last);
    out.u32(static_cast<std::uint32_t>(range.replaced.size()));
    for (const ReplacedSegment& one : range.replaced)
        out.u32(one.length).id(one.sealed_records).bytes(one.fields).raw(one.signature.view());
}

CompactedRange read_range(Decoder& in) {
    CompactedRange out;
    out.first_number = in.u64();
    out.last = in.id<SegmentHash>();
    std::uint32_t count = in.count(kSegmentsCompactedMax, 4 + 32 + 4 + Signature::kSize);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        ReplacedSegment& one = out.replaced.emplace_back();
        one.length = in.u32();
        one.sealed_records = in.id<Hash256>();
        one.fields = to_bytes(in.bytes(kReplicatorPartSizeMax));
        one.signature = in.id<Signature>();
    }
    return out;
}

bool read_flag(Decoder& in) {
    std::uint8_t flag = in.u8();
    if (flag > 1) in.fail("flag is neither 0 nor 1");
    return flag == 1;
}

}  // namespace

Result<Bytes> encode_replicator_part(const ReplicatorPart& part, const SegmentHeader& header) {
    TRY_OK(check(part, header));
    Encoder out;
    out.id(part.device).id(part.incarnation).id(part.previous);
    out.u32(static_cast<std::uint32_t>(part.frontier.size()));
    for (const auto& [log, position] : part.frontier)
        out.id(log).u64(position.number).id(position.hash);
    out.u32(static_cast<std::uint32_t>(part.packs.size()));
    for (const PackInfo& pack : part.packs) out.id(pack.id).u64(pack.length);
    out.u32(static_cast<std::uint32_t>(part.condemned.size()));
    for (const PackId& pack : part.condemned) out.id(pack);
    write_condemnations(out, part.consents);
    write_condemnations(out, part.collected);
    out.u8(part.compacted ? 1 : 0);
    if (part.compacted) write_range(out, *part.compacted);
    out.u32(static_cast<std::uint32_t>(part.extensions.size()));
    for (const SegmentExtension& extension : part.extensions)
        out.u16(extension.tag).u8(extension.is_critical ? 1 : 0).bytes(extension.body);
    if (out.size() > kReplicatorPartSizeMax) return refuse("above its size limit");
    return std::move(out).take();
}

Result<ReplicatorPart> decode_replicator_part(ByteView bytes, const SegmentHeader& header) {
    if (bytes.size() > kReplicatorPartSizeMax) return refuse("above its size limit");
    Decoder in(bytes);
    ReplicatorPart part;
    part.device = in.id<DeviceId>();
    part.incarnation = in.id<IncarnationId>();
    part.previous = in.id<SegmentHash>();
    TRY_OK(read_frontier(in, part.frontier));
    std::uint32_t packs = in.count(kSegmentPacksMax, 32 + 8);
    for (std::uint32_t i = 0; i < packs && !in.failed(); ++i)
        part.packs.push_back({in.id<PackId>(), in.u64()});
    part.condemned = read_packs(in);
    part.consents = read_condemnations(in);
    part.collected = read_condemnations(in);
    if (read_flag(in)) part.compacted = read_range(in);
    std::uint32_t extensions = in.count(kSegmentExtensionsMax, 2 + 1 + 4);
    for (std::uint32_t i = 0; i < extensions && !in.failed(); ++i) {
        SegmentExtension extension{in.u16(), read_flag(in), {}};
        extension.body = to_bytes(in.bytes(kSegmentExtensionSizeMax));
        part.extensions.push_back(std::move(extension));
    }
    TRY_OK(in.finish());
    TRY_OK(check(part, header));
    for (const SegmentExtension& extension : part.extensions)
        if (extension.is_critical)
            return Error{ErrorKind::Unsupported, "replicator part: unknown critical extension"};
    return part;
}

SegmentExtension republishes(const std::vector<SegmentRef>& segments) {
    Encoder out;
    out.u32(static_cast<std::uint32_t>(segments.size()));
    for (const SegmentRef& segment : segments) out.id(segment.log).u64(segment.number);
    return {.tag = kRepublishesTag, .is_critical = false, .body = std::move(out).take()};
}

std::vector<SegmentRef> republished_by(const ReplicatorPart& part) {
    for (const SegmentExtension& extension : part.extensions) {
        if (extension.tag != kRepublishesTag) continue;
        Decoder in(extension.body);
        std::vector<SegmentRef> out;
        for (std::uint32_t count = in.u32(); count > 0 && in.status().ok(); --count) {
            SegmentRef segment;
            segment.log = in.id<LogId>();
            segment.number = in.u64();
            out.push_back(segment);
        }
        return in.finish().ok() ? out : std::vector<SegmentRef>{};
    }
    return {};
}

}  // namespace lockstep
