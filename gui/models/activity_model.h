// What happened, newest first.
#pragma once

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>
#include <deque>
#include <string>

#include "daemon/api/messages.h"

namespace lockstep::gui {

class ActivityModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Time, Vault, Kind, What, ColumnCount };
    // The oldest go above this.
    static constexpr int kRowsMax = 100'000;
    // Older ones say how many files they are about, and do not name them.
    static constexpr int kRowsWithFilesMax = 2'000;
    static constexpr int kEventTypeRole = Qt::UserRole;

    using QAbstractTableModel::QAbstractTableModel;

    // Events without anything to tell a person, and those that are known, are left out. Numbers
    // grow, also when the service starts anew. Names of files in a vault go when it is locked.
    void add(const api::Event& event);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    const api::Event* eventAt(int row) const;

    // "vault", "device" ...: the part of a type before its dot; of files "files.added" and so on.
    static QString kindOf(const api::Event& event);
    static QString kindText(const QString& kind);
    // What happened, in the person's language as far as it is known; at most `paths_max` files.
    static QString text(const api::Event& event, std::size_t paths_max);
    // The exact bytes of a path.
    static std::string pathOf(const api::ChangedFile& file);

  Q_SIGNALS:
    // What rows say and name is less now; their number is the same.
    void filesForgotten();

  private:
    void forgetFiles(const std::string& vault);
    static void forgetFilesOf(api::Event& event);

    std::deque<api::Event> events_;  // newest first
    std::uint64_t newest_ = 0;       // its number
};

// Of one vault, of one device, of one kind, with a text in it; empty: any.
class ActivityFilter : public QSortFilterProxyModel {
    Q_OBJECT

  public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

    void setVault(const QString& vault);
    // Events about it: they name its id, or say its name.
    void setDevice(const QString& id, const QString& label);
    void setKind(const QString& kind);
    void setText(const QString& text);

  protected:
    bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

  private:
    bool isOfKind(const api::Event& event) const;

    QString vault_, device_, device_label_, kind_, text_;
};

}  // namespace lockstep::gui
