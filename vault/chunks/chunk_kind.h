// What packs hold: small sealed objects named by a keyed hash of their plaintext.
#pragma once

#include <cstdint>

#include "vault/types.h"

namespace lockstep {

// The two kinds have ids under different keys, so neither can stand for the other.
enum class ChunkKind : std::uint8_t {
    Data = 1,      // a piece of file content
    ListNode = 2,  // a node of a content list
};

enum class Compression : std::uint8_t { None = 0, Lz4 = 1 };

}  // namespace lockstep
