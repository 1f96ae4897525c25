#include "gui/client/keep_unlocked.h"

#include <algorithm>

namespace lockstep::gui {

namespace {

// The passphrase that stays on this device and was not in the list before.
std::string added_slot(const api::PassphraseList& before, const api::PassphraseList& after) {
    for (const api::PassphraseInfo& one : after.passphrases)
        if (one.kind == "local" &&
            std::ranges::find(before.passphrases, one.id, &api::PassphraseInfo::id) ==
                before.passphrases.end())
            return one.id;
    return {};
}

}  // namespace

KeepUnlocked::KeepUnlocked(DaemonState& state, Preferences& preferences, QObject* parent)
    : QObject(parent), state_(state), preferences_(preferences) {
    connect(&state_, &DaemonState::linkChanged, this, [this] {
        if (state_.linkState() != DaemonState::Link::Connected) tried_.clear();
    });
    connect(&state_, &DaemonState::statusChanged, this, &KeepUnlocked::look);
}

bool KeepUnlocked::isKept(const QString& vault) const {
    return !preferences_.keychainSlot(vault).isEmpty();
}

void KeepUnlocked::look() {
    for (const api::VaultInfo& vault : state_.status().vaults) {
        const QString id = QString::fromStdString(vault.id);
        if (id.isEmpty() || tried_.contains(id)) continue;
        tried_ += id;
        if (vault.state == "locked" && isKept(id)) unlock(id, [](const Status&) {});
    }
}

void KeepUnlocked::unlock(const QString& vault, std::function<void(Status)> then) {
    if (!isKept(vault)) return then(Error{ErrorKind::NotFound, "nothing is kept for it"});
    keychain_.read(vault, [this, vault, then = std::move(then)](Result<api::SecretText> secret) {
        if (!secret.ok()) return then(secret.error());
        auto request = std::make_shared<api::UnlockVault>();
        request->passphrase = std::move(*secret);
        state_.link().ask(
            this,
            [request, id = vault.toStdString()](api::DaemonClient& client) {
                return client.unlock(id, *request);
            },
            [this, then](Result<api::VaultInfo> unlocked) {
                state_.refresh();
                then(unlocked.ok() ? Status() : Status(unlocked.error()));
            });
    });
}

void KeepUnlocked::keep(const QString& vault, std::function<void(Status)> then) {
    auto secret = std::make_shared<api::SecretText>(random_secret());
    state_.link().ask(
        this,
        [secret, id = vault.toStdString()](api::DaemonClient& client) -> Result<std::string> {
            TRY(const api::PassphraseList before, client.passphrases(id));
            api::SetPassphrase request;
            request.by_device = true;
            request.passphrase = api::SecretText(secret->reveal());
            request.is_added = true;
            request.stays_here = true;
            TRY(const api::PassphraseList after, client.set_passphrase(id, request));
            return added_slot(before, after);
        },
        [this, vault, secret, then = std::move(then)](Result<std::string> slot) {
            if (!slot.ok()) return then(slot.error());
            keychain_.write(vault, *secret, [this, vault, slot = *slot, then](Status written) {
                if (!written.ok())
                    return removeSlot(vault, slot,
                                      [then, written](const Status&) { then(written); });
                preferences_.setKeychainSlot(vault, QString::fromStdString(slot));
                then({});
            });
        });
}

void KeepUnlocked::forget(const QString& vault, std::function<void(Status)> then) {
    const std::string slot = preferences_.keychainSlot(vault).toStdString();
    if (slot.empty()) return then({});
    keychain_.remove(vault, [this, vault, slot, then = std::move(then)](Status removed) {
        if (!removed.ok() && removed.error().kind != ErrorKind::NotFound) return then(removed);
        preferences_.setKeychainSlot(vault, {});
        removeSlot(vault, slot, then);
    });
}

void KeepUnlocked::removeSlot(const QString& vault, const std::string& slot,
                              std::function<void(Status)> then) {
    state_.link().ask(
        this,
        [id = vault.toStdString(), slot](api::DaemonClient& client) {
            api::RemovePassphrase request;
            request.id = slot;
            request.by_device = true;
            return client.remove_passphrase(id, request);
        },
        [then = std::move(then)](Result<api::PassphraseList> removed) {
            then(removed.ok() ? Status() : Status(removed.error()));
        });
}

}  // namespace lockstep::gui
