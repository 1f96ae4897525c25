// OpenVault: after a crash, versions of what an fsync had left to the journal.
#include "vault/core/open_vault.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {
namespace {

// What the entries of one write add up to.
struct UnfinishedWrite {
    VersionRecord base;
    std::uint64_t base_size_max = kFileSizeMax;  // what is left of the base
    DirtyRanges ranges;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;

    void add(const JournalWrite& entry) {
        base = entry.base;
        base_size_max = std::min(base_size_max, entry.size_min);
        ranges.truncate(entry.size_min);
        for (const JournalWrite::Range& range : entry.ranges)
            ranges.write(range.offset, range.bytes);
        size = entry.size;
        modified_ns = entry.modified_ns;
    }
};

Result<Content> content_of(const UnfinishedWrite& write, const ContentIds& ids,
                           const Chunker& chunker, ContentPool& pool) {
    FileContent file(pool, chunker);
    if (write.base.content.kind == Content::Kind::Inline) {
        file.load_bytes(write.base.content.inline_bytes);
    } else {
        TRY(ContentList list, load_content(ids, write.base.content, pool));
        file.load(std::move(list));
    }
    if (write.base_size_max < file.size()) TRY_OK(file.truncate(write.base_size_max));
    for (DirtyRanges::Range range = write.ranges.next(0); range.size != 0;
         range = write.ranges.next(range.end())) {
        Bytes bytes(range.size);
        write.ranges.overlay(range.offset, bytes);
        TRY_OK(file.write(range.offset, bytes));
    }
    TRY_OK(file.truncate(write.size));
    TRY(FileContent::Sealed sealed, file.seal());
    if (sealed.bytes) return inline_content(ids, *sealed.bytes);
    return store_content(ids, sealed.list, pool);
}

}  // namespace

Status OpenVault::restore_writes(const std::vector<ReplayedEntry>& entries) {
    std::map<Stamp, UnfinishedWrite> writes;  // by their beginning
    for (const ReplayedEntry& replayed : entries) {
        if (const auto* write = std::get_if<JournalWrite>(&replayed.entry)) {
            hybrid_.observe(write->base.stamp);
            writes[write->base.stamp].add(*write);
        }
    }
    std::set<Stamp> of_twins;
    if (!writes.empty()) {
        TRY(of_twins, stamps_of_twins(entries));
    }
    for (const auto& [begun, write] : writes) {
        {
            MutexLock lock(mutex);
            std::set<LogId> own{log_, begun.log};
            own.insert(own_logs_.begin(), own_logs_.end());
            if (tree.has_ended(write.base.file, begun, own, of_twins)) continue;
        }
        auto content = content_of(write, secrets_->ids, secrets_->chunker, *content_);
        if (!content.ok()) {
            replica_.alarm("journal: what was written to an open file cannot be restored: " +
                           content.error().message);
            has_unrestored_writes_ = true;
            continue;
        }
        MutexLock lock(mutex);
        const std::vector<AttributeSetting> settings{
            {AttributeKey::ModifiedNs, "", encode_time(write.modified_ns)}};
        static_cast<void>(tree.restore_write(write.base.file, write.base.replaces, *content,
                                             settings, hybrid_.tick()));
        static_cast<void>(tree.take_changes());
        tree_changed();
    }
    return {};
}

}  // namespace lockstep
