// The conflicts of all unlocked vaults.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QTreeView>
#include <QWidget>

#include "gui/models/conflict_model.h"

namespace lockstep::gui {

class ConflictsPage : public QWidget {
    Q_OBJECT

  public:
    explicit ConflictsPage(DaemonState& state, QWidget* parent = nullptr);

    ConflictModel& model() { return model_; }

  private:
    void fill();
    void resolve();

    DaemonState& state_;
    ConflictModel model_;
    QTreeView* table_;
    std::pair<QString, std::string> chosen_;  // vault and sibling
    QLabel* none_;
    QPushButton* resolve_;
};

}  // namespace lockstep::gui
