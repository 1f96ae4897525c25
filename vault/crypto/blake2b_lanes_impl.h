// See blake2b_lanes.h. The including file says how many lanes there are.
#include "vault/crypto/blake2b_lanes.h"

namespace lockstep {
namespace {

using Word = uint64_t;
typedef Word Words __attribute__((vector_size(8 * kLanes)));

constexpr size_t kBlockSize = 128;
constexpr Word kInitial[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                              0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                              0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
constexpr Word kParameters = 0x01010000 ^ (32 << 8) ^ 32;  // no tree; key and output of 32 bytes
constexpr unsigned char kSigma[12][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                          {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                          {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                          {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                          {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                          {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                          {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                          {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                          {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                          {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
                                          {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                          {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};

struct Lane {
    const Blake2bMessage* message = nullptr;  // null: idle
    const unsigned char* next = nullptr;
    size_t left = 0;
    Word hashed = 0;
    bool is_at_key = false;
    unsigned char last[kBlockSize];
};

Word load(const unsigned char* bytes) {
    Word word;
    __builtin_memcpy(&word, bytes, sizeof(word));  // little endian, as these processors are
    return word;
}

#define LOCKSTEP_ROTATE(x, n) (((x) >> (n)) | ((x) << (64 - (n))))
#define LOCKSTEP_MIX(a, b, c, d, x, y)       \
    v[a] = v[a] + v[b] + (x);                \
    v[d] = LOCKSTEP_ROTATE(v[d] ^ v[a], 32); \
    v[c] = v[c] + v[d];                      \
    v[b] = LOCKSTEP_ROTATE(v[b] ^ v[c], 24); \
    v[a] = v[a] + v[b] + (y);                \
    v[d] = LOCKSTEP_ROTATE(v[d] ^ v[a], 16); \
    v[c] = v[c] + v[d];                      \
    v[b] = LOCKSTEP_ROTATE(v[b] ^ v[c], 63)

void compress(Words (&state)[8], const unsigned char* const (&blocks)[kLanes], const Words& hashed,
              const Words& is_last) {
    Words m[16];
    for (size_t i = 0; i < 16; ++i)
        for (size_t lane = 0; lane < kLanes; ++lane) m[i][lane] = load(blocks[lane] + 8 * i);
    Words v[16];
    for (size_t i = 0; i < 8; ++i) {
        v[i] = state[i];
        v[i + 8] = Words{} + kInitial[i];
    }
    v[12] ^= hashed;
    v[14] ^= is_last;
#pragma GCC unroll 12
    for (size_t round = 0; round < 12; ++round) {
        const unsigned char* s = kSigma[round];
        LOCKSTEP_MIX(0, 4, 8, 12, m[s[0]], m[s[1]]);
        LOCKSTEP_MIX(1, 5, 9, 13, m[s[2]], m[s[3]]);
        LOCKSTEP_MIX(2, 6, 10, 14, m[s[4]], m[s[5]]);
        LOCKSTEP_MIX(3, 7, 11, 15, m[s[6]], m[s[7]]);
        LOCKSTEP_MIX(0, 5, 10, 15, m[s[8]], m[s[9]]);
        LOCKSTEP_MIX(1, 6, 11, 12, m[s[10]], m[s[11]]);
        LOCKSTEP_MIX(2, 7, 8, 13, m[s[12]], m[s[13]]);
        LOCKSTEP_MIX(3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (size_t i = 0; i < 8; ++i) state[i] ^= v[i] ^ v[i + 8];
}

// The next block of a lane, and whether it is its last one.
const unsigned char* step(Lane& lane, const unsigned char* key_block, bool& is_last) {
    if (lane.is_at_key) {
        lane.is_at_key = false;
        lane.hashed = kBlockSize;
        is_last = lane.left == 0;
        return key_block;
    }
    const unsigned char* block = lane.next;
    is_last = lane.left <= kBlockSize;
    if (!is_last) {
        lane.next += kBlockSize;
        lane.left -= kBlockSize;
        lane.hashed += kBlockSize;
        return block;
    }
    __builtin_memset(lane.last, 0, kBlockSize);
    __builtin_memcpy(lane.last, block, lane.left);
    lane.hashed += lane.left;
    return lane.last;
}

void hash_all(const unsigned char* key_block, const Blake2bMessage* messages, size_t count) {
    Lane lanes[kLanes];
    Words state[8] = {};
    size_t taken = 0, busy = 0;
    const auto take = [&](size_t at) {
        Lane& lane = lanes[at];
        lane.message = taken < count ? &messages[taken++] : nullptr;
        if (lane.message == nullptr) return;
        ++busy;
        lane.next = lane.message->data;
        lane.left = lane.message->size;
        lane.is_at_key = true;
        for (size_t i = 0; i < 8; ++i) state[i][at] = kInitial[i] ^ (i == 0 ? kParameters : 0);
    };
    for (size_t at = 0; at < kLanes; ++at) take(at);
    while (busy > 0) {
        const unsigned char* blocks[kLanes];
        Words hashed{}, is_last{};
        for (size_t at = 0; at < kLanes; ++at) {
            blocks[at] = key_block;
            if (lanes[at].message == nullptr) continue;
            bool ends = false;
            blocks[at] = step(lanes[at], key_block, ends);
            hashed[at] = lanes[at].hashed;
            is_last[at] = ends ? ~Word{0} : 0;
        }
        compress(state, blocks, hashed, is_last);
        for (size_t at = 0; at < kLanes; ++at) {
            if (is_last[at] == 0) continue;
            for (size_t i = 0; i < 4; ++i) {
                const Word word = state[i][at];
                __builtin_memcpy(lanes[at].message->out + 8 * i, &word, sizeof(word));
            }
            --busy;
            take(at);
        }
    }
    for (Lane& lane : lanes) __builtin_memset(lane.last, 0, kBlockSize);
    __asm__ volatile("" : : "r"(&lanes[0]) : "memory");
}

#undef LOCKSTEP_MIX
#undef LOCKSTEP_ROTATE

}  // namespace
}  // namespace lockstep
