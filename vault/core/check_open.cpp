// Checking a vault while it is unlocked: every object by its name, every chunk by its key, and that
// the index says what the directory does.
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
    if (replica_)
        for (const std::string& alarm : replica_->alarms()) report.errors.push_back(alarm);
    if (auto open = open_vault()) TRY_OK(open->check(report));
    return report;
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
            report.errors.push_back("pack " + info.id.to_hex() + ": " + checked.error().message);
    }
    if (Status checked = index_->check(); !checked.ok())
        report.errors.push_back(checked.error().message);
    check_indexed_segments(logs, report);
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
                report.errors.push_back("segment " + row.log.to_hex() + "/" +
                                        std::to_string(number) + ": " + checked.error().message);
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
