#include "gui/models/vault_model.h"

#include <algorithm>

#include "gui/models/text.h"
#include "gui/models/vault_view.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

VaultModel::VaultModel(DaemonState& state, QObject* parent)
    : QAbstractTableModel(parent), state_(state), vaults_(state.status().vaults) {
    connect(&state_, &DaemonState::statusChanged, this, &VaultModel::take);
}

void VaultModel::take() {
    const std::vector<api::VaultInfo>& now = state_.status().vaults;
    const bool has_same_rows = std::ranges::equal(now, vaults_, {}, reference_of, reference_of);
    if (!has_same_rows) beginResetModel();
    vaults_ = now;
    if (!has_same_rows) return endResetModel();
    if (!vaults_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

int VaultModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(vaults_.size());
}

int VaultModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QString VaultModel::textOf(const api::VaultInfo& vault, Column column) const {
    const VaultView view = view_of(vault);
    switch (column) {
        case Name:
            return text_of(vault.name);
        case State:
            return view.headline;
        case Progress:
            if (vault.id.empty()) return tr("unknown");

            return view.progress.isEmpty() ? tr("complete") : view.progress;
        case Online:
            return view.members == 0 ? tr("none")
                                     : tr("%1 of %2").arg(view.online).arg(view.members);
        case Size:
            return size_text(vault.pack_bytes + vault.missing_pack_bytes);
        case LastSynced:
            return moment_text(static_cast<std::int64_t>(vault.last_synced_ms), now_ms());
        case ColumnCount:
            break;
    }
    return {};
}

QVariant VaultModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const api::VaultInfo& vault = vaults_[static_cast<std::size_t>(index.row())];
    const auto column = static_cast<Column>(index.column());
    switch (role) {
        case Qt::DisplayRole:
            return textOf(vault, column);
        case Qt::ToolTipRole:
            return view_of(vault).explanation;
        case Qt::AccessibleTextRole:
            return headerData(column, Qt::Horizontal, Qt::DisplayRole).toString() +
                   QStringLiteral(": ") + textOf(vault, column);
        case Qt::DecorationRole:
            return column == State ? QVariant(icon(icon_name(view_of(vault).look))) : QVariant();
        case Qt::TextAlignmentRole:
            return column == Size ? QVariant(Qt::AlignRight | Qt::AlignVCenter) : QVariant();
        case ReferenceRole:
            return text_of(reference_of(vault));
        case PermilleRole:
            return view_of(vault).permille;
        default:
            return {};
    }
}

QVariant VaultModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(section)) {
        case Name:
            return tr("Vault");
        case State:
            return tr("State");
        case Progress:
            return tr("Content here");
        case Online:
            return tr("Devices online");
        case Size:
            return tr("Size");
        case LastSynced:
            return tr("Last synced");
        case ColumnCount:
            break;
    }
    return {};
}

int VaultModel::rowOf(const QString& reference) const {
    const auto found = std::ranges::find(vaults_, reference.toStdString(), reference_of);
    return found == vaults_.end() ? -1 : static_cast<int>(found - vaults_.begin());
}

}  // namespace lockstep::gui
