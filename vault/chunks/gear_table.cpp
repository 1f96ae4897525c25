#include "vault/chunks/gear_table.h"

#include "base/codec.h"
#include "vault/crypto/hash.h"

namespace lockstep {

// Block i of the table (four numbers, little-endian) is BLAKE2b-256(key: seed, u32 i).
GearTable make_gear_table(const ChunkerSeed& seed) {
    GearTable table;
    for (std::uint32_t block = 0; block < table.size() / 4; ++block) {
        Hash256 hash = keyed_hash(seed, Encoder().u32(block).view());
        Decoder numbers(hash.view());
        for (std::size_t i = 0; i < 4; ++i) table[4 * block + i] = numbers.u64();
        wipe(hash.bytes);
    }
    return table;
}

}  // namespace lockstep
