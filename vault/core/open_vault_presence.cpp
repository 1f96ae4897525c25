// On-demand content of an unlocked vault: which packs follow from what people want kept, giving
// packs up, and saying where a file's content is.
#include <algorithm>

#include "base/log.h"
#include "vault/chunks/content_store.h"
#include "vault/core/open_vault_secrets.h"
#include "vault/presence/pack_question.h"

namespace lockstep {
namespace {

constexpr std::string_view kRangesName = "ranges";
constexpr std::size_t kEvictedAtOnce = 32;
constexpr auto kEvictionTime = std::chrono::seconds(60);
// Promises that were given this long ago are not relied upon.
constexpr std::int64_t kAnswersAgeMaxMs = 60'000;

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> out;
    for (std::size_t start = 0; start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        if (end > start) out.push_back(path.substr(start, end - start));
        start = end + 1;
    }
    return out;
}

std::string joined(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

class ChunkSet final : public ContentVisitor {
  public:
    explicit ChunkSet(std::unordered_set<ChunkId>& out) : out_(out) {}
    void visit(ChunkKind, const ChunkId& id) override { out_.insert(id); }

  private:
    std::unordered_set<ChunkId>& out_;
};

}  // namespace

// ---- opening

Status OpenVault::open_absent_content() {
    TRY(range_cache_,
        RangeCache::open(
            environment_.disk,
            local_directory(environment_, replica_.vault_id()) / std::string(kRangesName),
            replica_.own_presence().quota().value_or(environment_.on_demand_cache_size)));
    absent_ = std::make_unique<AbsentContent>(AbsentContent::Environment{
        .index = *index_,
        .presence = replica_.own_presence(),
        .cache = *range_cache_,
        .ids = secrets_->ids,
        .vault = replica_.vault_id(),
        .pack_base_of = [this](const EpochId& epoch) -> const AnySecretKey* {
            const EpochKeys* keys = epoch_keys(epoch);
            return keys == nullptr ? nullptr : &keys->pack_base;
        },
        .chunk_arrived =
            [this](const ChunkId& id, Bytes plaintext) {
                content_->chunk_arrived(id, std::move(plaintext));
                if (!replica_.own_presence().is_settled()) select_packs();
                // It may be the part of a list without which nobody can say what is needed.
                if (replica_.has_open_condemnations() && !may_have_collections_.exchange(true))
                    work_changed_();
            },
        .index_arrived = [this](const PackId&) { select_packs(); },
        .changed = [this] { content_->content_changed(); },
        .want_whole = [this](const PackInfo& pack) { replica_.want_now(pack); },
        .takes_whole = [this](const PackInfo& pack) { return takes_whole(pack); },
        .absent_packs = [this] { return replica_.absent_packs(); }});
    content_->set_absent(absent_.get());
    open_rebuilder();
    return {};
}

void OpenVault::close_absent_content() {
    replica_.own_presence().attach(nullptr);
    MutexLock lock(selection_mutex_);
    is_leaving_ = true;
    while (is_selecting_) selection_ended_.wait(selection_mutex_);
}

// ---- rules

Keep OpenVault::rule_of(const KeepRules& rules, const TreeEntry& entry, Keep inherited) {
    auto rule = [&](const FileId& file) {
        auto at = rules.rules.find(file);
        return at == rules.rules.end() ? std::nullopt : std::optional(at->second);
    };
    if (auto own = rule(entry.node.file)) return *own;
    for (const FileId& alias : entry.aliases)
        if (auto own = rule(alias)) return *own;
    return inherited;
}

// Of the root: an entry without a name.
Result<OpenVault::KeptEntry> OpenVault::kept_entry(const std::string& path) {
    const KeepRules rules = replica_.own_presence().rules();
    KeptEntry out;
    out.entry.type = FileType::Directory;
    out.entry.aliases = {kRootFile};
    out.keep = rules.root();
    FileId directory = kRootFile;
    std::string so_far;
    MutexLock lock(mutex);
    for (const std::string& part : parts_of(path)) {
        TRY(out.entry, tree.lookup(directory, part));
        so_far = joined(so_far, part);
        const Keep before = out.keep;
        out.keep = rule_of(rules, out.entry, out.keep);
        const bool has_rule =
            rules.rules.contains(out.entry.node.file) ||
            std::any_of(out.entry.aliases.begin(), out.entry.aliases.end(),
                        [&](const FileId& alias) { return rules.rules.contains(alias); });
        if (has_rule || out.keep != before) out.from = so_far;
        directory = out.entry.node.file;
    }
    out.path = so_far;
    return out;
}

Result<KeepReport> OpenVault::keep(const std::string& path) {
    TRY(KeptEntry found, kept_entry(path));
    return KeepReport{.path = found.path, .keep = found.keep, .from = found.from};
}

Status OpenVault::set_keep(const std::string& path, std::optional<Keep> keep) {
    TRY(KeptEntry found, kept_entry(path));
    const bool is_root = found.path.empty();
    KeepRules rules = replica_.own_presence().rules();
    rules.rules.erase(found.entry.node.file);
    for (const FileId& alias : found.entry.aliases) rules.rules.erase(alias);
    if (keep) rules.rules[is_root ? kRootFile : found.entry.node.file] = *keep;
    TRY_OK(replica_.own_presence().set_rules(rules));
    select_packs();
    return {};
}

std::vector<KeepReport> OpenVault::keep_rules() {
    std::vector<KeepReport> out;
    const KeepRules rules = replica_.own_presence().rules();
    MutexLock lock(mutex);
    for (const auto& [file, keep] : rules.rules) {
        std::string path;
        if (file != kRootFile && tree.is_directory(file)) {
            path = tree.directory_path(file);
        } else if (file != kRootFile) {
            const auto paths = tree.paths(Node{file, {}});
            if (paths.empty()) continue;
            path = paths.front();
        }
        out.push_back({.path = path, .keep = keep, .from = path});
    }
    return out;
}

// The strongest of what its paths say.
Keep OpenVault::keep_of(const Node& node) {
    Keep out = Keep::OnDemand;
    const KeepRules rules = replica_.own_presence().rules();
    const auto rule = [&](const FileId& file) -> std::optional<Keep> {
        auto at = rules.rules.find(file);
        return at == rules.rules.end() ? std::nullopt : std::optional(at->second);
    };
    if (auto own = rule(node.file)) return *own;
    for (const EntryPlace& place : tree.places(node)) {
        Keep here = rules.root();
        FileId directory = place.directory;
        for (std::size_t depth = 0; directory != kRootFile && depth < kPathDepthMax; ++depth) {
            if (auto own = rule(directory)) {
                here = *own;
                break;
            }
            const auto above = tree.places(Node{directory, {}});
            if (above.empty()) break;
            directory = above.front().directory;
        }
        if (here != Keep::OnDemand && out != Keep::Pinned) out = here;
    }
    return out;
}

std::optional<std::string> OpenVault::presence_attribute(const Node& node, std::string_view name) {
    Keep keep = Keep::Full;
    std::optional<Content> content;
    bool is_directory = false;
    {
        MutexLock lock(mutex);
        is_directory = tree.is_directory(node.file);
        keep = is_directory && node.file == kRootFile ? replica_.own_presence().rules().root()
                                                      : keep_of(node);
        content = tree.content(node);
    }
    if (name == "user.lockstep.pinned") return keep == Keep::Pinned ? "1" : "0";
    if (name != "user.lockstep.status") return std::nullopt;
    if (is_directory) return std::string(keep_text(keep));
    const std::uint64_t absent = content ? content_->absent_bytes(*content) : 0;
    if (absent == 0) return keep == Keep::Pinned ? "pinned" : "local";
    return content->size <= absent ? "absent" : "partial";
}

// ---- which packs are to be here

// Every file with what its path says. Contents of one (root, size) are one.
void OpenVault::visit_kept_files(const KeepRules& rules, const KeptEntry& top,
                                 const std::function<void(const KeptEntry&)>& visit) {
    std::vector<KeptEntry> directories;
    if (top.entry.type == FileType::Directory)
        directories.push_back(top);
    else
        visit(top);
    while (!directories.empty()) {
        const KeptEntry directory = std::move(directories.back());
        directories.pop_back();
        const FileId id = directory.path.empty() ? kRootFile : directory.entry.node.file;
        std::vector<KeptEntry> entries;
        {
            MutexLock lock(mutex);
            auto listing = tree.list(id);
            if (!listing.ok()) continue;
            for (const TreeListEntry& listed : **listing) {
                if (listed.type != FileType::Directory && listed.type != FileType::Regular)
                    continue;
                auto entry = tree.lookup(id, listed.name);
                if (!entry.ok()) continue;
                KeptEntry kept{.entry = std::move(*entry), .keep = directory.keep};
                kept.keep = rule_of(rules, kept.entry, directory.keep);
                kept.path = joined(directory.path, listed.name);
                if (listed.type == FileType::Regular) kept.content = tree.content(kept.entry.node);
                entries.push_back(std::move(kept));
            }
        }
        for (KeptEntry& entry : entries) {
            if (entry.entry.type == FileType::Directory)
                directories.push_back(std::move(entry));
            else
                visit(entry);
        }
    }
}

OpenVault::ChunkNeeds OpenVault::chunk_needs() {
    const KeepRules rules = replica_.own_presence().rules();
    ChunkNeeds needs;
    needs.keeps_the_rest = rules.root() != Keep::OnDemand;
    std::set<std::tuple<ContentRoot, std::uint64_t, bool>> visited;
    KeptEntry root;
    root.entry.type = FileType::Directory;
    root.keep = rules.root();
    visit_kept_files(rules, root, [&](const KeptEntry& file) {
        const bool is_kept = file.keep != Keep::OnDemand;
        if (!file.content || file.content->kind == Content::Kind::Inline) return;
        if (!is_kept && !needs.keeps_the_rest) return;
        if (!visited.emplace(file.content->root, file.content->size, is_kept).second) return;
        ChunkSet visitor(is_kept ? needs.kept : needs.on_demand);
        if (!content_->visit_now(*file.content, visitor).ok()) needs.is_complete = false;
    });
    for (const Condemnation& condemnation : replica_.condemnations())
        if (!condemnation.is_collected) {
            needs.condemned.insert(condemnation.packs.begin(), condemnation.packs.end());
            // What the collector has written anew of them: else this device would, too.
            for (const PackInfo& pack : replica_.packs_of(condemnation.condemned_by).value_or({}))
                needs.condemned.insert(pack.id);
        }
    return needs;
}

// Packs that are being collected are needed to agree to that.
bool OpenVault::is_to_be_here(const ChunkNeeds& needs, const PackId& pack,
                              const std::vector<ChunkEntry>& chunks) {
    if (needs.condemned.contains(pack)) return true;
    return std::any_of(chunks.begin(), chunks.end(), [&](const ChunkEntry& chunk) {
        return needs.kept.contains(chunk.id) ||
               (needs.keeps_the_rest && !needs.on_demand.contains(chunk.id));
    });
}

void OpenVault::select_now() {
    VaultPresence& presence = replica_.own_presence();
    if (replica_.is_blind()) return;  // by its quota: see BlindCare
    if (!presence.is_selective()) return presence.set_wanted({}, true);
    const MeetingState meeting = meeting_state();
    const bool has_rules = presence.rules().is_selective();
    if (meeting == MeetingState::Over) rebuilder_->forget_files();
    if (meeting == MeetingState::Over || meeting == MeetingState::None) {
        presence.set_choosing(false);
        if (!has_rules) return presence.set_wanted({}, true);
    }
    const ChunkNeeds needs = has_rules ? chunk_needs() : ChunkNeeds{};
    bool is_settled = needs.is_complete;
    std::set<PackId> wanted;
    for (const PackInfo& pack : replica_.absent_packs()) {
        auto row = index_->chunks().pack(pack.id);
        if (!row.ok() || !*row || (*row)->epoch.is_zero()) {
            is_settled = false;
            absent_->want_index(pack);
            continue;
        }
        if (has_rules) {
            auto chunks = index_->chunks().chunks_of(pack.id);
            if (!chunks.ok() || !is_to_be_here(needs, pack.id, *chunks)) continue;
        }
        const bool may_be_known =
            meeting == MeetingState::TakingIn || meeting == MeetingState::Settled;
        if (may_be_known && rebuilder_->take_on(pack)) continue;
        if (meeting == MeetingState::Learning || meeting == MeetingState::TakingIn) continue;
        wanted.insert(pack.id);
    }
    presence.set_wanted(std::move(wanted), is_settled);
}

void OpenVault::select_packs() {
    {
        MutexLock lock(selection_mutex_);
        if (is_leaving_ || !is_loaded_) return;
        is_selection_due_ = true;
        if (std::exchange(is_selecting_, true)) return;
    }
    environment_.workers.submit([this] {
        for (;;) {
            {
                MutexLock lock(selection_mutex_);
                if (is_leaving_ || !std::exchange(is_selection_due_, false)) {
                    is_selecting_ = false;
                    selection_ended_.notify_all();
                    return;
                }
            }
            select_now();
        }
    });
}

void OpenVault::care_for_presence() {
    VaultPresence& presence = replica_.own_presence();
    if (presence.is_choosing() || !presence.is_settled()) select_packs();
}

// What a reader waits for in a meeting comes with its pack: asked for part by part it would come
// twice.
bool OpenVault::takes_whole(const PackInfo& pack) {
    if (replica_.own_presence().rules().is_selective()) return false;
    const MeetingState meeting = meeting_state();
    if (meeting == MeetingState::None || meeting == MeetingState::Over) return false;
    const bool is_put_together = meeting != MeetingState::Learning && rebuilder_->take_on(pack);
    if (!is_put_together) replica_.want_now(pack);
    return true;
}

void OpenVault::set_waiting(bool may_wait) {
    may_wait_ = may_wait;
    content_->set_waiting(may_wait);
}

// ---- giving packs up

// Not when the vault is being locked.
PackAnswers OpenVault::ask_others(const std::vector<PackId>& packs, std::chrono::seconds keep) {
    return ask_and_wait(replica_.own_presence(), packs, keep, [this] { return may_wait_.load(); });
}

// Why a pack must stay, whatever others hold; empty: it need not.
std::string OpenVault::why_it_stays(const PackRow& row, const EvictionView& view) {
    if (view.unpublished.contains(row.info.id)) return "is not published yet";
    auto chunks = index_->chunks().chunks_of(row.info.id);
    if (!chunks.ok()) return "cannot be looked into";
    if (view.needs.condemned.contains(row.info.id)) return "is being collected";
    if (is_to_be_here(view.needs, row.info.id, *chunks))
        return view.needs.keeps_the_rest
                   ? "also holds content that is kept in full (other files, or earlier versions)"
                   : "also holds content of files that are kept in full";
    for (const ChunkEntry& chunk : *chunks)
        if (view.in_use.contains(chunk.id)) return "holds content of files that are open";
    return {};
}

Result<OpenVault::EvictionView> OpenVault::eviction_view() {
    if (replica_.own_presence().is_directory_shared())
        return Error{ErrorKind::Refused,
                     "other devices use this vault directory, too: what is deleted in it may be "
                     "their only copy"};
    EvictionView view;
    view.needs = chunk_needs();
    if (!view.needs.is_complete)
        return Error{ErrorKind::Unavailable,
                     "what the files that are kept in full consist of is not known here yet"};
    for (const PackInfo& pack : content_->unintroduced()) view.unpublished.insert(pack.id);
    VaultFiles::InUse in_use = files_->content_in_use();
    view.in_use.insert(in_use.chunks.begin(), in_use.chunks.end());
    ChunkSet visitor(view.in_use);
    for (const Content& content : in_use.contents)
        if (content.kind != Content::Kind::Inline)
            static_cast<void>(content_->visit_now(content, visitor).ok());
    return view;
}

// Gives up those of the packs that enough others promise to keep, some at a time: who promises
// reads them first. Returns them.
std::vector<PackId> OpenVault::give_up(const std::vector<PackId>& packs, EvictionReport& report) {
    if (packs.size() > kEvictedAtOnce) {
        const auto until = std::chrono::steady_clock::now() + kEvictionTime;
        std::vector<PackId> out;
        for (std::size_t at = 0; at < packs.size(); at += kEvictedAtOnce) {
            if (std::chrono::steady_clock::now() > until || !may_wait_) {
                report.add_kept("had no time: try again", packs.size() - at);
                break;
            }
            const auto from = packs.begin() + static_cast<std::ptrdiff_t>(at);
            const std::size_t count = std::min(packs.size() - at, kEvictedAtOnce);
            const std::vector<PackId> gone =
                give_up({from, from + static_cast<std::ptrdiff_t>(count)}, report);
            out.insert(out.end(), gone.begin(), gone.end());
        }
        return out;
    }
    VaultPresence& presence = replica_.own_presence();
    const std::vector<PackId> begun = presence.begin_eviction(packs);
    if (begun.size() < packs.size())
        report.add_kept("was promised to another device for up to an hour, or is being evicted",
                        packs.size() - begun.size());
    if (begun.empty()) return {};
    const std::int64_t asked_ms = environment_.clock.wall_ms();
    const PackAnswers answers = ask_others(begun, kPromiseTime);
    const std::int64_t age = environment_.clock.wall_ms() - asked_ms;
    const bool is_fresh = age >= 0 && age <= kAnswersAgeMaxMs && may_wait_;
    const auto has_copies = [&](const PackId& pack) {
        return is_fresh && answers.copies(pack) >= environment_.eviction_copies;
    };
    std::vector<PackId> gone =
        presence.end_eviction(begun, has_copies, [&](const PackId& pack) -> Status {
            content_->forget_pack(pack);
            TRY_OK(replica_.remove_evicted(pack));
            return index_->chunks().set_present(pack, false);
        });
    std::size_t without_copies = 0;
    for (const PackId& pack : begun)
        if (!has_copies(pack)) ++without_copies;
    if (without_copies > 0)
        report.add_kept(
            "may be the only copy: no " +
                (environment_.eviction_copies == 1 ? std::string("other connected device promises")
                                                   : std::to_string(environment_.eviction_copies) +
                                                         " other connected devices promise") +
                " to keep it",
            without_copies);
    if (begun.size() > gone.size() + without_copies)
        report.add_kept("was promised to another device that evicts it, too",
                        begun.size() - gone.size() - without_copies);
    return gone;
}

Result<EvictionReport> OpenVault::evict(const std::string& path) {
    TRY(KeptEntry top, kept_entry(path));
    const KeepRules rules = replica_.own_presence().rules();
    TRY(EvictionView view, eviction_view());
    EvictionReport report;
    std::unordered_set<ChunkId> chunks;
    std::size_t kept_files = 0;
    visit_kept_files(rules, top, [&](const KeptEntry& file) {
        if (file.keep != Keep::OnDemand) return void(++kept_files);
        const auto content = file.content ? file.content : [&]() -> std::optional<Content> {
            MutexLock lock(mutex);
            return tree.content(file.entry.node);
        }();
        ChunkSet visitor(chunks);
        if (content && content->kind != Content::Kind::Inline &&
            !content_->visit_now(*content, visitor).ok())
            report.add_kept("files consist of what is not known here yet: try again", 1);
    });
    if (kept_files > 0)
        report.kept.push_back({"files are kept in full or pinned here", kept_files});
    std::map<PackId, PackRow> here;
    std::set<PackId> absent;
    for (const ChunkId& chunk : chunks) {
        TRY(auto places, index_->chunks().find_all(chunk));
        for (const ChunkLocation& at : places) {
            if (at.is_present)
                here[at.pack] = {{at.pack, at.pack_length}, at.epoch, true, at.is_condemned};
            else
                absent.insert(at.pack);
        }
    }
    std::vector<PackId> may_go;
    for (const auto& [id, row] : here) {
        if (std::string why = why_it_stays(row, view); !why.empty())
            report.add_kept(why, 1);
        else
            may_go.push_back(id);
    }
    for (const PackId& pack : absent) {
        report.bytes += range_cache_->bytes_of(pack);
        range_cache_->drop(pack);
    }
    for (const PackId& pack : give_up(may_go, report)) {
        ++report.packs;
        report.bytes += here.at(pack).info.length;
    }
    return report;
}

// ---- where content is

Result<WhereisReport> OpenVault::whereis(const std::string& path) {
    TRY(KeptEntry found, kept_entry(path));
    if (found.entry.type == FileType::Directory)
        return Error{ErrorKind::IsDirectory, "it is a directory: name a file"};
    std::optional<Content> content;
    {
        MutexLock lock(mutex);
        content = tree.content(found.entry.node);
    }
    WhereisReport out;
    out.keep = found.keep;
    if (!content) return out;
    out.size = content->size;
    out.absent_bytes = content_->absent_bytes(*content);
    if (content->kind == Content::Kind::Inline) {
        out.is_everywhere = true;
        return out;
    }
    std::unordered_set<ChunkId> chunks;
    ChunkSet visitor(chunks);
    TRY_OK(visit_content(secrets_->ids, *content, *content_, visitor));
    std::map<ChunkId, std::vector<PackId>> packs_of;
    std::set<PackId> packs;
    for (const ChunkId& chunk : chunks) {
        TRY(auto places, index_->chunks().find_all(chunk));
        for (const ChunkLocation& at : places) {
            packs_of[chunk].push_back(at.pack);
            packs.insert(at.pack);
        }
    }
    out.pieces = chunks.size();
    const PackAnswers answers = ask_others({packs.begin(), packs.end()}, std::chrono::seconds(0));
    std::map<DeviceId, std::set<PackId>> by_device;
    for (const PackAnswers::Holder& holder : answers.holders)
        by_device[holder.member.device].insert(holder.packs.begin(), holder.packs.end());
    for (const auto& entry : by_device) {
        const std::set<PackId>& held = entry.second;
        const auto is_held = [&](const PackId& pack) { return held.contains(pack); };
        std::uint64_t pieces = 0;
        for (const auto& [chunk, places] : packs_of)
            if (std::any_of(places.begin(), places.end(), is_held)) ++pieces;
        out.holders.push_back({entry.first, pieces});
    }
    return out;
}

// ---- the limit of what is kept by having been used

std::uint64_t OpenVault::trim() {
    VaultPresence& presence = replica_.own_presence();
    if (replica_.is_blind() || !presence.rules().is_selective() || !presence.is_settled()) return 0;
    const std::uint64_t limit = presence.quota().value_or(environment_.on_demand_cache_size);
    std::uint64_t bytes = 0;
    auto rows = index_->chunks().packs();
    if (!rows.ok()) return 0;
    for (const PackRow& row : *rows) bytes += row.is_present ? row.info.length : 0;
    if (bytes <= limit / 8 * 7) {
        range_cache_->set_limit(limit - bytes);
        return 0;
    }
    range_cache_->set_limit(limit / 8);
    auto view = eviction_view();
    if (!view.ok()) return 0;
    std::map<PackId, std::uint64_t> uses = content_->last_uses();
    std::vector<PackRow> may_go;
    bytes = 0;
    for (const PackRow& row : *rows)
        if (row.is_present && why_it_stays(row, *view).empty()) {
            bytes += row.info.length;
            may_go.push_back(row);
        }
    if (bytes <= limit / 8 * 7) return 0;
    std::stable_sort(may_go.begin(), may_go.end(), [&](const PackRow& a, const PackRow& b) {
        return uses[a.info.id] < uses[b.info.id];
    });
    std::vector<PackId> oldest;
    std::map<PackId, std::uint64_t> lengths;
    for (const PackRow& row : may_go) {
        if (bytes <= limit / 8 * 7) break;
        bytes -= row.info.length;
        oldest.push_back(row.info.id);
        lengths[row.info.id] = row.info.length;
    }
    EvictionReport report;
    std::uint64_t freed = 0;
    for (const PackId& pack : give_up(oldest, report)) freed += lengths[pack];
    return freed;
}

}  // namespace lockstep
