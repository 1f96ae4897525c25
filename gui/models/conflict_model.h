// The conflicts of all unlocked vaults, as rows of a table.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

struct VaultConflict {
    QString vault;  // reference
    QString vault_name;
    api::ConflictInfo conflict;
};

// Asks anew whenever a vault that has conflicts may have changed.
class ConflictModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { File, Vault, Device, Time, Size, ColumnCount };

    explicit ConflictModel(DaemonState& state, QObject* parent = nullptr);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    // Null for a row that is not there.
    const VaultConflict* conflict(int row) const;
    // For tests and screenshots.
    void show(std::vector<VaultConflict> conflicts);

  private:
    void ask();
    void take(const QString& vault, const QString& name, const api::ConflictList& list);

    DaemonState& state_;
    std::vector<VaultConflict> conflicts_;
    std::size_t asked_ = 0;  // answers still to come
    bool is_wanted_again_ = false;
};

}  // namespace lockstep::gui
