// BLAKE2b (RFC 7693) of several messages at once, one in each lane of a vector register.
//
// Included only by the files that compile it for one instruction set. Nothing here may come from
// the standard library's templates: the linker might give the rest of the program code that its
// processor does not have.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace lockstep {

struct Blake2bMessage {
    const unsigned char* data;
    size_t size;
    unsigned char* out;  // 32 bytes
};

// Keyed, with 32 bytes of output. `key_block` is the key of 32 bytes, filled up to 128 with zeros.
void blake2b_avx2(const unsigned char* key_block, const Blake2bMessage* messages, size_t count);
void blake2b_avx512(const unsigned char* key_block, const Blake2bMessage* messages, size_t count);

}  // namespace lockstep
