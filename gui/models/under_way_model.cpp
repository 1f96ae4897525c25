#include "gui/models/under_way_model.h"

#include <algorithm>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

void UnderWayModel::show(std::vector<api::FileUnderWay> files) {
    const bool has_same_rows =
        std::ranges::equal(files, files_, {}, &api::FileUnderWay::path, &api::FileUnderWay::path);
    if (!has_same_rows) beginResetModel();
    files_ = std::move(files);
    if (!has_same_rows) return endResetModel();
    if (!files_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

int UnderWayModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(files_.size());
}

int UnderWayModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant UnderWayModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const api::FileUnderWay& file = files_[static_cast<std::size_t>(index.row())];
    const auto column = static_cast<Column>(index.column());
    if (role == Qt::DecorationRole && column == Name) return icon(QStringLiteral("file"));
    if (role == Qt::ToolTipRole) return text_of(file.path);
    if (role != Qt::DisplayRole) return {};
    const std::uint64_t here = file.size - std::min(file.size, file.absent_bytes);
    switch (column) {
        case Name:
            return text_of(file.path);
        case Size:
            return size_text(file.size);
        case Progress:
            return tr("%1 % here").arg(file.size == 0 ? 0 : here * 100 / file.size);
        case Rate:
            return file.rate == 0 ? QString() : rate_text(file.rate);
        case ColumnCount:
            break;
    }
    return {};
}

QVariant UnderWayModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(section)) {
        case Name:
            return tr("On its way here");
        case Size:
            return tr("Size");
        case Progress:
            return tr("Progress");
        case Rate:
            return tr("Rate");
        case ColumnCount:
            break;
    }
    return {};
}

}  // namespace lockstep::gui
