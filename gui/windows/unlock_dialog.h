// Asks for a vault's passphrase.
#pragma once

#include <QCheckBox>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

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

// Stays open, with the reason in it, when the passphrase is wrong.
class UnlockDialog : public QDialog {
    Q_OBJECT

  public:
    explicit UnlockDialog(const QString& vault, QWidget* parent = nullptr);

    api::SecretText takePassphrase() { return passphrase_->take(); }
    bool keepsUnlocked() const { return keep_->isChecked(); }
    void setFailure(const Error& error);

  Q_SIGNALS:
    // The dialog waits for accept() or setFailure().
    void unlockRequested();

  private:
    void request();
    void setWaiting(bool is_waiting);

    PassphraseEdit* passphrase_;
    QCheckBox* keep_;
    QLabel* failure_;
    QPushButton* unlock_;
};

}  // namespace lockstep::gui
