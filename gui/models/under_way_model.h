// The files of a vault that are on their way to this device.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "daemon/api/messages.h"

namespace lockstep::gui {

class UnderWayModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Name, Size, Progress, Rate, ColumnCount };

    using QAbstractTableModel::QAbstractTableModel;

    // Rows whose files stay where they are keep selection and scroll position.
    void show(std::vector<api::FileUnderWay> files);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    std::vector<api::FileUnderWay> files_;
};

}  // namespace lockstep::gui
