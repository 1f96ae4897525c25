// Asks for a vault's passphrase.
#pragma once

#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <cstdint>

#include "base/result.h"
#include "daemon/api/secret_text.h"

namespace lockstep::gui {

// A line for a passphrase, with a button that shows it and a warning while Caps Lock is on.
class PassphraseEdit : public QWidget {
    Q_OBJECT

  public:
    explicit PassphraseEdit(const QString& accessible_name, QWidget* parent = nullptr);

    QLineEdit* line() { return line_; }
    // The passphrase; the line is empty after it.
    api::SecretText take();

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    QLineEdit* line_;
    QLabel* caps_lock_;
};

// How long a vault stays unlocked.
enum class KeepChoice { UntilLocked, UntilIdle, Always };

// Stays open, with the reason in it, when the passphrase is wrong.
class UnlockDialog : public QDialog {
    Q_OBJECT

  public:
    // `has_keychain`: what is always unlocked has its secret there, else with the daemon.
    UnlockDialog(const QString& vault, bool has_keychain, QWidget* parent = nullptr);

    // What is chosen before the person does. `idle_seconds` 0: nothing is known.
    void setKept(KeepChoice choice, std::uint64_t idle_seconds);
    KeepChoice kept() const { return static_cast<KeepChoice>(keep_->currentIndex()); }
    std::uint64_t idleSeconds() const;

    api::SecretText takePassphrase() { return passphrase_->take(); }
    void setFailure(const Error& error);

  Q_SIGNALS:
    // The dialog waits for accept() or setFailure().
    void unlockRequested();

  private:
    void request();
    void setWaiting(bool is_waiting);
    void explain();

    const bool has_keychain_;
    PassphraseEdit* passphrase_;
    QComboBox* keep_;
    QSpinBox* minutes_;
    QLabel *explanation_, *failure_;
    QPushButton* unlock_;
};

}  // namespace lockstep::gui
