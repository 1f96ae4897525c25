// A question to the other members about packs, for who can wait for the answers.
#pragma once

#include "vault/presence/vault_presence.h"

namespace lockstep {

// Asks about any number of packs and waits for some seconds, not longer than `may_wait` holds.
// THREADS: any but the ones that bring answers.
PackAnswers ask_and_wait(VaultPresence& presence, const std::vector<PackId>& packs,
                         std::chrono::seconds keep, const std::function<bool()>& may_wait);

}  // namespace lockstep
