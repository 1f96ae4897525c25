// The brake for rewrites: what this device publishes, and what others' segments bring, goes past
// it.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "vault/core/lists_here.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {
namespace {

constexpr std::size_t kSamples = 3;  // chunks of a file that are looked at
constexpr std::size_t kSamplesOfLarge = 8;
constexpr std::uint64_t kLargeContent = 16ULL << 20;

}  // namespace

void OpenVault::note_rewrites(const DeviceId& device, const std::vector<Record>& records,
                              std::uint64_t packed_bytes) {
    std::uint64_t chunked_bytes = 0;
    for (const Record& record : records)
        if (const auto* version = std::get_if<VersionRecord>(&record))
            if (version->content.kind != Content::Kind::Inline)
                chunked_bytes += version->content.size;
    const bool is_long = packed_bytes >= chunked_bytes / 16 * 15;
    for (const Record& record : records) {
        if (const auto* removed = std::get_if<DeleteRecord>(&record))
            note_deletion(device, *removed);
        const auto* version = std::get_if<VersionRecord>(&record);
        if (version == nullptr) continue;
        const auto before = version->replaces.empty()
                                ? std::nullopt
                                : tree.content(version->file, version->replaces.front());
        brake_.note(device, *version, before, is_long);
    }
}

// Of a file that has no other name.
void OpenVault::note_deletion(const DeviceId& device, const DeleteRecord& removed) {
    if (removed.last.empty()) return;
    const auto file = tree.file_of(removed.link);
    if (!file || tree.is_directory(*file)) return;
    const auto content = tree.content({*file, std::nullopt});
    const auto version = tree.version({*file, std::nullopt});
    if (content && version)
        brake_.note_deletion(device, *file, *version, *content, removed.stamp.wall_ms());
}

// Whether the file's content became noise that shares little with what it was. What cannot be said
// from what is here is said by lengths: noise needs as much room in packs as it has bytes.
bool OpenVault::is_made_noise(const RewriteBrake::Rewrite& rewrite) {
    {
        // What it held before is nothing that was lost.
        MutexLock lock(mutex);
        for (const VersionRecord& version : tree.history(rewrite.file))
            if (version.id != rewrite.version && version.content.root == rewrite.now.root)
                return false;
    }
    if (rewrite.is_noise) return *rewrite.is_noise;
    if (!content_) return rewrite.is_long;
    ListsHere lists(*content_);
    const auto now = load_content(secrets_->ids, rewrite.now, lists);
    if (!now.ok()) return rewrite.is_long;
    std::set<ChunkId> before;
    if (rewrite.before.kind != Content::Kind::Inline)
        if (const auto list = load_content(secrets_->ids, rewrite.before, lists); list.ok())
            for (const Extent& extent : list->extents()) before.insert(extent.chunk);
    std::uint64_t new_bytes = 0;
    std::vector<ChunkId> fresh;
    for (const Extent& extent : now->extents()) {
        if (extent.is_hole() || before.contains(extent.chunk)) continue;
        new_bytes += extent.length;
        fresh.push_back(extent.chunk);
    }
    if (fresh.empty() || new_bytes * 2 < now->size()) return false;
    const std::size_t samples =
        std::min(now->size() > kLargeContent ? kSamplesOfLarge : kSamples, fresh.size());
    for (std::size_t sample = 0; sample < samples; ++sample) {
        const ChunkId& chunk =
            fresh[sample * (fresh.size() - 1) / std::max<std::size_t>(1, samples - 1)];
        const auto bytes = content_->get_if_here(ChunkKind::Data, chunk);
        if (!bytes.ok()) return rewrite.is_long;
        const bool is_beginning = chunk == now->extents().front().chunk;
        if (!looks_like_noise(*bytes) || (is_beginning && has_compressed_form(*bytes)))
            return false;
    }
    return true;
}

// ---- what goes past it

bool OpenVault::is_publishing_held() {
    std::uint64_t files = 0;
    {
        MutexLock lock(mutex);
        files = tree.counts().files;
    }
    return brake_.holds_now(
        environment_.device.id(), files,
        [this](const RewriteBrake::Rewrite& rewrite) { return is_made_noise(rewrite); });
}

bool OpenVault::is_merging_held(const SegmentRef& segment, const SegmentOuter& outer) {
    const DeviceId& device = outer.replicator.device;
    return device != environment_.device.id() &&
           brake_.is_held(device, segment.log, segment.number, is_braking_);
}

bool OpenVault::is_to_be_held(const SegmentRef& segment, const SegmentOuter& outer,
                              const std::vector<Record>& records) {
    const DeviceId& device = outer.replicator.device;
    if (!is_braking_ || device == environment_.device.id()) return false;
    std::uint64_t chunked = 0;
    for (const Record& record : records)
        if (const auto* version = std::get_if<VersionRecord>(&record))
            if (version->content.kind != Content::Kind::Inline) chunked += version->content.size;
    // Packs of a long write are introduced before the versions that need them.
    std::uint64_t& packed = packed_[device];
    for (const PackInfo& pack : outer.replicator.packs) packed += pack.length;
    std::uint64_t files = 0;
    {
        MutexLock lock(mutex);
        note_rewrites(device, records, packed);
        files = tree.counts().files;
    }
    packed -= std::min(packed, chunked);
    if (!brake_.holds_now(device, files, [this](const RewriteBrake::Rewrite& rewrite) {
            return is_made_noise(rewrite);
        }))
        return false;
    // The first one that waits.
    static_cast<void>(brake_.is_held(device, segment.log, segment.number, true));
    return true;
}

// ---- for people

std::vector<HeldRewrites> OpenVault::held_rewrites() {
    const Frontier have = replica_.frontier_to_merge();
    std::vector<HeldRewrites> out;
    for (const RewriteBrake::Hold& hold : brake_.holds()) {
        HeldRewrites held;
        held.device = hold.device;
        held.is_own = hold.device == environment_.device.id();
        held.since_ms = hold.since_ms;
        held.files = hold.files;
        MutexLock lock(mutex);
        for (const FileId& file : hold.examples) {
            const auto paths = tree.paths({file, std::nullopt});
            if (!paths.empty()) held.examples.push_back(paths.front());
        }
        for (const auto& [log, last] : have) {
            if (held.is_own || replica_.writer_of(log) != hold.device) continue;
            auto at = applied_.find(log);
            held.segments +=
                last.number - (at == applied_.end() ? 0 : std::min(at->second.number, last.number));
        }
        out.push_back(std::move(held));
    }
    return out;
}

Status OpenVault::release_rewrites() {
    for (const RewriteBrake::Hold& hold : brake_.holds()) brake_.release(hold.device);
    work_changed_();
    return {};
}

// This device's own are undone before anything is published, so that nobody else ever sees them;
// another's must be applied before they can be taken back.
Result<UndoReport> OpenVault::undo_rewrites(bool is_dry_run) {
    UndoReport report;
    for (const RewriteBrake::Hold& hold : brake_.holds()) {
        const bool is_own = hold.device == environment_.device.id();
        if (!is_own && is_dry_run) {
            report.left.push_back(
                "what another device rewrote is not applied here: only once it "
                "is can be said what an undo would do");
            continue;
        }
        if (!is_own) {
            brake_.release(hold.device);
            TRY(std::uint64_t merged, merge());
            static_cast<void>(merged);
        }
        TRY(UndoReport one, undo(hold.device, hold.since_ms, is_dry_run));
        report.done.insert(report.done.end(), std::make_move_iterator(one.done.begin()),
                           std::make_move_iterator(one.done.end()));
        report.left.insert(report.left.end(), std::make_move_iterator(one.left.begin()),
                           std::make_move_iterator(one.left.end()));
        if (is_own && !is_dry_run) brake_.release(hold.device);
    }
    work_changed_();
    return report;
}

}  // namespace lockstep
