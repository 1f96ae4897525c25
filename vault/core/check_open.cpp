// Checking a vault while it is unlocked: every object by its name, every chunk by its key, that the
// index says what the directory does, and which versions need what is damaged.
#include <algorithm>
#include <unordered_map>

#include "vault/core/lists_here.h"
#include "vault/core/open_vault_secrets.h"
#include "vault/core/vault_impl.h"
#include "vault/packs/pack_reader.h"

namespace lockstep {
namespace {

constexpr std::string_view kIndexDiffers =
    "the index of this device says otherwise: rebuild it (vault check --rebuild-index)";

}  // namespace

Result<CheckReport> VaultImpl::check() {
    TRY(CheckReport report,
        check_vault(environment_.disk, environment_.workers, directory_, std::nullopt));
    for (const auto& [log, last] : replica_ ? replica_->frontier() : Frontier{})
        report.segments += last.number;
    if (replica_) replica_->check_objects(report);
    if (auto open = open_vault()) TRY_OK(open->check(report));
    if (replica_) replica_->note_repairs(report);
    return report;
}

void VaultImpl::note_repairs(CheckReport& report) {
    if (replica_) replica_->note_repairs(report);
}

namespace {

// Of a chunk that a pack holds twice, the first counts.
std::vector<ChunkEntry> entries_by_id(const std::vector<PackEntry>& entries) {
    std::map<ChunkId, ChunkEntry> by_id;
    for (const PackEntry& entry : entries)
        by_id.emplace(entry.header.id,
                      ChunkEntry{.id = entry.header.id,
                                 .kind = static_cast<std::uint8_t>(entry.header.kind),
                                 .compression = static_cast<std::uint8_t>(entry.header.compression),
                                 .offset = entry.offset,
                                 .sealed_length = entry.sealed_length,
                                 .raw_length = entry.header.raw_length});
    std::vector<ChunkEntry> out;
    for (const auto& [id, entry] : by_id) out.push_back(entry);
    return out;
}

}  // namespace

Status OpenVault::check(CheckReport& report) {
    // Before the directory: what is published meanwhile is in it, and need not be in the index yet.
    TRY(std::vector<LogRow> logs, index_->log().logs());
    TRY(std::vector<PackRow> indexed, index_->chunks().packs());
    std::set<PackId> in_index;
    for (const PackRow& row : indexed)
        if (row.is_present) in_index.insert(row.info.id);
    TRY(auto listing, replica_.packs().list());
    for (const PackInfo& info : listing.packs) {
        auto check_pack = [&]() -> Status {
            TRY(auto prefix_bytes, replica_.packs().open_pack(info.id));
            TRY(PackPrefix prefix, read_pack_prefix(*prefix_bytes));
            const EpochKeys* keys = epoch_keys(prefix.epoch);
            if (keys == nullptr) return Error{ErrorKind::WrongKey, "its epoch is not known"};
            TRY(auto bytes, replica_.packs().open_pack(info.id));
            TRY(PackReader reader,
                PackReader::open(std::move(bytes), keys->pack_base, replica_.vault_id()));
            PackCheck found = reader.check(secrets_->ids);
            report.chunks += found.intact.size();
            if (!found.errors.empty()) return found.errors.front();
            TRY(std::vector<PackEntry> entries, reader.read_index());
            TRY(std::vector<ChunkEntry> chunks, index_->chunks().chunks_of(info.id));
            if (in_index.contains(info.id) && chunks != entries_by_id(entries))
                return Error{ErrorKind::Corrupt, std::string(kIndexDiffers)};
            return {};
        };
        if (Status checked = check_pack(); !checked.ok())
            report.add(CheckFinding::Kind::Pack, info.id.to_hex(), checked.error());
    }
    if (Status checked = index_->check(); !checked.ok())
        report.add(CheckFinding::Kind::Index, "", checked.error());
    check_indexed_segments(logs, report);
    TRY_OK(find_affected_by_packs(report));
    find_affected_by_segments(report);
    TRY(report.index_digest, index_->digest());
    MutexLock lock(mutex);
    report.files = tree.counts().files;
    return {};
}

void OpenVault::check_indexed_segments(const std::vector<LogRow>& logs, CheckReport& report) {
    auto check_segment = [&](const SegmentRef& ref) -> Status {
        TRY(Bytes bytes, read_original(ref));
        TRY(SegmentOuter outer, open_outer(bytes, replica_.lookup()));
        const EpochKeys* keys = epoch_keys(outer.header.epoch);
        if (keys == nullptr) return Error{ErrorKind::WrongKey, "its epoch is not known"};
        TRY(RecordBatch batch, open_records(bytes, outer, replica_.vault_id(), keys->records));
        TRY(Bytes records, encode_records(batch, outer.header.log));
        TRY(auto sums, index_->log().sums(ref));
        if (sums != LogIndex::SegmentSums{outer.hash, blake2b(records)})
            return Error{ErrorKind::Corrupt, std::string(kIndexDiffers)};
        return {};
    };
    for (const LogRow& row : logs)
        for (std::uint64_t number = 1; number <= row.last.number; ++number)
            if (Status checked = check_segment({row.log, number}); !checked.ok())
                report.add(CheckFinding::Kind::Segment, segment_name({row.log, number}),
                           checked.error());
}

// ---- what needs it

namespace {

using FindingsOf = std::vector<std::size_t>;  // by their places in the report

class AffectedVisitor final : public ContentVisitor {
  public:
    explicit AffectedVisitor(const std::unordered_map<ChunkId, FindingsOf>& lost) : lost_(lost) {}
    void visit(ChunkKind /*kind*/, const ChunkId& id) override {
        if (auto at = lost_.find(id); at != lost_.end())
            found_.insert(at->second.begin(), at->second.end());
    }
    const std::set<std::size_t>& found() const { return found_; }

  private:
    const std::unordered_map<ChunkId, FindingsOf>& lost_;
    std::set<std::size_t> found_;
};

PackEntry entry_of(const ChunkEntry& chunk) {
    return {.header = {.id = chunk.id,
                       .kind = static_cast<ChunkKind>(chunk.kind),
                       .compression = static_cast<Compression>(chunk.compression),
                       .raw_length = chunk.raw_length},
            .offset = chunk.offset,
            .sealed_length = chunk.sealed_length};
}

}  // namespace

// Of what the pack is known to hold: what neither it gives nor another pack that is not bad, too.
// nullopt: nobody knows what it holds.
std::optional<std::vector<ChunkId>> OpenVault::lost_with(const PackId& pack,
                                                         const std::set<PackId>& bad) {
    auto row = index_->chunks().pack(pack);
    auto chunks = index_->chunks().chunks_of(pack);
    if (!row.ok() || !*row || !chunks.ok() || chunks->empty()) return std::nullopt;
    std::optional<PackReader> reader;
    const EpochKeys* keys = epoch_keys((*row)->epoch);
    if (auto bytes = replica_.packs().open_pack(pack); bytes.ok() && keys != nullptr)
        if (auto opened = PackReader::open(std::move(*bytes), keys->pack_base, replica_.vault_id());
            opened.ok())
            reader.emplace(std::move(*opened));
    std::vector<ChunkId> out;
    for (const ChunkEntry& chunk : *chunks) {
        if (reader && reader->read_chunk(entry_of(chunk), &secrets_->ids).ok()) continue;
        const auto places = index_->chunks().find_all(chunk.id);
        const bool is_elsewhere =
            places.ok() && std::any_of(places->begin(), places->end(), [&](const auto& place) {
                return place.is_present && !bad.contains(place.pack);
            });
        if (!is_elsewhere) out.push_back(chunk.id);
    }
    return out;
}

Status OpenVault::find_affected_by_packs(CheckReport& report) {
    std::map<PackId, std::size_t> places;
    std::set<PackId> bad;
    for (std::size_t i = 0; i < report.findings.size(); ++i) {
        const CheckFinding& finding = report.findings[i];
        if (finding.kind != CheckFinding::Kind::Pack || !finding.is_error) continue;
        TRY(const PackId id, PackId::parse_hex(finding.name));
        places[id] = i;
        bad.insert(id);
    }
    std::unordered_map<ChunkId, FindingsOf> lost;
    for (const auto& [pack, place] : places) {
        const auto chunks = lost_with(pack, bad);
        report.findings[place].is_affected_known = chunks.has_value();
        for (const ChunkId& chunk : chunks.value_or(std::vector<ChunkId>{}))
            lost[chunk].push_back(place);
    }
    if (lost.empty()) return {};
    struct Needed {
        Content content;
        std::vector<AffectedVersion> versions;
    };
    std::map<std::pair<ContentRoot, std::uint64_t>, Needed> needed;
    {
        MutexLock lock(mutex);
        tree.visit_kept(kept_now(), [&](const KeptVersion& kept) {
            Needed& of = needed[{kept.content.root, kept.content.size}];
            of.content = kept.content;
            AffectedVersion version;
            version.file = kept.file;
            version.version = kept.version;
            version.time_ms = kept.time_ms;
            of.versions.push_back(std::move(version));
        });
    }
    ListsHere lists(*content_);
    for (const auto& [root, each] : needed) {
        AffectedVisitor visitor(lost);
        // Below a list node that is lost nothing can be seen, and need not be.
        static_cast<void>(visit_content(secrets_->ids, each.content, lists, visitor));
        for (const std::size_t place : visitor.found())
            for (const AffectedVersion& version : each.versions) {
                MutexLock lock(mutex);
                report.findings[place].affect(
                    affected(version.file, version.version, version.time_ms));
            }
    }
    return {};
}

void OpenVault::find_affected_by_segments(CheckReport& report) {
    for (CheckFinding& finding : report.findings) {
        if (finding.kind != CheckFinding::Kind::Segment) continue;
        const auto ref = parse_segment_name(finding.name);
        if (!ref) continue;
        const auto records = index_->log().records_of(*ref);
        if (!records.ok()) continue;
        MutexLock lock(mutex);
        for (const Record& record : *records)
            if (const auto* version = std::get_if<VersionRecord>(&record))
                finding.affect(affected(version->file, version->id, version->stamp.wall_ms()));
    }
}

AffectedVersion OpenVault::affected(const FileId& file, const VersionId& version,
                                    std::int64_t time_ms) {
    AffectedVersion out{
        .path = {}, .file = file, .version = version, .time_ms = time_ms, .is_shown = false};
    const std::vector<std::string> paths = tree.paths({file, std::nullopt});
    if (!paths.empty()) out.path = paths.front();
    if (!paths.empty())
        for (const VersionRecord& head : tree.heads(file)) out.is_shown |= head.id == version;
    return out;
}

Status VaultImpl::rebuild_index() {
    MutexLock lock(state_mutex_);
    if (auto open = open_vault()) {
        open->abandon_index();
        return {};
    }
    return OpenVault::remove_index(environment_, header_.id);
}

}  // namespace lockstep
