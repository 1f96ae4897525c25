// ListsHere: list nodes that are here; nothing is waited or asked for.
#pragma once

#include "vault/chunks/content_store.h"
#include "vault/files/content_pool.h"

namespace lockstep {

class ListsHere final : public ChunkSource {
  public:
    explicit ListsHere(ContentPool& pool) : pool_(pool) {}
    Result<Bytes> get(ChunkKind kind, const ChunkId& id) override {
        return pool_.get_if_here(kind, id);
    }

  private:
    ContentPool& pool_;
};

}  // namespace lockstep
