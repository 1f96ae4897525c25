#include "gui/models/device_model.h"

#include <algorithm>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

namespace {

std::string place_of(const api::DeviceInfo& device) {
    return device.id + '/' + device.vault;
}

}  // namespace

DeviceModel::DeviceModel(DaemonState& state, QObject* parent)
    : QAbstractTableModel(parent), state_(state), devices_(state.devices().devices) {
    connect(&state_, &DaemonState::devicesChanged, this, &DeviceModel::take);
}

void DeviceModel::take() {
    const std::vector<api::DeviceInfo>& now = state_.devices().devices;
    const bool has_same_rows = std::ranges::equal(now, devices_, {}, place_of, place_of);
    if (!has_same_rows) beginResetModel();
    devices_ = now;
    if (!has_same_rows) return endResetModel();
    if (!devices_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

int DeviceModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(devices_.size());
}

int DeviceModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

const api::DeviceInfo* DeviceModel::device(int row) const {
    return row < 0 || row >= rowCount() ? nullptr : &devices_[static_cast<std::size_t>(row)];
}

int DeviceModel::rowOf(const QString& place) const {
    const auto found = std::ranges::find(devices_, place.toStdString(), place_of);
    return found == devices_.end() ? -1 : static_cast<int>(found - devices_.begin());
}

QVariant DeviceModel::data(const QModelIndex& index, int role) const {
    const api::DeviceInfo* device = this->device(index.row());
    if (device == nullptr) return {};
    const auto column = static_cast<Column>(index.column());
    if (role == Qt::DecorationRole && column == Name) return icon(QStringLiteral("device"));
    if (role == Qt::ToolTipRole) return text_of(device->id);
    if (role == PlaceRole) return text_of(place_of(*device));
    if (role != Qt::DisplayRole) return {};
    switch (column) {
        case Name:
            return text_of(device->label);
        case Vault:
            return device->vault.empty() ? tr("all") : text_of(device->vault);
        case Role:
            return role_text(device->role);
        case State:
            if (device->is_pending) return tr("asks to join: %1").arg(digits_text(device->digits));
            if (device->is_revoked) return tr("removed");
            if (device->is_this_device) return tr("this device");
            return device->is_connected ? tr("connected") : tr("not connected");
        case LastSeen:
            if (device->is_this_device || device->is_connected) return tr("now");
            return moment_text(static_cast<std::int64_t>(device->last_seen_ms), now_ms());
        case ColumnCount:
            break;
    }
    return {};
}

QVariant DeviceModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(section)) {
        case Name:
            return tr("Device");
        case Vault:
            return tr("Vault");
        case Role:
            return tr("Role");
        case State:
            return tr("State");
        case LastSeen:
            return tr("Last seen");
        case ColumnCount:
            break;
    }
    return {};
}

}  // namespace lockstep::gui
