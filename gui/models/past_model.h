// A folder of a vault as it was at a moment, what was deleted in it, or what has changed since; and
// the versions of one file. Rows of tables.
#pragma once

#include <QAbstractTableModel>
#include <memory>
#include <string>
#include <vector>

#include "daemon/api/history_messages.h"
#include "daemon/api/messages.h"

namespace lockstep::gui {

struct PastEntry {
    std::string path;  // in the vault, its exact bytes
    QString name;
    std::string type;  // file, directory, symlink, ...
    std::uint64_t size = 0;
    QString what;             // when it was changed, or what became of it
    bool is_deleted = false;  // not there at the moment that is shown

    bool isFolder() const { return type == "directory"; }
    bool operator==(const PastEntry&) const = default;
};

class PastModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Name, Size, What, ColumnCount };

    using QAbstractTableModel::QAbstractTableModel;

    using Entries = std::shared_ptr<const std::vector<PastEntry>>;

    // Folders first, then by name; what was deleted last, newest first. THREADS: any.
    static Entries folderEntries(const std::string& folder, const api::EntryList& list,
                                 const std::vector<api::DeletedInfo>& deleted);
    // THREADS: any.
    static Entries differenceEntries(const std::vector<api::DifferenceInfo>& differences);

    void show(Entries entries);
    // What is shown; it does not change.
    const Entries& entries() const { return entries_; }
    void clear();

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    // Null for a row that is not there.
    const PastEntry* entry(int row) const;
    // -1: none has that path.
    int rowOf(const std::string& path) const;

  private:
    Entries entries_ = std::make_shared<const std::vector<PastEntry>>();
};

class VersionModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Written, Device, Size, End, ColumnCount };

    using QAbstractTableModel::QAbstractTableModel;

    void show(std::vector<api::VersionInfo> versions);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    const api::VersionInfo* version(int row) const;

  private:
    std::vector<api::VersionInfo> versions_;
};

// The exact bytes of a name that the API gives as text, or as hexadecimal digits when it is none.
std::string name_bytes(const std::string& name, const std::string& hex);
// "folder/name", or "name" at the top.
std::string joined_path(const std::string& folder, const std::string& name);
// "folder" of "folder/name"; empty at the top.
std::string parent_of(const std::string& path);

}  // namespace lockstep::gui
