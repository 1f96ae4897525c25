#include "gui/models/activity_model.h"

#include <algorithm>

#include "gui/models/event_text.h"
#include "gui/models/past_model.h"
#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

// In a row; the page lists all of them.
constexpr std::size_t kPathsInRow = 3;

bool is_about_files(const api::Event& event) {
    return event.type == "vault.files";
}

}  // namespace

std::string ActivityModel::pathOf(const api::ChangedFile& file) {
    return name_bytes(file.path, file.path_hex);
}

QString ActivityModel::text(const api::Event& event, std::size_t paths_max) {
    if (!is_about_files(event)) return text_of(event.message);
    const QString who = text_of(event.device_label);
    const std::size_t named = std::min(paths_max, event.files.size());
    const auto count = static_cast<int>(event.files.size() + event.more);
    QStringList paths;
    for (std::size_t at = 0; at < named; ++at) paths += text_of(event.files[at].path);
    QString what = paths.join(QStringLiteral(", "));
    const int rest = count - static_cast<int>(named);
    if (named == 0)
        what = tr("%n file(s) or folder(s)", "", count);
    else if (rest > 0)
        what = tr("%1 and %n more", "", rest).arg(what);
    if (event.kind == "added") return tr("%1 added %2").arg(who, what);
    if (event.kind == "removed") return tr("%1 deleted %2").arg(who, what);
    if (event.kind == "changed") return tr("%1 changed %2").arg(who, what);
    if (event.kind == "renamed") return tr("%1 renamed or moved: %2").arg(who, what);
    return tr("%1 changed attributes of %2").arg(who, what);
}

void ActivityModel::forgetFilesOf(api::Event& event) {
    event.more += event.files.size();
    event.files = {};
}

// A locked vault names nothing, not even here.
void ActivityModel::forgetFiles(const std::string& vault) {
    bool has_any = false;
    const int named = std::min(rowCount(), kRowsWithFilesMax);
    for (int row = 0; row < named; ++row) {
        api::Event& event = events_[static_cast<std::size_t>(row)];
        if (event.files.empty() || (!vault.empty() && event.vault != vault)) continue;
        forgetFilesOf(event);
        has_any = true;
    }
    if (!has_any) return;
    Q_EMIT dataChanged(index(0, 0), index(named - 1, ColumnCount - 1));
    Q_EMIT filesForgotten();
}

void ActivityModel::add(const api::Event& event) {
    // What is told once more after the way to the service was lost is known.
    if (event.message.empty() || event.type == "resync" || event.sequence <= newest_) return;
    newest_ = event.sequence;
    if (event.type == "vault.locked" || event.type == "vault.removed") forgetFiles(event.vault);
    if (event.type == "daemon.started" || event.type == "daemon.stopping") forgetFiles({});
    beginInsertRows({}, 0, 0);
    events_.push_front(event);
    // Once: whoever filters a hundred thousand rows looks at all of them.
    if (!is_about_files(event))
        events_.front().message = event_text(text_of(event.message)).toStdString();
    endInsertRows();
    if (rowCount() > kRowsWithFilesMax) forgetFilesOf(events_[kRowsWithFilesMax]);
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
    if (is_about_files(event)) return QStringLiteral("files.") + text_of(event.kind);
    return text_of(event.type.substr(0, event.type.find('.')));
}

QString ActivityModel::kindText(const QString& kind) {
    if (kind == QLatin1String("vault")) return tr("vault");
    if (kind == QLatin1String("files")) return tr("files");
    if (kind == QLatin1String("files.added")) return tr("new files");
    if (kind == QLatin1String("files.removed")) return tr("deleted files");
    if (kind == QLatin1String("files.changed")) return tr("changed files");
    if (kind == QLatin1String("files.renamed")) return tr("renamed files");
    if (kind == QLatin1String("files.attributes")) return tr("attributes of files");
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
    if (role == Qt::ToolTipRole) return text(*event, event->files.size());
    if (role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(index.column())) {
        case Time:
            return moment_text(event->time_ms, now_ms());
        case Vault:
            return text_of(event->vault);
        case Kind:
            return kindText(kindOf(*event));
        case What:
            return text(*event, kPathsInRow);
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
    if (!kind_.isEmpty() && !isOfKind(*event)) return false;
    if (!device_.isEmpty() && text_of(event->subject) != device_ &&
        (is_about_files(*event) || !text_of(event->message).contains(device_label_)))
        return false;
    if (text_.isEmpty()) return true;
    return ActivityModel::text(*event, event->files.size()).contains(text_, Qt::CaseInsensitive);
}

bool ActivityFilter::isOfKind(const api::Event& event) const {
    const QString kind = ActivityModel::kindOf(event);
    return ActivityModel::kindText(kind) == kind_ ||
           (kind.startsWith(QLatin1String("files.")) &&
            ActivityModel::kindText(QStringLiteral("files")) == kind_);
}

}  // namespace lockstep::gui
