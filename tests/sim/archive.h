// Every content that the packs on a device's disk hold, read without the vault's own index: the
// oracle of what a collection must leave.
#pragma once

#include <map>

#include "tests/sim/witness.h"
#include "vault/chunks/content_store.h"

namespace lockstep::sim {

class Archive final : public ChunkSource {
  public:
    // Opens all packs that lie in the device's vault directory.
    static Result<std::unique_ptr<Archive>> of(SimDevice& device, const KeyState& keys);

    // NotFound when a chunk of it is in no pack here.
    Result<std::string> read(const Content& content);
    Result<Bytes> get(ChunkKind kind, const ChunkId& id) override;

  private:
    explicit Archive(const VaultKeys& keys) : ids_(keys) {}
    const ContentIds ids_;
    std::map<ChunkId, Bytes> chunks_;
};

// The versions that somebody may still ask for at `now_ms`: what a live file shows, and what was
// replaced or removed with its file less than `retention_ms` ago, by their stamps.
std::vector<VersionRecord> versions_to_keep(const Witness& witness, std::int64_t now_ms,
                                            std::int64_t retention_ms);

}  // namespace lockstep::sim
