#include "vault/chunks/content_ids.h"

#include "vault/crypto/hash.h"

namespace lockstep {

ContentIds::ContentIds(const VaultKeys& keys)
    : chunk_(keys.chunk_id.copy()),
      list_node_(keys.list_node_id.copy()),
      inline_root_(keys.inline_root.copy()) {}

ChunkId ContentIds::chunk_id(ByteView plaintext) const {
    return hash_as<ChunkId>(keyed_hash(chunk_, plaintext));
}

std::vector<ChunkId> ContentIds::chunk_ids(std::span<const ByteView> plaintexts) const {
    std::vector<Hash256> hashes(plaintexts.size());
    keyed_hashes(chunk_, plaintexts, hashes);
    std::vector<ChunkId> out;
    out.reserve(hashes.size());
    for (const Hash256& hash : hashes) out.push_back(hash_as<ChunkId>(hash));
    return out;
}

ChunkId ContentIds::list_node_id(ByteView node) const {
    return hash_as<ChunkId>(keyed_hash(list_node_, node));
}

ChunkId ContentIds::id_of(ChunkKind kind, ByteView plaintext) const {
    switch (kind) {
        case ChunkKind::Data:
            return chunk_id(plaintext);
        case ChunkKind::ListNode:
            return list_node_id(plaintext);
    }
    CHECK(false, "no such kind of chunk");
    return {};
}

ContentRoot ContentIds::inline_root(ByteView bytes) const {
    return hash_as<ContentRoot>(keyed_hash(inline_root_, bytes));
}

}  // namespace lockstep
