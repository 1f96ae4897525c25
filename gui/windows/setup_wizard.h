// Makes a vault or joins one, step by step; the first time also names this device, chooses a relay
// and says whether the app begins with the session.
#pragma once

#include <QWizard>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

// What the pages have learned so far.
struct Setup {
    QString ticket;
    QString recovery_code;
    QString join;     // its id, while it is under way
    QString vault;    // name of the vault that was made or joined
    QString folder;   // where it is shown; empty: nowhere
    QString problem;  // what did not work although there is a vault
};

class SetupWizard : public QWizard {
    Q_OBJECT

  public:
    enum class Kind { FirstRun, NewVault, Join };
    enum Page {
        Device,
        Choice,
        NewVaultPage,
        Passphrase,
        Recovery,
        RecoveryCheck,
        JoinPage,
        Digits,
        Relay,
        Done
    };

    // `link`: for Join, what was clicked; may be empty.
    SetupWizard(DaemonState& state, Kind kind, const QString& link, QWidget* parent = nullptr);

    DaemonState& state() { return state_; }
    Setup& setup() { return setup_; }
    Kind kind() const { return kind_; }
    // What follows once there is a vault.
    int afterVault() const { return kind_ == Kind::FirstRun ? Relay : Done; }

    // Asks first while the recovery code is shown: it is told this once.
    void reject() override;

  private:
    DaemonState& state_;
    const Kind kind_;
    Setup setup_;
};

}  // namespace lockstep::gui
