#include <stddef.h>

namespace {
constexpr size_t kLanes = 4;
}

#include "vault/crypto/blake2b_lanes_impl.h"

namespace lockstep {

void blake2b_avx2(const unsigned char* key_block, const Blake2bMessage* messages, size_t count) {
    hash_all(key_block, messages, count);
}

}  // namespace lockstep
