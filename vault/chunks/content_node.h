// One node of a stored content list, and the rule that cuts a list into nodes.
// Format: vault/FORMAT.md, "Content lists".
#pragma once

#include <vector>

#include "vault/limits.h"
#include "vault/types.h"

namespace lockstep {

// In a node of level 1 an extent (zero id: a hole), above it a node of the level below.
struct ContentNodeEntry {
    ChunkId id;
    std::uint64_t length = 0;  // bytes of content that it stands for
    bool operator==(const ContentNodeEntry&) const = default;
};

struct ContentNode {
    std::uint8_t level = 1;  // 1 to kContentDepthMax
    std::vector<ContentNodeEntry> entries;

    std::uint64_t length() const;
    bool operator==(const ContentNode&) const = default;
};

inline constexpr std::size_t kContentNodeEntriesCutMin = 128;   // no cut by content before
inline constexpr std::size_t kContentNodeEntriesCutMax = 4096;  // a cut anyway
static_assert(kContentNodeEntriesCutMax <= kContentNodeEntriesMax);

// Whether a node that now has `count` entries, `last` the newest, ends here (unless the list does).
// One entry in 512 says so by its id; a hole never does.
bool content_node_ends(std::size_t count, const ContentNodeEntry& last);

Bytes encode_content_node(const ContentNode& node);

// Refuses nodes that are not in normal form (empty, impossible lengths, holes above level 1 or side
// by side) or that hold an inner cut.
Result<ContentNode> decode_content_node(ByteView bytes);

}  // namespace lockstep
