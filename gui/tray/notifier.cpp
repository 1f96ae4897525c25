#include "gui/tray/notifier.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QVariantMap>

namespace lockstep::gui {

namespace {

const QString kService = QStringLiteral("org.freedesktop.Notifications");
const QString kPath = QStringLiteral("/org/freedesktop/Notifications");

}  // namespace

Notifier::Notifier(QObject* parent) : QObject(parent) {
    QDBusConnection bus = QDBusConnection::sessionBus();
    bus.connect(kService, kPath, kService, QStringLiteral("ActionInvoked"), this,
                SLOT(actionInvoked(uint, QString)));
    bus.connect(kService, kPath, kService, QStringLiteral("NotificationClosed"), this,
                SLOT(notificationClosed(uint, uint)));
}

void Notifier::show(const NewsItem& item) {
    QDBusConnection bus = QDBusConnection::sessionBus();
    if (!bus.isConnected()) return;
    // Only the answer says what the next one is to replace.
    if (under_way_.contains(item.key)) {
        under_way_[item.key] = item;
        return;
    }
    under_way_.insert(item.key, std::nullopt);
    QDBusMessage call =
        QDBusMessage::createMethodCall(kService, kPath, kService, QStringLiteral("Notify"));
    const QStringList actions = {QStringLiteral("default"), item.action, QStringLiteral("act"),
                                 item.action};
    const QVariantMap hints = {{QStringLiteral("desktop-entry"), QStringLiteral("lockstep-gui")}};
    // Servers may take the body for markup.
    call << QStringLiteral("Lockstep") << ids_.value(item.key, 0U) << QStringLiteral("lockstep-gui")
         << item.title << item.body.toHtmlEscaped() << actions << hints << -1;
    auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this,
            [this, item](QDBusPendingCallWatcher* ended) {
                ended->deleteLater();
                const QDBusPendingReply<uint> reply = *ended;
                const std::optional<NewsItem> next = under_way_.take(item.key);
                if (!reply.isError()) {
                    ids_[item.key] = reply.value();
                    items_[reply.value()] = item;
                }
                if (next) show(*next);
            });
}

void Notifier::actionInvoked(uint id, const QString&) {
    const auto found = items_.constFind(id);
    if (found == items_.cend()) return;
    const NewsItem item = *found;
    Q_EMIT chosen(item);
}

void Notifier::notificationClosed(uint id, uint) {
    const NewsItem item = items_.take(id);
    if (ids_.value(item.key) == id) ids_.remove(item.key);
}

}  // namespace lockstep::gui
