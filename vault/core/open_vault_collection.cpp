// Collection: packs that nothing needs any more are condemned, and deleted when every active member
// has agreed (DESIGN 3.5).
//
// From the moment a pack is condemned nobody refers to a chunk because that pack holds it. So what
// a member finds to be needed afterwards is all that it will ever need of the pack: it puts that
// into a pack of its own (rescues it) before it consents. Contents name chunks, not packs.
#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "vault/chunks/content_store.h"
#include "vault/core/open_vault_past.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {
namespace {

// A pack of which less is needed than this share is written anew.
constexpr std::uint64_t kNeededShareMax = 2;  // one half
constexpr std::size_t kCondemnedAtOnce = 4096;
constexpr std::int64_t kSilenceMaxMs = 90LL * 24 * 3600 * 1000;  // then nobody waits for a member

class NeededVisitor final : public ContentVisitor {
  public:
    explicit NeededVisitor(std::unordered_map<ChunkId, ChunkKind>& out) : out_(out) {}
    void visit(ChunkKind kind, const ChunkId& id) override { out_.emplace(id, kind); }

  private:
    std::unordered_map<ChunkId, ChunkKind>& out_;
};

}  // namespace

// Open files first: what they hold may become a version meanwhile, and the tree shows it then.
Result<OpenVault::ChunkMap> OpenVault::needed_chunks(std::optional<std::int64_t> cut_ms) {
    VaultFiles::InUse in_use = files_->content_in_use();
    std::vector<Content> contents = std::move(in_use.contents);
    {
        MutexLock lock(mutex);
        tree.visit_kept(kept_now(cut_ms),
                        [&](const KeptVersion& kept) { contents.push_back(kept.content); });
    }
    ChunkMap needed;
    for (const ChunkId& chunk : in_use.chunks) needed.emplace(chunk, ChunkKind::Data);
    NeededVisitor visitor(needed);
    std::set<std::pair<ContentRoot, std::uint64_t>> visited;
    for (const Content& content : contents)
        if (content.kind != Content::Kind::Inline &&
            visited.emplace(content.root, content.size).second)
            TRY_OK(content_->visit_now(content, visitor));
    return needed;
}

// Puts what is needed of these packs into others, durably. REQUIRES: they are condemned here
Status OpenVault::rescue(const std::vector<PackId>& packs) {
    TRY(ChunkMap needed, needed_chunks());
    for (const PackId& pack : packs) {
        // Condemned twice, it may have gone with the other collection.
        if (!replica_.has_pack(pack) && replica_.is_collected(pack)) continue;
        // What it holds is known once it is here and its index was read.
        TRY(auto row, index_->chunks().pack(pack));
        if (!row || !row->is_present || row->epoch.is_zero())
            return Error{ErrorKind::Unavailable, "a condemned pack is not here"};
        TRY(std::vector<ChunkEntry> chunks, index_->chunks().chunks_of(pack));
        for (const ChunkEntry& chunk : chunks)
            if (auto at = needed.find(chunk.id); at != needed.end())
                TRY_OK(content_->rescue(at->second, at->first));
    }
    return content_->make_durable();
}

Frontier OpenVault::frontier_to_name() {
    Frontier frontier;
    {
        MutexLock lock(mutex);
        frontier = applied_;
    }
    return replica_.clipped_to_ends(std::move(frontier));
}

// A segment without records that says one step of a collection, or none, and introduces what was
// rescued or written.
Status OpenVault::publish_step(const CollectionStep& step) {
    const std::vector<PackInfo> packs = content_->unintroduced();
    TRY_OK(publish_segment(
        {.records = {}, .frontier = frontier_to_name(), .packs = packs, .step = step}));
    content_->mark_introduced(packs);
    return {};
}

// They were to be condemned, and are not, as far as is known here: if a segment that says so turns
// up at the next start, they are from then on, and what was found in them until then is rescued.
Status OpenVault::spare(const std::vector<PackId>& packs) {
    std::set<PackId> condemned;
    for (const Condemnation& condemnation : replica_.condemnations())
        condemned.insert(condemnation.packs.begin(), condemnation.packs.end());
    for (const PackId& pack : packs)
        if (!condemned.contains(pack)) TRY_OK(index_->chunks().set_condemned(pack, false));
    return {};
}

Status OpenVault::check_may_collect() {
    if (!replica_.may_write()) return Error{ErrorKind::Refused, "this device may not write"};
    if (lacks_what_was_here())
        return Error{ErrorKind::Refused,
                     "something that was here before is missing (the vault's status says what): "
                     "until it is back nothing is deleted"};
    return {};
}

// Up to where the past goes for its quota; nullopt: no further than it has.
Result<std::optional<std::int64_t>> OpenVault::cut_past(bool is_dry_run, CollectionReport& report) {
    {
        MutexLock lock(mutex);
        report.past_quota = history_quota();
    }
    if (!report.past_quota) return std::optional<std::int64_t>();
    TRY(const PastUse past, past_use());
    report.past_bytes = past.bytes;
    report.freed_versions = past.freed_versions;
    report.freed_past_bytes = past.freed_bytes;
    if (past.freed_versions == 0) return std::optional<std::int64_t>();
    report.past_cut_ms = past.cut_ms;
    if (is_dry_run) return std::optional(past.cut_ms);
    // Others are to know it before they are asked to agree.
    TRY_OK(set_root_xattr(std::string(kHistoryCutXattr), encode_time(past.cut_ms)));
    TRY_OK(publish(true));
    return std::optional(past.cut_ms);
}

Result<CollectionReport> OpenVault::collect(bool is_dry_run) {
    CollectionReport report;
    {
        MutexLock publish_lock(publish_mutex_);
        TRY_OK(check_may_collect());
    }
    TRY(const std::optional<std::int64_t> cut_ms, cut_past(is_dry_run, report));
    MutexLock publish_lock(publish_mutex_);
    for (const Condemnation& condemnation : replica_.condemnations())
        if (!condemnation.is_collected) report.waiting_packs += condemnation.packs.size();
    TRY_OK(check_may_collect());
    TRY(ChunkMap needed, needed_chunks(cut_ms));
    TRY(std::vector<PackRow> rows, index_->chunks().packs());
    std::vector<PackId> condemned;
    for (const PackRow& row : rows) {
        if (!row.is_present || row.is_condemned || condemned.size() >= kCondemnedAtOnce) continue;
        TRY(auto introduced, index_->log().introduced_by(row.info.id));
        if (!introduced) continue;
        TRY(std::vector<ChunkEntry> chunks, index_->chunks().chunks_of(row.info.id));
        std::uint64_t needed_bytes = 0;
        for (const ChunkEntry& chunk : chunks)
            if (needed.contains(chunk.id)) needed_bytes += chunk.sealed_length;
        if (needed_bytes * kNeededShareMax >= row.info.length) continue;
        condemned.push_back(row.info.id);
        if (needed_bytes == 0) {
            ++report.packs;
            report.bytes += row.info.length;
        } else {
            ++report.rewritten_packs;
            report.bytes += row.info.length - needed_bytes;
            report.kept_bytes += needed_bytes;
        }
    }
    if (is_dry_run || condemned.empty()) return report;
    TRY_OK(condemn(condemned));
    return report;
}

Status OpenVault::condemn(const std::vector<PackId>& packs) {
    if (is_log_in_doubt_) TRY_OK(begin_incarnation());
    for (const PackId& pack : packs) TRY_OK(index_->chunks().set_condemned(pack, true));
    // What is needed is looked up now that nobody refers to them any more.
    Status done = rescue(packs);
    if (done.ok()) done = publish_step({.condemned = packs, .consents = {}, .collected = {}});
    if (!done.ok()) {
        TRY_OK(spare(packs));
        return done.error();
    }
    may_have_collections_ = true;
    work_changed_();
    return {};
}

// Keyed members that may write, but for this device, and for those that were silent for 90 days
// while another one was not. By no clock of this device: one that is wrong, or a device that comes
// back after a year, would take all others for silent.
std::vector<DeviceId> OpenVault::members_to_consent() {
    std::map<DeviceId, std::int64_t> heard;
    if (auto logs = index_->log().logs(); logs.ok())
        for (const LogRow& row : *logs)
            heard[row.device] = std::max(heard[row.device], Stamp{row.time, row.log}.wall_ms());
    const auto state = key_state();
    for (const auto& [id, fact] : state->facts())
        if (const auto* add = std::get_if<AddFact>(&fact.body))
            heard[add->certificate.device] =
                std::max(heard[add->certificate.device], fact.created_ms);
    std::vector<DeviceId> out;
    std::int64_t newest_ms = 0;
    for (const RosterMember& member : state->roster().members()) {
        if (!member.is_keyed() || !member.may_write() ||
            member.device() == environment_.device.id())
            continue;
        out.push_back(member.device());
        newest_ms = std::max(newest_ms, heard[member.device()]);
    }
    std::erase_if(
        out, [&](const DeviceId& member) { return heard[member] < newest_ms - kSilenceMaxMs; });
    return out;
}

// Who condemned, or, when that device is gone, the first of the others.
bool OpenVault::is_responsible(const Condemnation& condemnation) {
    const DeviceId& self = environment_.device.id();
    if (condemnation.collector == self) return true;
    const std::vector<DeviceId> others = members_to_consent();
    if (std::find(others.begin(), others.end(), condemnation.collector) != others.end())
        return false;
    return std::all_of(others.begin(), others.end(),
                       [&](const DeviceId& other) { return self < other; });
}

bool OpenVault::has_applied(const SegmentRef& header) {
    const std::vector<SegmentRef> segments = replica_.named_by_header(header);
    MutexLock lock(mutex);
    for (const SegmentRef& segment : segments) {
        auto at = applied_.find(segment.log);
        if (at == applied_.end() || at->second.number < segment.number) return false;
    }
    return !segments.empty();
}

bool OpenVault::have_all_consented(const Condemnation& condemnation) {
    for (const DeviceId& member : members_to_consent()) {
        if (member == condemnation.collector) continue;
        auto consent = condemnation.consents.find(member);
        if (consent == condemnation.consents.end() || !has_applied(consent->second)) return false;
    }
    return true;
}

Status OpenVault::settle_collection(const Condemnation& condemnation) {
    const DeviceId& self = environment_.device.id();
    const CondemnedPacks named{condemnation.condemned_by, condemnation.packs};
    if (!condemnation.is_collected) {
        if (!has_applied(condemnation.condemned_by) || !replica_.may_write()) return {};
        const bool collects = is_responsible(condemnation) && have_all_consented(condemnation);
        const bool consents =
            condemnation.collector != self && !condemnation.consents.contains(self);
        if (!collects && !consents) return {};
        // Else every member would write anew what the collector has.
        for (const SegmentRef& segment : replica_.named_by_header(condemnation.condemned_by)) {
            TRY(auto brought, replica_.packs_of(segment));
            for (const PackInfo& pack : brought)
                if (!replica_.has_pack(pack.id) && !replica_.is_collected(pack.id)) return {};
        }
        // It may have come while its log did not count.
        for (const PackId& pack : condemnation.packs)
            TRY_OK(index_->chunks().set_condemned(pack, true));
        TRY_OK(rescue(condemnation.packs));
        if (!collects) return publish_step({.condemned = {}, .consents = {named}, .collected = {}});
        TRY_OK(publish_step({.condemned = {}, .consents = {}, .collected = {named}}));
    }
    std::vector<PackId> here;
    std::copy_if(condemnation.packs.begin(), condemnation.packs.end(), std::back_inserter(here),
                 [&](const PackId& pack) { return replica_.has_pack(pack); });
    if (here.empty()) return {};
    // A device that was away did not consent, and may need what the others have let go.
    for (const PackId& pack : here) TRY_OK(index_->chunks().set_condemned(pack, true));
    TRY_OK(rescue(here));
    if (!content_->unintroduced().empty() && replica_.may_write()) TRY_OK(publish_step({}));
    for (const PackId& pack : here) {
        content_->forget_pack(pack);
        TRY_OK(index_->chunks().set_present(pack, false));
        TRY_OK(replica_.remove_collected(pack));
    }
    return {};
}

// What cannot be done now is no reason not to publish. Content that is not here yet cannot be
// rescued: it is looked at again when packs arrive.
void OpenVault::settle_collections() {
    if (lacks_what_was_here()) return;
    for (const Condemnation& condemnation : replica_.condemnations()) {
        Status settled = settle_collection(condemnation);
        if (settled.ok()) continue;
        log_info("vault", "a collection waits: {}", settled.error().message);
        if (is_log_in_doubt_) return;
    }
}

}  // namespace lockstep
