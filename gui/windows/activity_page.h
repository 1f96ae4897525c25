// What happened, filtered.
#pragma once

#include <QComboBox>
#include <QPushButton>
#include <QTreeView>
#include <QWidget>

#include "gui/client/daemon_state.h"
#include "gui/models/activity_model.h"
#include "gui/windows/commands.h"

namespace lockstep::gui {

class ActivityPage : public QWidget {
    Q_OBJECT

  Q_SIGNALS:
    // The files of a vault, named by reference_of().
    void changesWanted(const QString& vault);

  public:
    // `model` lives longer: it collects before anybody looks.
    ActivityPage(DaemonState& state, Commands& commands, ActivityModel& model,
                 QWidget* parent = nullptr);

    ActivityModel& model() { return model_; }

  private:
    QLayout* makeFilters();
    void fillVaults();
    void fillDevices();

    DaemonState& state_;
    ActivityModel& model_;
    ActivityFilter filter_;
    QComboBox *vaults_, *devices_, *kinds_;
    QTreeView* table_;
};

}  // namespace lockstep::gui
