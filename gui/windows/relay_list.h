// The relays and how they answer; add, test, remove.
#pragma once

#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QWidget>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class RelayList : public QWidget {
    Q_OBJECT

  public:
    explicit RelayList(DaemonState& state, QWidget* parent = nullptr);

  private:
    void fill();
    void add();
    void remove();
    void test();

    DaemonState& state_;
    QListWidget* list_;
    QLineEdit *url_, *token_, *pin_;
    QLabel* result_;
};

}  // namespace lockstep::gui
