#include "gui/models/past_model.h"

#include <QFont>
#include <algorithm>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

std::string name_bytes(const std::string& name, const std::string& hex) {
    if (hex.empty()) return name;
    return QByteArray::fromHex(QByteArray::fromStdString(hex)).toStdString();
}

std::string joined_path(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : folder + '/' + name;
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

PastModel::Entries PastModel::folderEntries(const std::string& folder, const api::EntryList& list,
                                            const std::vector<api::DeletedInfo>& deleted) {
    std::vector<PastEntry> entries;
    const std::int64_t now = now_ms();
    for (const api::EntryInfo& entry : list.entries)
        entries.push_back({.path = joined_path(folder, name_bytes(entry.name, entry.name_hex)),
                           .name = text_of(entry.name),
                           .type = entry.type,
                           .size = entry.size,
                           .what = moment_text(entry.modified_ns / 1'000'000, now),
                           .is_deleted = false});
    std::ranges::stable_sort(entries, [](const PastEntry& one, const PastEntry& other) {
        return one.isFolder() != other.isFolder() ? one.isFolder() : one.path < other.path;
    });
    for (const api::DeletedInfo& entry : deleted)
        entries.push_back(
            {.path = joined_path(folder, name_bytes(entry.name, entry.name_hex)),
             .name = text_of(entry.name),
             .type = entry.type,
             .size = entry.size,
             .what = tr("deleted %1 by %2")
                         .arg(moment_text(entry.deleted_ms, now), text_of(entry.deleted_by)),
             .is_deleted = true});
    return std::make_shared<const std::vector<PastEntry>>(std::move(entries));
}

PastModel::Entries PastModel::differenceEntries(
    const std::vector<api::DifferenceInfo>& differences) {
    std::vector<PastEntry> entries;
    for (const api::DifferenceInfo& one : differences) {
        const QString what = one.kind == "added"     ? tr("new")
                             : one.kind == "removed" ? tr("deleted")
                             : one.kind == "changed" ? tr("changed")
                             : one.kind == "renamed" ? tr("was called %1").arg(text_of(one.before))
                                                     : tr("other attributes");
        const bool is_deleted = one.kind == "removed";
        entries.push_back({.path = one.path,
                           .name = text_of(one.path),
                           .type = one.type,
                           .size = is_deleted ? one.size_before : one.size,
                           .what = what,
                           .is_deleted = is_deleted});
    }
    return std::make_shared<const std::vector<PastEntry>>(std::move(entries));
}

void PastModel::show(Entries entries) {
    beginResetModel();
    entries_ = std::move(entries);
    endResetModel();
}

void PastModel::clear() {
    show(std::make_shared<const std::vector<PastEntry>>());
}

int PastModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(entries_->size());
}

int PastModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

const PastEntry* PastModel::entry(int row) const {
    return row < 0 || row >= rowCount() ? nullptr : &(*entries_)[static_cast<std::size_t>(row)];
}

int PastModel::rowOf(const std::string& path) const {
    const auto found = std::ranges::find(*entries_, path, &PastEntry::path);
    return found == entries_->end() ? -1 : static_cast<int>(found - entries_->begin());
}

QVariant PastModel::data(const QModelIndex& index, int role) const {
    const PastEntry* entry = this->entry(index.row());
    if (entry == nullptr) return {};
    const auto column = static_cast<Column>(index.column());
    if (role == Qt::DecorationRole && column == Name)
        return icon(entry->is_deleted   ? QStringLiteral("history")
                    : entry->isFolder() ? QStringLiteral("folder")
                                        : QStringLiteral("file"));
    if (role == Qt::ToolTipRole) return text_of(entry->path);
    if (role == Qt::FontRole && entry->is_deleted) {
        QFont font;
        font.setItalic(true);
        return font;
    }
    if (role != Qt::DisplayRole) return {};
    switch (column) {
        case Name:
            return entry->name;
        case Size:
            return entry->isFolder() ? QString() : size_text(entry->size);
        case What:
            return entry->what;
        case ColumnCount:
            break;
    }
    return {};
}

QVariant PastModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(section)) {
        case Name:
            return tr("Name");
        case Size:
            return tr("Size");
        case What:
            return tr("Changed");
        case ColumnCount:
            break;
    }
    return {};
}

void VersionModel::show(std::vector<api::VersionInfo> versions) {
    beginResetModel();
    versions_ = std::move(versions);
    endResetModel();
}

int VersionModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(versions_.size());
}

int VersionModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

const api::VersionInfo* VersionModel::version(int row) const {
    return row < 0 || row >= rowCount() ? nullptr : &versions_[static_cast<std::size_t>(row)];
}

QVariant VersionModel::data(const QModelIndex& index, int role) const {
    const api::VersionInfo* version = this->version(index.row());
    if (version == nullptr || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(index.column())) {
        case Written:
            return moment_text(version->time_ms, now_ms());
        case Device:
            return text_of(version->written_by);
        case Size:
            return size_text(version->size);
        case End:
            if (!version->is_kept) return tr("not kept any more");
            if (version->end == "shown") return tr("shown now");
            if (version->end == "conflict") return tr("shown beside another one");
            if (version->end == "deleted")
                return tr("deleted by %1").arg(text_of(version->ended_by));
            if (version->end == "replaced")
                return tr("replaced by %1").arg(text_of(version->ended_by));
            return tr("lost a conflict");
        case ColumnCount:
            break;
    }
    return {};
}

QVariant VersionModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (static_cast<Column>(section)) {
        case Written:
            return tr("Written");
        case Device:
            return tr("By");
        case Size:
            return tr("Size");
        case End:
            return tr("What became of it");
        case ColumnCount:
            break;
    }
    return {};
}

}  // namespace lockstep::gui
