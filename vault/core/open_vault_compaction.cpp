// Compaction: fewer and smaller files for the same segments (vault/log/compaction.h). Nothing that
// is seen changes: what is here, and what it is called, stays the same.
#include "base/log.h"
#include "vault/core/open_vault_secrets.h"

namespace lockstep {

RecordKeys OpenVault::record_keys() {
    return [this](const EpochId& epoch) -> const RecordKey* {
        const EpochKeys* keys = epoch_keys(epoch);
        return keys == nullptr ? nullptr : &keys->records;
    };
}

Result<std::uint64_t> OpenVault::compact(bool at_once) {
    MutexLock publish_lock(publish_mutex_);
    std::uint64_t count = 0;
    std::optional<Error> failure;
    for (const LogId& log : replica_.logs_to_compact()) {
        const LogPosition last = replica_.last_of(log);
        if (compacted_[log] == last && !at_once) continue;
        auto done = replica_.compact_log(log, record_keys(), at_once);
        if (done.ok()) count += *done;
        if (done.ok())
            compacted_[log] = last;
        else
            failure = std::move(done).error();
    }
    // Those of other devices, and what a crash has left.
    if (const std::size_t files = replica_.compacted_here().size();
        at_once || std::exchange(compacted_files_, files) != files) {
        if (auto dropped = replica_.drop_replaced(record_keys()); !dropped.ok())
            failure = std::move(dropped).error();
    }
    if (failure) return *failure;
    return count;
}

}  // namespace lockstep
