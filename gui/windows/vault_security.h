// Who can open a vault, and when it locks by itself: what the settings say of one vault's keys.
#pragma once

#include <QCheckBox>
#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QListWidget>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QWidget>
#include <functional>

#include "gui/client/daemon_state.h"
#include "gui/client/keep_unlocked.h"
#include "gui/windows/unlock_dialog.h"

namespace lockstep::gui {

class VaultSecurity : public QWidget {
    Q_OBJECT

  public:
    VaultSecurity(DaemonState& state, KeepUnlocked& keep_unlocked, QWidget* parent = nullptr);

    // For tests and screenshots: as if the daemon had said this.
    void show(const api::PassphraseList& list);
    using QWidget::show;

  private:
    QWidget* makeLocking();
    QWidget* makePassphrases();
    QWidget* makeRecovery();
    void fillVaults();
    void fill();
    void askPassphrases();
    void setAutoLock(const api::SetAutoLock& wish);
    void askAgain();
    void changePassphrase(bool is_added);
    void removePassphrase();
    void renewRecovery();
    void testRecovery();
    void rotate();
    void say(const QString& text);
    QString id() const { return vaults_->currentData().toString(); }
    std::string vault() const { return id().toStdString(); }

    DaemonState& state_;
    KeepUnlocked& keep_unlocked_;
    QComboBox* vaults_;
    QSpinBox* idle_;
    QCheckBox* suspend_;
    QLabel *opens_, *result_;
    QPushButton *ask_again_, *change_, *add_, *remove_, *renew_, *rotate_;
    QListWidget* passphrases_;
    QWidget* content_;
    QString asked_for_;  // of which vault the list is
};

// Asks for the current passphrase and a new one. Stays open, with the reason in it, on a failure.
class PassphraseDialog : public QDialog {
    Q_OBJECT

  public:
    PassphraseDialog(const QString& vault, bool is_added, QWidget* parent = nullptr);

    // The lines are empty after it.
    api::SetPassphrase take();
    void setFailure(const Error& error);

  Q_SIGNALS:
    // The dialog waits for accept() or setFailure().
    void wanted();

  private:
    void judge();

    const bool is_added_;
    const QString vault_;
    PassphraseEdit *current_, *first_, *second_;
    QCheckBox *forgotten_, *stays_here_;
    QProgressBar* strength_;
    QLabel *judgement_, *failure_;
    QPushButton* set_;
};

// Shows a new recovery sheet, once: it is to be saved or printed before the dialog is closed.
class RecoverySheetDialog : public QDialog {
    Q_OBJECT

  public:
    RecoverySheetDialog(const QString& vault, const api::RecoveryAnswer& answer,
                        QWidget* parent = nullptr);

    // 0600, and never over a file that is there.
    Status save(const QString& file);

  private:
    void print();
    void setKept();

    const QString sheet_;
    QLabel* failure_;
    QPushButton* close_;
};

// Whether a text is the vault's recovery code.
class RecoveryTestDialog : public QDialog {
    Q_OBJECT

  public:
    RecoveryTestDialog(DaemonState& state, const std::string& vault, QWidget* parent = nullptr);
};

}  // namespace lockstep::gui
