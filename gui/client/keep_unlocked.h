// Vaults that open by themselves on this device, with a secret from the desktop's keychain.
#pragma once

#include <QObject>
#include <QSet>
#include <functional>

#include "gui/client/daemon_state.h"
#include "gui/client/keychain.h"
#include "gui/client/preferences.h"

namespace lockstep::gui {

// When the app begins, or the daemon does, such vaults are unlocked, once: what a person locks
// afterwards stays locked.
//
// THREADS: the GUI's.
class KeepUnlocked : public QObject {
    Q_OBJECT

  public:
    KeepUnlocked(DaemonState& state, Preferences& preferences, QObject* parent = nullptr);

    bool hasKeychain() const { return keychain_.isThere(); }
    // A vault is named by its id.
    bool isKept(const QString& vault) const;
    // Makes a secret for this device, adds it to the vault, which is unlocked, and puts it into the
    // keychain. Nothing is left behind when that fails.
    void keep(const QString& vault, std::function<void(Status)> then);
    // Takes the secret out of both; the vault may be locked: then it stays in the vault's list.
    void forget(const QString& vault, std::function<void(Status)> then);
    // NotFound when nothing is kept for it.
    void unlock(const QString& vault, std::function<void(Status)> then);

  private:
    void look();
    void removeSlot(const QString& vault, const std::string& slot,
                    std::function<void(Status)> then);

    DaemonState& state_;
    Preferences& preferences_;
    Keychain keychain_;
    QSet<QString> tried_;  // since the daemon was connected
};

}  // namespace lockstep::gui
