// Why a file is not the same on all devices, in sentences: a pure decision over what the vault and
// the sync engine say of it.
#pragma once

#include <string>
#include <vector>

#include "daemon/api/messages.h"
#include "sync/sync_engine.h"
#include "vault/vault.h"

namespace lockstep {

struct FileSituation {
    std::string path;
    FileReport file;
    bool is_on_demand = false;  // its content need not be here
    bool is_paused = false;
    bool is_metered = false;
    std::string paused_until;  // a time for people; empty: until somebody resumes it
    bool has_unmerged = false;
    VaultSyncStatus sync;
    std::vector<Member> others;  // members that count, without this device
    Frontier frontier;           // of this device
};

api::ExplainAnswer explain_file(const FileSituation& situation);

// The answer for a vault of which only that is known.
api::ExplainAnswer explain_locked(const std::string& path);

}  // namespace lockstep
