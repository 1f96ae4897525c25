// What a device keeps of a vault's content, said for files and directories: choices of this device
// alone, inherited from the parent directory.
//
// A rule belongs to a file or directory, not to its path: it follows renames, and its file on disk
// holds no name.
#pragma once

#include <map>
#include <optional>

#include "base/bytes.h"
#include "vault/presence.h"

namespace lockstep {

inline constexpr std::size_t kKeepRulesMax = 65536;

struct KeepRules {
    std::map<FileId, Keep> rules;  // of the root: Full when there is none
    // Others put objects into the vault directory: deleting a file there may delete it for them.
    bool is_directory_shared = false;

    Keep root() const {
        auto at = rules.find(kRootFile);
        return at == rules.end() ? Keep::Full : at->second;
    }
    // Whether there is content that need not be here.
    bool is_selective() const {
        for (const auto& [file, keep] : rules)
            if (keep == Keep::OnDemand) return true;
        return false;
    }
    bool operator==(const KeepRules&) const = default;
};

// u8 1 ‖ u8 shared ‖ u32 count ‖ count × (file id [16] ‖ u8 keep), ascending ‖ BLAKE2b-256 of that
Bytes encode_keep_rules(const KeepRules& rules);
Result<KeepRules> decode_keep_rules(ByteView bytes);

}  // namespace lockstep
