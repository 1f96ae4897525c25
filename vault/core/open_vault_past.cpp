// How much of a vault only its past takes, and what a quota lets go of that.
//
// One device, the one that collects, says up to where the past goes (the cut), and all others hold
// to what it said: nobody but it measures anything.
#include "vault/core/open_vault_past.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "vault/core/lists_here.h"
#include "vault/core/open_vault_secrets.h"
#include "vault/history/retention.h"

namespace lockstep {
namespace {

struct PastVersion {
    Content content;
    VersionId version;
    std::int64_t end_ms = 0;
    bool is_pinned = false;  // stays whatever the quota is
};

// Chunks that are counted, each once.
class CountedChunks {
  public:
    CountedChunks(const ContentIds& ids, ChunkSource& lists) : ids_(ids), lists_(lists) {}

    // The bytes of chunks that were not counted before.
    Result<std::uint64_t> add(const Content& content) {
        if (!contents_.emplace(content.root, content.size).second) return std::uint64_t{0};
        TRY(const ContentList list, load_content(ids_, content, lists_));
        std::uint64_t out = 0;
        for (const Extent& extent : list.extents())
            if (!extent.is_hole() && chunks_.insert(extent.chunk).second) out += extent.length;
        return out;
    }

  private:
    const ContentIds& ids_;
    ChunkSource& lists_;
    std::set<std::pair<ContentRoot, std::uint64_t>> contents_;
    std::unordered_set<ChunkId> chunks_;
};

}  // namespace

Result<OpenVault::PastUse> OpenVault::past_use() {
    std::vector<Content> shown;
    std::vector<PastVersion> past;
    std::optional<std::uint64_t> quota;
    PastUse use;
    {
        MutexLock lock(mutex);
        quota = history_quota();
        use.cut_ms = history_cut_ms();
        // What a cut at the end of time would leave.
        const KeptTimes pinned = kept_now(std::numeric_limits<std::int64_t>::max());
        tree.visit_kept(kept_now(), [&](const KeptVersion& kept) {
            if (!kept.end_ms) return shown.push_back(kept.content);
            past.push_back({kept.content, kept.version, *kept.end_ms,
                            pinned.keeps(kept.time_ms, *kept.end_ms)});
        });
    }
    // What stays is counted first, then what ended last.
    std::sort(past.begin(), past.end(), [](const PastVersion& a, const PastVersion& b) {
        return std::tie(b.is_pinned, b.end_ms, b.version) <
               std::tie(a.is_pinned, a.end_ms, a.version);
    });
    ListsHere lists(*content_);
    CountedChunks counted(secrets_->ids, lists);
    for (const Content& content : shown) TRY_OK(counted.add(content));
    bool is_full = false;
    for (const PastVersion& each : past) {
        TRY(const std::uint64_t bytes, counted.add(each.content));
        use.bytes += bytes;
        if (!is_full && quota && use.bytes > *quota && !each.is_pinned) {
            is_full = true;
            use.cut_ms = std::max(use.cut_ms, each.end_ms + 1);
        }
        if (!is_full || each.is_pinned) continue;
        ++use.freed_versions;
        use.freed_bytes += bytes;
    }
    return use;
}

}  // namespace lockstep
