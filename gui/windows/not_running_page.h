// What is shown while the daemon does not answer: why, and a button that starts it.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QWidget>

#include "gui/client/daemon_starter.h"
#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class NotRunningPage : public QWidget {
    Q_OBJECT

  public:
    NotRunningPage(DaemonState& state, DaemonStarter& starter, QWidget* parent = nullptr);

  private:
    void fill();

    DaemonState& state_;
    DaemonStarter& starter_;
    QString failure_;
    QLabel *headline_, *reason_;
    QPushButton* start_;
};

}  // namespace lockstep::gui
