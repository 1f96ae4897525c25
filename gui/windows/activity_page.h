// What happened, filtered.
#pragma once

#include <QComboBox>
#include <QListWidget>
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
    QLayout* makeButtons();
    void fillVaults();
    void fillDevices();
    // The files of the event that is selected.
    void fillFiles();
    void fillButtons();
    void openFolder();
    void showFileHistory();
    const api::Event* selected() const;
    // Null when there is none, or it is not known any more.
    const api::VaultInfo* selectedVault() const;
    // The exact bytes of the path that is selected; empty: none.
    std::string selectedPath() const;

    DaemonState& state_;
    Commands& commands_;
    ActivityModel& model_;
    ActivityFilter filter_;
    QComboBox *vaults_, *devices_, *kinds_;
    QTreeView* table_;
    QListWidget* files_;
    QPushButton *open_ = nullptr, *history_ = nullptr, *file_history_ = nullptr;
};

}  // namespace lockstep::gui
