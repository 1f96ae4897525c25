// Which links of a file live: the life rule (DESIGN: "Merge", State) as a pure decision.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "vault/tree/tree_types.h"

namespace lockstep {

// A delete counts while its link's registers are those that its author saw.
bool is_effective(const DeleteRecord& deletion, const Stamp& parent, const Stamp& name);

// A link of the file and the deletes that count.
struct LinkDeletes {
    LinkId link;
    std::vector<const DeleteRecord*> effective;
};

// Of a file whose links all have a delete that counts: nullopt when the file is gone, else the link
// that lives all the same, because somebody wrote or linked what no delete had seen. REQUIRES:
// every link has a delete that counts
std::optional<LinkId> surviving_link(std::span<const LinkDeletes> links,
                                     std::span<const VersionId> heads);

}  // namespace lockstep
