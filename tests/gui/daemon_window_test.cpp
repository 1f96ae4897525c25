// The whole window against a real daemon, and a second device where two are needed.
#include <QDialog>
#include <QLineEdit>
#include <QMessageBox>
#include <QtTest>
#include <csignal>

#include "gui/application.h"
#include "tests/daemon/lockstep_home.h"
#include "tests/gui/gui_test.h"

namespace lockstep::gui {

class DaemonWindowTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void startsAServiceThatDoesNotRun();
    void unlocksWithARightPassphraseAfterAWrongOne();
    void pausesAndResumes();
    void takesAVaultOffTheList();
};

namespace {

constexpr int kPatienceMs = 30'000;

api::DataPaths paths_of(const LockstepHome& home) {
    return {home / "config", home / "state", home / "data", home / "runtime"};
}

// A person at the window of a home.
struct Person {
    explicit Person(const LockstepHome& home) : application(paths_of(home), home.socket()) {
        application.window().show();
    }

    template <typename Widget>
    Widget* find(const char* name) {
        const auto found = application.window().findChildren<Widget*>(QString::fromLatin1(name));
        return found.isEmpty() ? nullptr : found.back();
    }
    void click(const char* name) {
        auto* button = find<QAbstractButton>(name);
        QVERIFY2(button != nullptr, name);
        QTRY_VERIFY2(button->isVisible() && button->isEnabled(), name);
        QCoreApplication::processEvents();  // what was just said may move it
        QTest::mouseClick(button, Qt::LeftButton);
    }
    QString headline() { return find<QLabel>("headline")->text(); }
    bool isConnected() { return application.state().linkState() == DaemonState::Link::Connected; }

    Application application;
};

}  // namespace

void DaemonWindowTest::startsAServiceThatDoesNotRun() {
    const LockstepHome home;
    qputenv("LOCKSTEP_HOME", QByteArray::fromStdString(home.path().native()));
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.application.state().linkState(), DaemonState::Link::Missing,
                              kPatienceMs);
    QVERIFY(person.find<QPushButton>("startService")->isVisible());
    person.click("startService");
    QTRY_VERIFY_WITH_TIMEOUT(person.isConnected(), kPatienceMs);
    QVERIFY(!person.find<QPushButton>("startService")->isVisible());
    // It was started detached; it says itself which process it is.
    const QByteArray pid =
        QByteArray::fromStdString(read_text(home / "state" / "daemon.lock")).trimmed();
    QVERIFY(pid.toLongLong() > 1);
    QCOMPARE(::kill(static_cast<pid_t>(pid.toLongLong()), SIGTERM), 0);
    QTRY_COMPARE_WITH_TIMEOUT(person.application.state().linkState(), DaemonState::Link::Missing,
                              kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(::kill(static_cast<pid_t>(pid.toLongLong()), 0) != 0, kPatienceMs);
}

void DaemonWindowTest::unlocksWithARightPassphraseAfterAWrongOne() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    QCOMPARE(home.run({"vault", "lock", "papers"}).exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Locked"), kPatienceMs);
    person.click("nextAction");
    auto* dialog = person.find<QDialog>("unlockDialog");
    QVERIFY(dialog != nullptr);
    auto* line = dialog->findChild<QLineEdit*>(QStringLiteral("passphrase"));
    QTest::keyClicks(line, QStringLiteral("not that"));
    QTest::keyClick(line, Qt::Key_Return);
    QTRY_VERIFY_WITH_TIMEOUT(dialog->findChild<QLabel*>(QStringLiteral("failure"))->isVisible(),
                             kPatienceMs);
    QTest::keyClicks(line, QStringLiteral("correct horse"));
    QTest::keyClick(line, Qt::Key_Return);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    QTRY_VERIFY(person.find<QDialog>("unlockDialog") == nullptr);
    person.click("lockButton");
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Locked"), kPatienceMs);
    QVERIFY(person.application.window().findChild<ActivityPage*>()->model().rowCount() > 0);
}

void DaemonWindowTest::pausesAndResumes() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    person.application.window().commands().pause({}, 1800);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Paused"), kPatienceMs);
    QVERIFY(home.run({"vault", "show", "papers", "--json"}).json()["paused"].get<bool>());
    person.click("nextAction");
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
}

void DaemonWindowTest::takesAVaultOffTheList() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    person.application.window().commands().remove(QStringLiteral("papers"));
    auto* box = person.find<QMessageBox>("removeVault");
    QVERIFY(box != nullptr);
    QTest::mouseClick(box->findChild<QPushButton*>(QStringLiteral("confirm")), Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(person.application.state().status().vaults.empty(), kPatienceMs);
    QVERIFY(std::filesystem::exists(home / "data" / "papers.vault"));
}

std::unique_ptr<QObject> make_daemon_window_test() {
    return std::make_unique<DaemonWindowTest>();
}

}  // namespace lockstep::gui

#include "daemon_window_test.moc"
