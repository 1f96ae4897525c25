// What opens a vault besides the keys of its devices, as people see and change it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace lockstep {

struct KdfCost {
    std::uint64_t memory_bytes = 256ULL << 20;
    std::uint64_t operations = 3;
};

struct KeySlotInfo {
    enum class Kind {
        Passphrase,       // lies in the vault's directory: opens every copy of it
        LocalPassphrase,  // of this device alone, kept outside the directory
        RecoveryCode,
    };
    Kind kind = Kind::Passphrase;
    std::string id = {};        // 16 hex digits; "here" for this device's own passphrase
    KdfCost cost = {};          // of a passphrase
    std::int64_t added_ms = 0;  // wall clock, as its author says; 0: not known
    std::string added_by = {};  // label of the device; empty: not known
};

// A new passphrase, and who wants it. `current` is a passphrase or the recovery code of the vault;
// empty: whoever has this unlocked device may decide.
struct NewPassphrase {
    ByteView current;
    ByteView passphrase;
    KdfCost cost;
    // Replaces the one that `current` is (all, when `current` is none); else it is one more.
    bool replaces = false;
    // It opens the vault on this device only, and does not lie in the vault's directory.
    bool stays_here = false;
};

// A new recovery code: as one line, and as a sheet to print. It opens everything: wipe both.
struct RecoveryCode {
    std::string code;
    std::string sheet;
};

}  // namespace lockstep
