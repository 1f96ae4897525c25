// The chunker's 256 secret numbers, one for each byte value. Derived from the vault's root key, so
// that the same file is cut differently in each vault. It is no security boundary: see
// vault/FORMAT.md, "Chunks".
#pragma once

#include <array>
#include <cstdint>

#include "vault/keys/key_tree.h"

namespace lockstep {

using GearTable = std::array<std::uint64_t, 256>;

// Expands the seed by keyed BLAKE2b. The table is as secret as its source: wipe copies of it.
GearTable make_gear_table(const ChunkerSeed& seed);

}  // namespace lockstep
