#include <stddef.h>

namespace {
constexpr size_t kLanes = 8;
}

#include "vault/crypto/blake2b_lanes_impl.h"

namespace lockstep {

void blake2b_avx512(const unsigned char* key_block, const Blake2bMessage* messages, size_t count) {
    hash_all(key_block, messages, count);
}

}  // namespace lockstep
