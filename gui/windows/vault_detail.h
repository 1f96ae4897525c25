// Everything about one vault, and the one thing to do next.
#pragma once

#include <QFormLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QTimer>
#include <QTreeView>
#include <QWidget>

#include "gui/client/daemon_state.h"
#include "gui/models/under_way_model.h"
#include "gui/windows/commands.h"

namespace lockstep::gui {

class VaultDetail : public QWidget {
    Q_OBJECT

  public:
    VaultDetail(DaemonState& state, Commands& commands, QWidget* parent = nullptr);

    // By reference; empty: none.
    void show(const QString& vault);

  protected:
    void showEvent(QShowEvent* event) override;

  private:
    void fill();
    // Files on their way here: asked for while there are any and somebody looks.
    void fillFiles(const api::VaultInfo& vault);
    void askFiles();
    void fillFacts(const api::VaultInfo& vault);
    QWidget* makeButtons();

    DaemonState& state_;
    Commands& commands_;
    QString vault_;
    VaultAction next_ = VaultAction::OpenFolder;
    QLabel *picture_, *name_, *headline_, *explanation_, *progress_text_;
    QProgressBar* progress_;
    UnderWayModel files_model_;
    QTreeView* files_;
    QTimer ask_again_;
    bool is_arriving_ = false;
    bool is_asking_ = false;
    QPushButton *action_, *open_, *lock_, *pause_, *invite_;
    QLabel *folder_, *directory_, *content_, *rates_, *members_, *notes_;
};

}  // namespace lockstep::gui
