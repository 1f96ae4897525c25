#include "vault/tree/link_rules.h"

#include <algorithm>

namespace lockstep {
namespace {

bool contains(const auto& sorted_or_not, const auto& wanted) {
    return std::find(sorted_or_not.begin(), sorted_or_not.end(), wanted) != sorted_or_not.end();
}

bool saw_everything(const DeleteRecord& deletion, std::span<const LinkDeletes> links,
                    std::span<const VersionId> heads) {
    return !deletion.last.empty() &&
           std::all_of(heads.begin(), heads.end(),
                       [&](const VersionId& head) { return contains(deletion.heads, head); }) &&
           std::all_of(links.begin(), links.end(),
                       [&](const LinkDeletes& link) { return contains(deletion.last, link.link); });
}

Stamp newest_delete(const LinkDeletes& link) {
    Stamp newest;
    for (const DeleteRecord* deletion : link.effective) newest = std::max(newest, deletion->stamp);
    return newest;
}

}  // namespace

bool is_effective(const DeleteRecord& deletion, const Stamp& parent, const Stamp& name) {
    return deletion.seen_parent == parent && deletion.seen_name == name;
}

std::optional<LinkId> surviving_link(std::span<const LinkDeletes> links,
                                     std::span<const VersionId> heads) {
    for (const LinkDeletes& link : links) {
        for (const DeleteRecord* deletion : link.effective) {
            if (saw_everything(*deletion, links, heads)) return std::nullopt;
        }
    }
    const LinkDeletes& last =
        *std::max_element(links.begin(), links.end(), [](const auto& a, const auto& b) {
            return std::pair(newest_delete(a), a.link) < std::pair(newest_delete(b), b.link);
        });
    return last.link;
}

}  // namespace lockstep
