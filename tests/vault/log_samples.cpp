#include "tests/vault/log_samples.h"

#include <algorithm>

#include "vault/limits.h"

namespace lockstep {
namespace {

Bytes filled(std::size_t size, std::uint8_t fill) {
    return Bytes(size, static_cast<std::byte>(fill));
}

template <typename IdType>
std::vector<IdType> sorted_ids(SeededRandom& random, std::size_t count) {
    std::vector<IdType> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(random.id<IdType>());
    std::sort(out.begin(), out.end());
    return out;
}

Stamp random_stamp(SeededRandom& random) {
    return {random.u64(), random.chance(80) ? kOwnLog : random.id<LogId>()};
}

std::string random_name(SeededRandom& random) {
    std::string name(1 + random.below(30), 'n');
    for (char& c : name) c = static_cast<char>('a' + random.below(26));
    return name;
}

Content random_content(SeededRandom& random) {
    Content content;
    content.root = random.id<ContentRoot>();
    switch (random.below(3)) {
        case 0:
            content.inline_bytes = random.bytes(random.below(200));
            content.size = content.inline_bytes.size();
            break;
        case 1:
            content.kind = Content::Kind::Chunk;
            content.size = 1 + random.below(kSingleChunkSizeMax);
            break;
        default:
            content.kind = Content::Kind::List;
            content.size = random.below(kFileSizeMax);
            content.depth = static_cast<std::uint8_t>(1 + random.below(kContentDepthMax));
    }
    return content;
}

AttributeRecord random_attribute(SeededRandom& random, const FileId& file, const Stamp& stamp) {
    AttributeRecord r{file, AttributeKey::Mode, {}, stamp, random.bytes(4)};
    switch (random.below(3)) {
        case 0:
            return r;
        case 1:
            r.key = AttributeKey::ModifiedNs;
            r.value = random.bytes(8);
            return r;
        default:
            r.key = AttributeKey::Xattr;
            r.xattr = "user." + random_name(random);
            r.value =
                random.chance(70) ? std::optional(random.bytes(random.below(50))) : std::nullopt;
            return r;
    }
}

}  // namespace

std::vector<Record> one_of_each() {
    LinkId link = id_of<LinkId>(0x11);
    FileId file = id_of<FileId>(0x22), directory = id_of<FileId>(0x33);
    Stamp first{0x0001'0000, kOwnLog}, second{0x0002'0000, kOwnLog}, other{0x0001'8000, kOtherLog};
    VersionId version = id_of<VersionId>(0x44), old = id_of<VersionId>(0x45);
    Content content{Content::Kind::Inline, 5, id_of<ContentRoot>(0x55), 0,
                    to_bytes(as_bytes("hello"))};
    return {
        LinkRecord{link, file, FileType::Regular, first},
        ParentRecord{link, first, directory},
        NameRecord{link, first, "notes.txt"},
        AttributeRecord{file, AttributeKey::Mode, "", first, filled(4, 1)},
        AttributeRecord{file, AttributeKey::ModifiedNs, "", first, filled(8, 2)},
        AttributeRecord{file, AttributeKey::Xattr, "user.color", first, filled(3, 3)},
        AttributeRecord{file, AttributeKey::Xattr, "user.gone", first, std::nullopt},
        VersionRecord{file, version, content, {old}, second, "laptop"},
        ResolveRecord{file, {old}, second},
        ParentRecord{link, second, kRootFile},
        NameRecord{link, other, "renamed"},
        DeleteRecord{link, second, other, {version}, {link}, other},
        LinkRecord{id_of<LinkId>(0x12), file, FileType::Regular, other},
    };
}

std::vector<Record> random_records(SeededRandom& random, std::size_t count) {
    std::vector<Record> out;
    Stamp stamp = random_stamp(random);
    while (out.size() < count) {
        if (random.chance(60)) stamp = random_stamp(random);
        LinkId link = random.id<LinkId>();
        FileId file = random.id<FileId>();
        switch (random.below(7)) {
            case 0:
                out.push_back(LinkRecord{link, file, FileType::Directory, stamp});
                if (random.chance(80))
                    out.push_back(ParentRecord{link, stamp, random.id<FileId>()});
                if (random.chance(80)) out.push_back(NameRecord{link, stamp, random_name(random)});
                break;
            case 1:
                out.push_back(ParentRecord{link, stamp, random.id<FileId>()});
                break;
            case 2:
                out.push_back(NameRecord{link, stamp, random_name(random)});
                break;
            case 3:
                for (std::uint64_t n = 1 + random.below(4); n > 0; --n)
                    out.push_back(random_attribute(random, file, stamp));
                break;
            case 4:
                out.push_back(VersionRecord{file, random.id<VersionId>(), random_content(random),
                                            sorted_ids<VersionId>(random, random.below(4)), stamp,
                                            random_name(random)});
                break;
            case 5:
                out.push_back(
                    ResolveRecord{file, sorted_ids<VersionId>(random, random.below(4)), stamp});
                break;
            default:
                out.push_back(DeleteRecord{link, random_stamp(random), random_stamp(random),
                                           sorted_ids<VersionId>(random, random.below(4)),
                                           sorted_ids<LinkId>(random, random.below(4)), stamp});
        }
    }
    out.resize(count, LinkRecord{});
    return out;
}

LogWriter::LogWriter(std::uint8_t name, const LogId& own_log)
    : device(id_of<DeviceId>(name)),
      log(own_log),
      signing(SigningSeed::from(id_of<Id<void, 32>>(name).view())),
      random(name) {}

SegmentLookup LogWriter::lookup() const {
    return {vault, [this](const EpochId& id) { return id == epoch ? &outer_key : nullptr; },
            [this](const DeviceId& id) {
                return id == device ? std::optional(signing.public_key()) : std::nullopt;
            }};
}

SegmentDraft LogWriter::draft(std::vector<Record> records) {
    SegmentDraft draft;
    draft.epoch = epoch;
    draft.log = log;
    draft.number = last.number + 1;
    draft.replicator.device = device;
    draft.replicator.incarnation = id_of<IncarnationId>(0x77);
    draft.replicator.previous = last.hash;
    draft.records.records = std::move(records);
    return draft;
}

Bytes LogWriter::write(std::vector<Record> records) {
    return write(draft(std::move(records)));
}

Bytes LogWriter::write(const SegmentDraft& draft) {
    Bytes bytes = build_segment(draft, keys(), random).value();
    last = {draft.number, segment_hash(bytes)};
    return bytes;
}

}  // namespace lockstep
