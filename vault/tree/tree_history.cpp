// Tree: what was, as far as its records tell.
#include <limits>

#include "vault/tree/tree_state.h"

namespace lockstep {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

Stamp last_delete(const LinkState& link) {
    Stamp deleted;
    if (link.deletes)
        for (const DeleteRecord& each : *link.deletes) deleted = std::max(deleted, each.stamp);
    return deleted;
}

}  // namespace

std::map<VersionId, VersionEnding> Tree::endings(const FileId& id) const {
    std::map<VersionId, VersionEnding> out;
    const TreeFacts& facts = state_->facts;
    const Index at = facts.find_file(id);
    if (at == kNoIndex) return out;
    const FileState& file = facts.file(at);
    // When each was first replaced; by a resolve or a fork nobody knows when.
    for (const VersionState& version : file.versions) {
        if (!version.known || !version.replaces) continue;
        const Stamp when = version.stamp.full();
        for (const VersionId& replaced : *version.replaces) {
            auto [known, is_new] = out.emplace(
                replaced, VersionEnding{when, false, std::string(*version.device_label)});
            if (!is_new && when < known->second.stamp)
                known->second = {when, false, std::string(*version.device_label)};
        }
    }
    if (facts.live_links(at) > 0) return out;
    const Stamp gone = changed(id);
    for (const VersionState& version : file.versions)
        if (version.known) out.emplace(version.id, VersionEnding{gone, true, {}});
    return out;
}

void Tree::visit_kept(const KeptTimes& kept,
                      const std::function<void(const KeptVersion&)>& visit) const {
    const TreeFacts& facts = state_->facts;
    for (Index at = 0; at < facts.files_size(); ++at) {
        const FileState& file = facts.file(at);
        if (file.is_directory() || file.versions.empty()) continue;
        const std::map<VersionId, VersionEnding> ended = endings(file.id);
        for (const VersionState& version : file.versions) {
            if (!version.known || version.kind == Content::Kind::Inline) continue;
            const auto end = ended.find(version.id);
            const auto end_ms =
                end == ended.end() ? std::optional<std::int64_t>() : end->second.stamp.wall_ms();
            const std::int64_t time_ms = version.stamp.full().wall_ms();
            if (!kept.keeps(time_ms, end_ms.value_or(kNever))) continue;
            const Content content = content_of(version);
            visit({file.id, version.id, content, time_ms, end_ms});
        }
    }
}

std::optional<FileId> Tree::file_of(const LinkId& link) const {
    const TreeFacts& facts = state_->facts;
    const Index at = facts.find_link(link);
    if (at == kNoIndex || facts.link(at).file == kNoIndex) return std::nullopt;
    return facts.file(facts.link(at).file).id;
}

std::vector<PastLink> Tree::links_in(const std::set<FileId>& directories) const {
    const TreeFacts& facts = state_->facts;
    std::set<Index> wanted;
    for (const FileId& id : directories)
        if (const Index at = facts.find_file(id); at != kNoIndex) wanted.insert(at);
    std::vector<PastLink> out;
    for (Index at = 0; at < facts.links_size(); ++at) {
        const LinkState& link = facts.link(at);
        if (link.file == kNoIndex || !wanted.contains(link.parent)) continue;
        const FileState& file = facts.file(link.file);
        out.push_back({link.id, file.id, file.type, std::string(link.name.view()), link.visible,
                       last_delete(link)});
    }
    return out;
}

}  // namespace lockstep
