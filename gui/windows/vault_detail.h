// Everything about one vault, and the one thing to do next.
#pragma once

#include <QFormLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QWidget>

#include "gui/client/daemon_state.h"
#include "gui/windows/commands.h"

namespace lockstep::gui {

class VaultDetail : public QWidget {
    Q_OBJECT

  public:
    VaultDetail(DaemonState& state, Commands& commands, QWidget* parent = nullptr);

    // By reference; empty: none.
    void show(const QString& vault);

  private:
    void fill();
    void fillFacts(const api::VaultInfo& vault);
    QWidget* makeButtons();

    DaemonState& state_;
    Commands& commands_;
    QString vault_;
    VaultAction next_ = VaultAction::OpenFolder;
    QLabel *picture_, *name_, *headline_, *explanation_, *progress_text_;
    QProgressBar* progress_;
    QPushButton *action_, *open_, *lock_, *pause_, *invite_;
    QLabel *folder_, *directory_, *content_, *rates_, *members_, *notes_;
};

}  // namespace lockstep::gui
