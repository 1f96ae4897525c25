#include "gui/models/conflict_model.h"

#include <algorithm>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

ConflictModel::ConflictModel(DaemonState& state, QObject* parent)
    : QAbstractTableModel(parent), state_(state) {
    connect(&state_, &DaemonState::statusChanged, this, &ConflictModel::ask);
    ask();
}

void ConflictModel::ask() {
    if (asked_ > 0) {
        is_wanted_again_ = true;
        return;
    }
    for (const api::VaultInfo& vault : state_.status().vaults) {
        const QString reference = text_of(reference_of(vault)), name = text_of(vault.name);
        if (vault.conflicts == 0 || vault.state == "locked") {
            take(reference, name, {});
            continue;
        }
        ++asked_;
        state_.link().ask(
            this, [id = vault.id](api::DaemonClient& client) { return client.conflicts(id); },
            [this, reference, name](Result<api::ConflictList> list) {
                --asked_;
                if (list.ok()) take(reference, name, *list);
                if (asked_ == 0 && std::exchange(is_wanted_again_, false)) ask();
            });
    }
    // Of vaults that are no more.
    const auto is_gone = [this](const VaultConflict& one) {
        return state_.vault(one.vault) == nullptr;
    };
    if (std::ranges::none_of(conflicts_, is_gone)) return;
    beginResetModel();
    std::erase_if(conflicts_, is_gone);
    endResetModel();
}

void ConflictModel::take(const QString& vault, const QString& name, const api::ConflictList& list) {
    const auto place = [](const api::ConflictInfo& conflict) {
        return std::pair(conflict.path, conflict.sibling);
    };
    std::vector<api::ConflictInfo> known;
    for (const VaultConflict& one : conflicts_)
        if (one.vault == vault) known.push_back(one.conflict);
    if (std::ranges::equal(known, list.conflicts, {}, place, place)) return;
    beginResetModel();
    std::erase_if(conflicts_, [&](const VaultConflict& one) { return one.vault == vault; });
    for (const api::ConflictInfo& conflict : list.conflicts)
        conflicts_.push_back({vault, name, conflict});
    endResetModel();
}

void ConflictModel::show(std::vector<VaultConflict> conflicts) {
    beginResetModel();
    conflicts_ = std::move(conflicts);
    endResetModel();
}

int ConflictModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(conflicts_.size());
}

int ConflictModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

const VaultConflict* ConflictModel::conflict(int row) const {
    return row < 0 || row >= rowCount() ? nullptr : &conflicts_[static_cast<std::size_t>(row)];
}

QVariant ConflictModel::data(const QModelIndex& index, int role) const {
    const VaultConflict* one = conflict(index.row());
    if (one == nullptr) return {};
    if (role == Qt::DecorationRole && index.column() == File)
        return icon(QStringLiteral("state-conflict"));
    if (role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(index.column())) {
        case File:
            return text_of(one->conflict.path);
        case Vault:
            return one->vault_name;
        case Device:
            return text_of(one->conflict.device_label);
        case Time:
            return moment_text(one->conflict.wall_ms, now_ms());
        case Size:
            return size_text(one->conflict.size);
        case ColumnCount:
            break;
    }
    return {};
}

QVariant ConflictModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(section)) {
        case File:
            return tr("File");
        case Vault:
            return tr("Vault");
        case Device:
            return tr("Other version from");
        case Time:
            return tr("Written");
        case Size:
            return tr("Size");
        case ColumnCount:
            break;
    }
    return {};
}

}  // namespace lockstep::gui
