#include "daemon/api/messages.h"

#include "base/check.h"

namespace lockstep::api {

std::string_view sync_word_text(SyncWord word) {
    switch (word) {
        case SyncWord::UpToDate:
            return "Up to Date";
        case SyncWord::Syncing:
            return "Syncing";
        case SyncWord::Paused:
            return "Paused";
        case SyncWord::Disconnected:
            return "Disconnected";
        case SyncWord::OutOfSync:
            return "Out of Sync";
        case SyncWord::Locked:
            return "Locked";
        case SyncWord::Conflict:
            return "Conflict";
    }
    CHECK(false, "a SyncWord outside its enumeration");
}

std::string_view vault_state_text(VaultState state) {
    switch (state) {
        case VaultState::Locked:
            return "locked";
        case VaultState::Unlocked:
            return "unlocked";
        case VaultState::Mounted:
            return "mounted";
    }
    CHECK(false, "a VaultState outside its enumeration");
}

}  // namespace lockstep::api
