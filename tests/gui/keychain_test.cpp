// "Always on this device" with a real keychain (gnome-keyring) on a session bus of its own.
#include <QDBusConnection>
#include <QDBusConnectionInterface>
#include <QLineEdit>
#include <QListWidget>
#include <QProcess>
#include <QStandardPaths>
#include <QtTest>

#include "gui/application.h"
#include "gui/windows/settings_dialog.h"
#include "gui/windows/vault_security.h"
#include "tests/daemon/lockstep_home.h"
#include "tests/gui/gui_test.h"

namespace lockstep::gui {

class KeychainTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void whatIsAlwaysUnlockedIsSoAfterARestart();

  private:
    QTemporaryDir home_;
    QProcess bus_, keyring_;
};

namespace {

constexpr int kWaitMs = 30'000;

api::DataPaths paths_in(const LockstepHome& home) {
    return {home / "config", home / "state", home / "data", home / "runtime"};
}

// The app, started by a person.
struct Started {
    explicit Started(const LockstepHome& home)
        : instance(home / "runtime"), application(paths_in(home), home.socket(), instance) {
        application.begin({}, false);
    }

    template <typename Widget>
    Widget* find(const char* name) {
        const auto found = application.window().findChildren<Widget*>(QString::fromLatin1(name));
        return found.isEmpty() ? nullptr : found.back();
    }
    std::string state() const {
        const auto& vaults = application.state().status().vaults;
        return vaults.empty() ? std::string() : vaults[0].state;
    }

    SingleInstance instance;
    mutable Application application;
};

std::size_t local_passphrases(const LockstepHome& home) {
    std::size_t count = 0;
    const auto list = home.run({"vault", "passphrase", "list", "papers", "--json"}).json();
    for (const auto& one : list["passphrases"]) count += one["kind"] == "local" ? 1U : 0U;
    return count;
}

}  // namespace

void KeychainTest::initTestCase() {
    const QString program = QStandardPaths::findExecutable(QStringLiteral("gnome-keyring-daemon"));
    if (program.isEmpty()) QSKIP("gnome-keyring is not installed (./dev setup)");
    bus_.setProcessChannelMode(QProcess::ForwardedErrorChannel);
    bus_.start(QStringLiteral("dbus-daemon"),
               {QStringLiteral("--session"), QStringLiteral("--nofork"),
                QStringLiteral("--print-address")});
    QVERIFY(bus_.waitForStarted() && bus_.waitForReadyRead());
    qputenv("DBUS_SESSION_BUS_ADDRESS", bus_.readLine().trimmed());
    qputenv("XDG_DATA_HOME", home_.path().toLocal8Bit());
    qputenv("XDG_RUNTIME_DIR", home_.path().toLocal8Bit());
    qputenv("XDG_CURRENT_DESKTOP", "GNOME");
    keyring_.setProcessChannelMode(QProcess::ForwardedErrorChannel);
    keyring_.start(program, {QStringLiteral("--foreground"), QStringLiteral("--unlock"),
                             QStringLiteral("--components=secrets")});
    QVERIFY(keyring_.waitForStarted());
    keyring_.write("login");
    keyring_.closeWriteChannel();
    QTRY_VERIFY_WITH_TIMEOUT(QDBusConnection::sessionBus().interface()->isServiceRegistered(
                                 QStringLiteral("org.freedesktop.secrets")),
                             kWaitMs);
}

void KeychainTest::cleanupTestCase() {
    for (QProcess* process : {&keyring_, &bus_}) {
        if (process->state() == QProcess::NotRunning) continue;
        process->terminate();
        if (!process->waitForFinished(5000)) process->kill();
        process->waitForFinished(5000);
    }
}

void KeychainTest::whatIsAlwaysUnlockedIsSoAfterARestart() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    QCOMPARE(home.run({"vault", "lock", "papers"}).exit_code, 0);
    {
        Started person(home);
        QTRY_COMPARE_WITH_TIMEOUT(person.state(), std::string("locked"), kWaitMs);
        Commands& commands = person.application.window().commands();
        QTRY_VERIFY_WITH_TIMEOUT(commands.keepUnlocked().hasKeychain(), kWaitMs);
        commands.unlock(QStringLiteral("papers"));
        auto* dialog = person.find<UnlockDialog>("unlockDialog");
        QVERIFY(dialog != nullptr);
        dialog->setKept(KeepChoice::Always, 0);
        auto* line = dialog->findChild<QLineEdit*>(QStringLiteral("passphrase"));
        QTest::keyClicks(line, QStringLiteral("correct horse"));
        QTest::keyClick(line, Qt::Key_Return);
        const QString id =
            QString::fromStdString(person.application.state().status().vaults.at(0).id);
        QTRY_VERIFY_WITH_TIMEOUT(commands.keepUnlocked().isKept(id), kWaitMs);
        QCOMPARE(local_passphrases(home), std::size_t{1});
        // No key lies in a file for it.
        QVERIFY(!person.application.state().status().vaults.at(0).unlock_at_start);
    }
    QCOMPARE(home.stop(), 0);
    QVERIFY(home.start());
    QCOMPARE(home.run({"vault", "show", "papers", "--json"}).json()["state"].get<std::string>(),
             std::string("locked"));
    Started person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.state(), std::string("unlocked"), kWaitMs);
    // What a person locks stays so, and needs no passphrase to be opened again.
    Commands& commands = person.application.window().commands();
    commands.lock(QStringLiteral("papers"));
    QTRY_COMPARE_WITH_TIMEOUT(person.state(), std::string("locked"), kWaitMs);
    commands.unlock(QStringLiteral("papers"));
    QTRY_COMPARE_WITH_TIMEOUT(person.state(), std::string("unlocked"), kWaitMs);
    QVERIFY(person.find<UnlockDialog>("unlockDialog") == nullptr);
    // And not any more.
    person.application.window().settings();
    auto* settings = person.find<SettingsDialog>("settingsDialog");
    settings->findChild<QTabWidget*>()->setCurrentWidget(settings->findChild<VaultSecurity*>());
    person.find<QPushButton>("askAgain")->click();
    QTRY_COMPARE_WITH_TIMEOUT(local_passphrases(home), std::size_t{0}, kWaitMs);
    commands.lock(QStringLiteral("papers"));
    QTRY_COMPARE_WITH_TIMEOUT(person.state(), std::string("locked"), kWaitMs);
    commands.unlock(QStringLiteral("papers"));
    QTRY_VERIFY_WITH_TIMEOUT(person.find<UnlockDialog>("unlockDialog") != nullptr, kWaitMs);
}

std::unique_ptr<QObject> make_keychain_test() {
    return std::make_unique<KeychainTest>();
}

}  // namespace lockstep::gui

#include "keychain_test.moc"
