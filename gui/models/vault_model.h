// The vaults as rows of a table.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

// Rows are told one by one when only their data is another, so that selection and scroll position
// stay.
class VaultModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Name, State, Progress, Online, Size, LastSynced, ColumnCount };
    // The vault's id (or its name when it has none); of Progress, permille and its text.
    enum Role { ReferenceRole = Qt::UserRole, PermilleRole };

    explicit VaultModel(DaemonState& state, QObject* parent = nullptr);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    // -1 when there is none.
    int rowOf(const QString& reference) const;

  private:
    void take();
    QString textOf(const api::VaultInfo& vault, Column column) const;

    DaemonState& state_;
    std::vector<api::VaultInfo> vaults_;
};

}  // namespace lockstep::gui
