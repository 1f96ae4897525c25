// What the app has to do with the desktop: the tray, notifications, one instance, links.
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusVirtualObject>
#include <QProcess>
#include <QSignalSpy>
#include <QtTest>
#include <thread>

#include "gui/client/single_instance.h"
#include "gui/tray/news.h"
#include "gui/tray/notifier.h"
#include "gui/tray/tray_icon.h"
#include "gui/watched_application.h"
#include "tests/gui/gui_samples.h"
#include "tests/gui/gui_test.h"

namespace lockstep::gui {

// Takes what is sent to org.freedesktop.Notifications, as a desktop would.
class NotificationStandIn : public QDBusVirtualObject {
  public:
    QString introspect(const QString&) const override { return {}; }
    bool handleMessage(const QDBusMessage& message, const QDBusConnection& connection) override {
        if (message.member() != QLatin1String("Notify")) return false;
        shown += message.arguments();
        const uint replaced = message.arguments()[1].toUInt();
        last = replaced != 0 ? replaced : last + 1;
        return connection.send(message.createReply(last));
    }

    QList<QVariantList> shown;
    uint last = 0;
};

class DesktopPartsTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void theTraySaysTheWorstStateByItsShape();
    void theTrayMenuFollowsTheVaults();
    void newsAreToldOnce();
    void aDeviceThatAsksIsNews();
    void notificationsReplaceOneAnotherAndTellWhatWasChosen();
    void aSecondInstanceHandsItsLinkOver();
    void aSocketLeftBehindIsTakenOver();
    void whatKeepsTheWindowStillIsCounted();
    void whoWaitsOnTheWindowsThreadIsNamed();

  private:
    QProcess bus_;
};

namespace {

struct Still {
    DaemonLink link{"/nonexistent/control.sock"};
    DaemonState state{link};
    QTemporaryDir home;
    Preferences preferences{home.filePath(QStringLiteral("gui.conf")).toStdString()};
    QWidget window;
    Commands commands{state, preferences, &window};
};

QStringList texts_of(const QMenu& menu) {
    QStringList texts;
    for (const QAction* action : menu.actions()) texts += action->text();
    return texts;
}

}  // namespace

// A session bus of its own, before anybody asks for one.
void DesktopPartsTest::initTestCase() {
    bus_.setProcessChannelMode(QProcess::ForwardedErrorChannel);
    bus_.start(QStringLiteral("dbus-daemon"),
               {QStringLiteral("--session"), QStringLiteral("--nofork"),
                QStringLiteral("--print-address")});
    QVERIFY(bus_.waitForStarted() && bus_.waitForReadyRead());
    qputenv("DBUS_SESSION_BUS_ADDRESS", bus_.readLine().trimmed());
    QVERIFY(QDBusConnection::sessionBus().isConnected());
}

void DesktopPartsTest::cleanupTestCase() {
    bus_.terminate();
    QVERIFY(bus_.waitForFinished());
}

void DesktopPartsTest::theTraySaysTheWorstStateByItsShape() {
    Still still;
    TrayIcon tray(still.state, still.commands);
    QCOMPARE(tray.shape(), QStringLiteral("state-disconnected"));
    api::StatusReport status;
    still.state.show(status, {});
    QCOMPARE(tray.shape(), QStringLiteral("state-up-to-date"));
    status.vaults.push_back(sample_vault("papers"));
    status.vaults[0].status = "Syncing";
    still.state.show(status, {});
    QCOMPARE(tray.shape(), QStringLiteral("state-syncing"));
    still.state.show(sample_status(), {});
    QCOMPARE(tray.shape(), QStringLiteral("state-error"));
}

void DesktopPartsTest::theTrayMenuFollowsTheVaults() {
    Still still;
    TrayIcon tray(still.state, still.commands);
    still.state.show(sample_status(), {});
    const QStringList texts = texts_of(tray.menu());
    for (const char* text :
         {"papers: Up to date", "letters: Locked", "&Conflicts (2)", "Lock &all", "&Quit…"})
        QVERIFY2(texts.contains(QString::fromUtf8(text)), text);
    const QMenu* papers =
        tray.menu().actions()[texts.indexOf(QStringLiteral("papers: Up to date"))]->menu();
    const QMenu* letters =
        tray.menu().actions()[texts.indexOf(QStringLiteral("letters: Locked"))]->menu();
    QVERIFY(texts_of(*papers).contains(QStringLiteral("&Lock")));
    QVERIFY(texts_of(*letters).contains(QStringLiteral("&Unlock…")));
    const QSignalSpy quit(&tray, &TrayIcon::quitWanted);
    tray.menu().actions().back()->trigger();
    QCOMPARE(quit.count(), 1);
    const QAction* first = tray.menu().actions().front();
    still.state.show(sample_status(), {});
    QCOMPARE(tray.menu().actions().front(), first);  // an open menu is not made anew for nothing
    still.state.show({}, {});
    QVERIFY(!texts_of(tray.menu()).contains(QStringLiteral("papers: Up to date")));
}

void DesktopPartsTest::newsAreToldOnce() {
    News news;
    std::vector<api::VaultInfo> vaults = {sample_vault("papers")};
    QVERIFY(news.compare(vaults).empty());
    vaults[0].conflicts = 1;
    std::vector<NewsItem> found = news.compare(vaults);
    QCOMPARE(found.size(), std::size_t{1});
    QCOMPARE(found[0].notice, Notice::Conflict);
    QVERIFY(news.compare(vaults).empty());
    // Locked and unlocked again: the same conflict is no news.
    vaults[0].state = "locked";
    vaults[0].conflicts = 0;
    QVERIFY(news.compare(vaults).empty());
    vaults[0].state = "mounted";
    vaults[0].conflicts = 1;
    QVERIFY(news.compare(vaults).empty());
    vaults[0].alarms = {"fork"};
    found = news.compare(vaults);
    QCOMPARE(found.size(), std::size_t{1});
    QCOMPARE(found[0].notice, Notice::Problem);
    // A vault that came incomplete is complete once.
    vaults.push_back(sample_vault("photos"));
    vaults[1].missing_packs = 10;
    vaults[1].status = "Syncing";
    QVERIFY(news.compare(vaults).empty());
    vaults[1].missing_packs = 0;
    vaults[1].status = "Up to Date";
    found = news.compare(vaults);
    QCOMPARE(found.size(), std::size_t{1});
    QCOMPARE(found[0].notice, Notice::FirstSync);
    QVERIFY(news.compare(vaults).empty());
}

void DesktopPartsTest::aDeviceThatAsksIsNews() {
    News news;
    std::vector<api::DeviceInfo> devices = sample_devices().devices;
    const std::vector<NewsItem> found = news.compare(devices);
    QCOMPARE(found.size(), std::size_t{1});
    QCOMPARE(found[0].reference, QStringLiteral("id-of-notebook"));
    QVERIFY(found[0].body.contains(QStringLiteral("123 456")));
    QVERIFY(news.compare(devices).empty());
    devices.back().digits = "654321";
    QCOMPARE(news.compare(devices).size(), std::size_t{1});
}

void DesktopPartsTest::notificationsReplaceOneAnotherAndTellWhatWasChosen() {
    NotificationStandIn desktop;
    QDBusConnection server = QDBusConnection::connectToBus(
        QString::fromLocal8Bit(qgetenv("DBUS_SESSION_BUS_ADDRESS")), QStringLiteral("desktop"));
    QVERIFY(
        server.registerVirtualObject(QStringLiteral("/org/freedesktop/Notifications"), &desktop));
    QVERIFY(server.registerService(QStringLiteral("org.freedesktop.Notifications")));
    Notifier notifier;
    QSignalSpy chosen(&notifier, &Notifier::chosen);
    NewsItem item{Notice::Conflict,
                  QStringLiteral("conflict/papers"),
                  QStringLiteral("papers: 1 conflict"),
                  QStringLiteral("<b>"),
                  QStringLiteral("Resolve"),
                  QStringLiteral("papers")};
    notifier.show(item);
    QTRY_COMPARE(desktop.shown.size(), 1);
    QCOMPARE(desktop.shown[0][1].toUInt(), 0U);
    QCOMPARE(desktop.shown[0][3].toString(), QStringLiteral("papers: 1 conflict"));
    QCOMPARE(desktop.shown[0][4].toString(), QStringLiteral("&lt;b&gt;"));
    QVERIFY(desktop.shown[0][5].toStringList().contains(QStringLiteral("Resolve")));
    // Whether or not the answer to the first is here: it is replaced, and by the last alone of
    // those that came before the answer to one.
    for (int conflicts = 2; conflicts <= 5; ++conflicts) {
        item.title = QStringLiteral("papers: %1 conflicts").arg(conflicts);
        notifier.show(item);
    }
    QTRY_COMPARE(desktop.shown.back()[3].toString(), QStringLiteral("papers: 5 conflicts"));
    for (qsizetype i = 1; i < desktop.shown.size(); ++i) QCOMPARE(desktop.shown[i][1].toUInt(), 1U);
    QVERIFY(desktop.shown.size() <= 3);
    QDBusMessage signal = QDBusMessage::createSignal(
        QStringLiteral("/org/freedesktop/Notifications"),
        QStringLiteral("org.freedesktop.Notifications"), QStringLiteral("ActionInvoked"));
    signal << 1U << QStringLiteral("act");
    QVERIFY(server.send(signal));
    QTRY_COMPARE(chosen.count(), 1);
    QDBusConnection::disconnectFromBus(QStringLiteral("desktop"));
}

void DesktopPartsTest::aSecondInstanceHandsItsLinkOver() {
    const QTemporaryDir home;
    const std::filesystem::path runtime =
        std::filesystem::path(home.path().toStdString()) / "runtime";
    SingleInstance first(runtime);
    QVERIFY(!first.handOver({}));
    QVERIFY(first.listen());
    QCOMPARE(QFile::permissions(QString::fromStdString(runtime.native())) &
                 (QFile::ReadGroup | QFile::ReadOther),
             QFile::Permissions());
    const QSignalSpy started(&first, &SingleInstance::started);
    std::atomic<int> is_told{-1};
    std::jthread other([&] {
        is_told = SingleInstance(runtime).handOver(QStringLiteral("lockstep:ABC")) ? 1 : 0;
    });
    QTRY_COMPARE(started.count(), 1);
    QCOMPARE(started[0][0].toString(), QStringLiteral("lockstep:ABC"));
    QTRY_COMPARE(is_told.load(), 1);
}

void DesktopPartsTest::aSocketLeftBehindIsTakenOver() {
    const QTemporaryDir home;
    QFile left(home.filePath(QStringLiteral("gui.sock")));
    QVERIFY(left.open(QIODevice::WriteOnly));
    left.close();
    SingleInstance instance(home.path().toStdString());
    QVERIFY(!instance.handOver({}));
    QVERIFY(instance.listen());
}

void DesktopPartsTest::whatKeepsTheWindowStillIsCounted() {
#ifndef LOCKSTEP_WATCHES_GUI
    QSKIP("only debug builds watch");
#endif
    auto* app = static_cast<WatchedApplication*>(qApp);
    const int before = app->slowEvents();
    bool has_run = false;
    QTimer::singleShot(0, this, [&] {
        // Of its own time: on a loaded machine most of what passes is not.
        const std::clock_t begun = std::clock();
        while (std::clock() - begun < CLOCKS_PER_SEC / 1000 * 2 * kFrame.count()) {
        }
        has_run = true;
    });
    QTRY_VERIFY(has_run);
    QVERIFY(app->slowEvents() > before);
}

void DesktopPartsTest::whoWaitsOnTheWindowsThreadIsNamed() {
#ifndef LOCKSTEP_WATCHES_GUI
    QSKIP("only debug builds watch");
#endif
    auto* app = static_cast<WatchedApplication*>(qApp);
    bool has_run = false;
    QTimer timer;
    connect(&timer, &QTimer::timeout, this, [&] {
        QThread::msleep(300);
        has_run = true;
    });
    timer.setSingleShot(true);
    timer.start(0);
    QTRY_VERIFY(has_run);
    QVERIFY(app->longestWait() >= std::chrono::milliseconds(250));
    QCOMPARE(app->longestWaiter(), QStringLiteral("Timer of QTimer"));
}

std::unique_ptr<QObject> make_desktop_parts_test() {
    return std::make_unique<DesktopPartsTest>();
}

}  // namespace lockstep::gui

#include "desktop_parts_test.moc"
