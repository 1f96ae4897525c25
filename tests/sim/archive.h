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

// A policy that a simulated vault may have, in our own words.
struct SimPolicy {
    std::string_view text;
    std::int64_t all_ms = 0;
    std::int64_t step_ms = 0;  // before that, what was shown at each multiple of this; 0: nothing
    std::int64_t span_ms = 0;  // as far back
};
inline constexpr std::int64_t kSimDayMs = 24 * 3'600'000LL;
inline constexpr SimPolicy kSimPolicies[] = {
    {"all 7d", 7 * kSimDayMs, 0, 0},
    {"all 7d, daily 60d", 7 * kSimDayMs, kSimDayMs, 60 * kSimDayMs},
    {"all 8d, hourly 12d", 8 * kSimDayMs, kSimDayMs / 24, 12 * kSimDayMs},
};

// The versions that somebody may still ask for at `now_ms`: what a live file shows, what was
// replaced or removed with its file less than `retention_ms` ago (or as long ago as the vault's
// policy says), by their stamps, and what was shown at the time of a snapshot.
std::vector<VersionRecord> versions_to_keep(const Witness& witness, std::int64_t now_ms,
                                            std::int64_t retention_ms);

}  // namespace lockstep::sim
