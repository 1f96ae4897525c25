// Lets another device into a vault: the link to pass on, and the six digits to compare.
#pragma once

#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QStackedWidget>
#include <QTimer>

#include "gui/client/daemon_state.h"
#include "gui/widgets/qr_code.h"

namespace lockstep::gui {

// Pages: what to allow → the link, waiting → the digits → how it ended. Closing it leaves an
// invite open: the devices page shows who asks.
class InviteDialog : public QDialog {
    Q_OBJECT

  public:
    // A new invite.
    InviteDialog(DaemonState& state, const QString& vault, QWidget* parent);
    // One that is open; for whoever asks to join.
    static InviteDialog* forRequest(DaemonState& state, const QString& invite, QWidget* parent);

    // What the daemon says of it now; with the ticket when it was just made.
    void showInvite(const api::InviteInfo& invite);

  private:
    enum Page { Options, Waiting, Asking, Ended };

    InviteDialog(DaemonState& state, QWidget* parent);
    QWidget* makeOptions();
    QWidget* makeWaiting();
    QWidget* makeAsking();
    void create();
    void look();
    void answer(bool is_accepted);
    void fail(const Error& error);
    void countDown();

    DaemonState& state_;
    QString vault_, invite_, link_;
    std::int64_t expires_ms_ = 0;
    QStackedWidget* pages_;
    QComboBox *role_, *expires_;
    QrCode* code_;
    QLineEdit* link_line_;
    QLabel *left_, *who_, *digits_, *end_, *failure_;
    QPushButton *create_, *accept_, *reject_;
    QTimer clock_;
};

}  // namespace lockstep::gui
