// This device, the members of every vault, and who asks to be admitted, as rows of a table.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class DeviceModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Name, Vault, Role, State, LastSeen, ColumnCount };
    // Which device of which vault: stays the same when its data changes.
    static constexpr int PlaceRole = Qt::UserRole;

    explicit DeviceModel(DaemonState& state, QObject* parent = nullptr);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    // Null for a row that is not there.
    const api::DeviceInfo* device(int row) const;
    // -1 when there is none.
    int rowOf(const QString& place) const;

  private:
    void take();

    DaemonState& state_;
    std::vector<api::DeviceInfo> devices_;
};

}  // namespace lockstep::gui
