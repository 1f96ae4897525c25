// Everything a person can do, for the window, the tray and notifications alike: asks what has to be
// asked, tells the daemon, and says what failed.
#pragma once

#include <QObject>
#include <QPointer>
#include <QWidget>
#include <functional>

#include "gui/client/daemon_state.h"
#include "gui/client/keep_unlocked.h"
#include "gui/models/vault_view.h"
#include "gui/windows/unlock_dialog.h"

namespace lockstep::gui {

// Vaults are named by reference_of(). No method blocks: dialogs are opened, not run.
//
// THREADS: the GUI's.
class Commands : public QObject {
    Q_OBJECT

  public:
    // `window` is the parent of dialogs.
    Commands(DaemonState& state, Preferences& preferences, QWidget* window);

    KeepUnlocked& keepUnlocked() { return keep_unlocked_; }

    void run(VaultAction action, const QString& vault);

    void unlock(const QString& vault);
    void lock(const QString& vault);
    void lockAll();
    // An empty vault: all of them. `seconds` 0: until resumed.
    void pause(const QString& vault, std::uint64_t seconds);
    void resume(const QString& vault);
    // By hand, until the schedule says the same.
    void setAlternativeLimits(bool is_on);
    // Of a blind member.
    void setQuota(const QString& vault);
    void openFolder(const QString& vault);
    // The folder that a file of the vault lies in; of what is gone, the nearest that is there.
    void openFolderOf(const QString& vault, const std::string& path);
    void mount(const QString& vault);
    void unmount(const QString& vault);
    void remount(const QString& vault);
    void check(const QString& vault);
    void remove(const QString& vault);
    // What the brake holds: rewrites, else deletes.
    void reviewDeletes(const QString& vault);

    void renameDevice();
    void revokeDevice(const api::DeviceInfo& device);
    void retireDevice(const api::DeviceInfo& device);
    void adoptDevice(const api::DeviceInfo& device);
    // `role`: owner, writer or reader.
    void setRole(const api::DeviceInfo& device, const std::string& role);

    // Says what went wrong, in a dialog that blocks nothing.
    void showError(const QString& what, const Error& error);

  Q_SIGNALS:
    void inviteWanted(const QString& vault);
    void conflictsWanted(const QString& vault);
    void historyWanted(const QString& vault);
    void fileHistoryWanted(const QString& vault, const std::string& path);

  private:
    // Asks the daemon and shows the error, if any; the status is asked anew.
    template <typename Question>
    void tell(const QString& what, Question question);
    void showFolder(const QString& folder);
    void askPassphrase(const QString& vault);
    void keepAsChosen(const QString& vault, KeepChoice choice, std::uint64_t idle_seconds);
    void reviewRewrites(const api::VaultInfo& vault);
    void undoRewrites(const QString& vault);
    void lockForced(const QString& vault, const QString& who);
    void confirm(const QString& title, const QString& text, const QString& button,
                 const QString& name, std::function<void()> then);
    void actOnDevice(const api::DeviceInfo& device, const std::string& action, const QString& what);

    DaemonState& state_;
    KeepUnlocked keep_unlocked_;
    QPointer<QWidget> window_;
};

// Seconds until tomorrow morning at eight, local time.
std::uint64_t seconds_until_tomorrow();

}  // namespace lockstep::gui
