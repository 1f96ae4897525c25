// The keyed hashes that name content inside a vault: chunks, list nodes, inline content.
//
// Each has a key of its own, derived from the vault's root key, so that the ids survive key
// rotation and nothing of one kind can stand for another. Format: vault/FORMAT.md, "Chunks".
// THREADS: any.
#pragma once

#include "vault/chunks/chunk_kind.h"
#include "vault/keys/key_tree.h"

namespace lockstep {

class ContentIds {
  public:
    // Keeps copies of the keys.
    explicit ContentIds(const VaultKeys& keys);

    ChunkId chunk_id(ByteView plaintext) const;
    std::vector<ChunkId> chunk_ids(std::span<const ByteView> plaintexts) const;
    ChunkId list_node_id(ByteView node) const;
    ChunkId id_of(ChunkKind kind, ByteView plaintext) const;
    ContentRoot inline_root(ByteView bytes) const;

  private:
    ChunkIdKey chunk_;
    ListNodeIdKey list_node_;
    InlineRootKey inline_root_;
};

}  // namespace lockstep
