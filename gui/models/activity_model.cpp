#include "gui/models/activity_model.h"

#include "gui/models/text.h"

namespace lockstep::gui {

void ActivityModel::add(const api::Event& event) {
    // What is told once more after the way to the service was lost is known.
    if (event.message.empty() || event.type == "resync" || event.sequence <= newest_) return;
    newest_ = event.sequence;
    beginInsertRows({}, 0, 0);
    events_.push_front(event);
    endInsertRows();
    if (rowCount() <= kRowsMax) return;
    beginRemoveRows({}, rowCount() - 1, rowCount() - 1);
    events_.pop_back();
    endRemoveRows();
}

int ActivityModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(events_.size());
}

int ActivityModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

const api::Event* ActivityModel::eventAt(int row) const {
    return row < 0 || row >= rowCount() ? nullptr : &events_[static_cast<std::size_t>(row)];
}

QString ActivityModel::kindOf(const api::Event& event) {
    return text_of(event.type.substr(0, event.type.find('.')));
}

QString ActivityModel::kindText(const QString& kind) {
    if (kind == QLatin1String("vault")) return tr("vault");
    if (kind == QLatin1String("mirror")) return tr("mirror");
    if (kind == QLatin1String("device")) return tr("device");
    if (kind == QLatin1String("invite")) return tr("invite");
    if (kind == QLatin1String("join")) return tr("join");
    if (kind == QLatin1String("config") || kind == QLatin1String("relays") ||
        kind == QLatin1String("limits"))
        return tr("setting");
    if (kind == QLatin1String("daemon")) return tr("service");
    return kind;
}

QVariant ActivityModel::data(const QModelIndex& index, int role) const {
    const api::Event* event = eventAt(index.row());
    if (event == nullptr) return {};
    if (role == kEventTypeRole) return text_of(event->type);
    if (role == Qt::ToolTipRole) return text_of(event->message);
    if (role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(index.column())) {
        case Time:
            return moment_text(event->time_ms, now_ms());
        case Vault:
            return text_of(event->vault);
        case Kind:
            return kindText(kindOf(*event));
        case What:
            return text_of(event->message);
        case ColumnCount:
            break;
    }
    return {};
}

QVariant ActivityModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(section)) {
        case Time:
            return tr("Time");
        case Vault:
            return tr("Vault");
        case Kind:
            return tr("Kind");
        case What:
            return tr("What happened");
        case ColumnCount:
            break;
    }
    return {};
}

void ActivityFilter::setVault(const QString& vault) {
    vault_ = vault;
    invalidateFilter();
}

void ActivityFilter::setDevice(const QString& id, const QString& label) {
    device_ = id;
    device_label_ = label;
    invalidateFilter();
}

void ActivityFilter::setKind(const QString& kind) {
    kind_ = kind;
    invalidateFilter();
}

void ActivityFilter::setText(const QString& text) {
    text_ = text;
    invalidateFilter();
}

bool ActivityFilter::filterAcceptsRow(int row, const QModelIndex&) const {
    const api::Event* event = static_cast<const ActivityModel*>(sourceModel())->eventAt(row);
    if (event == nullptr) return false;
    if (!vault_.isEmpty() && text_of(event->vault) != vault_) return false;
    if (!kind_.isEmpty() && ActivityModel::kindText(ActivityModel::kindOf(*event)) != kind_)
        return false;
    if (!device_.isEmpty() && text_of(event->subject) != device_ &&
        !text_of(event->message).contains(device_label_))
        return false;
    return text_.isEmpty() || text_of(event->message).contains(text_, Qt::CaseInsensitive);
}

}  // namespace lockstep::gui
