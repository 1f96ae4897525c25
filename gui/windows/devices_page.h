// This device, the other members, and who asks to be admitted; what can be done about each.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QTreeView>
#include <QWidget>

#include "gui/models/device_model.h"
#include "gui/windows/commands.h"

namespace lockstep::gui {

class DevicesPage : public QWidget {
    Q_OBJECT

  public:
    DevicesPage(DaemonState& state, Commands& commands, QWidget* parent = nullptr);

  Q_SIGNALS:
    // By the invite's id.
    void requestWanted(const QString& invite);

  private:
    void fill();
    const api::DeviceInfo* selected() const;

    DeviceModel model_;
    Commands& commands_;
    QTreeView* table_;
    QString chosen_;  // its DeviceModel::PlaceRole
    QLabel* explanation_;
    QPushButton *rename_, *revoke_, *retire_, *role_, *adopt_, *answer_;
};

}  // namespace lockstep::gui
