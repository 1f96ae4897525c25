// Shows news through the desktop's notification service (org.freedesktop.Notifications).
#pragma once

#include <QHash>
#include <QObject>
#include <optional>

#include "gui/tray/news.h"

namespace lockstep::gui {

// Without such a service nothing is shown: the window and the tray say it all the same.
class Notifier : public QObject {
    Q_OBJECT

  public:
    explicit Notifier(QObject* parent = nullptr);

    void show(const NewsItem& item);

  Q_SIGNALS:
    // The person has clicked it, or its button.
    void chosen(const NewsItem& item);

  private Q_SLOTS:
    void actionInvoked(uint id, const QString& action);
    void notificationClosed(uint id, uint reason);

  private:
    QHash<QString, uint> ids_;  // by key; what is shown now
    // By key: what is being shown, and the newest that waits to replace it, if any.
    QHash<QString, std::optional<NewsItem>> under_way_;
    QHash<uint, NewsItem> items_;
};

}  // namespace lockstep::gui
