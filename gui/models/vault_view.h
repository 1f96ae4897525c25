// What a vault looks like to a person: one look, one sentence, one thing to do. Pure.
#pragma once

#include <QString>
#include <cstdint>
#include <vector>

#include "daemon/api/messages.h"

namespace lockstep::gui {

// In order of precedence: of several vaults the first look that any has is shown.
enum class Look { Error, Frozen, Conflict, Locked, Paused, Syncing, Disconnected, UpToDate };

// The one thing that a person would do next.
enum class VaultAction {
    Remove,
    Remount,
    CheckVault,
    ReviewDeletes,  // or rewrites: what the brake holds
    ResolveConflicts,
    Unlock,
    Resume,
    Pause,
    Invite,
    Mount,
    SetQuota,
    OpenFolder,
};

struct VaultView {
    Look look = Look::UpToDate;
    QString headline;     // "Locked"
    QString explanation;  // a sentence or two; may be empty
    VaultAction action = VaultAction::OpenFolder;
    int permille = 1000;  // of its content that is here
    QString progress;     // "12 MiB of 90 MiB, about 3 minutes left"; empty: nothing is missing
    int online = 0;       // other members connected now
    int members = 0;      // other members
};

VaultView view_of(const api::VaultInfo& vault);

// This device holds it for others, and has no key to it.
bool is_blind(const api::VaultInfo& vault);
// "laptop (owner): not connected, last news 3 days ago"
QString member_text(const api::PeerInfo& peer, std::int64_t now_ms);
// "Last news from laptop: 3 days ago." of members that were not heard of for a day or more; empty:
// none.
QString stale_text(const api::VaultInfo& vault, std::int64_t now_ms);

// The look of everything together; UpToDate when there is no vault.
Look look_of(const std::vector<api::VaultInfo>& vaults);

// "state-locked", the name of an icon.
QString icon_name(Look look);
QString look_text(Look look);
QString action_text(VaultAction action);

// The vault's plain folder on this device: its first mount in use, else its first mirror's folder;
// empty: none.
QString folder_of(const api::VaultInfo& vault);
// Where the folder with this path of the vault lies on this device, in what shows it as it is now;
// empty: nowhere.
QString folder_of(const api::VaultInfo& vault, const std::string& path);

}  // namespace lockstep::gui
