// The whole window against a real daemon, and a second device where two are needed.
#include <QDialog>
#include <QFileDialog>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QRegularExpression>
#include <QSpinBox>
#include <QToolButton>
#include <QTreeView>
#include <QtTest>
#include <csignal>

#include "gui/application.h"
#include "gui/client/autostart.h"
#include "gui/models/history_request.h"
#include "gui/watched_application.h"
#include "gui/widgets/week_grid.h"
#include "gui/windows/settings_dialog.h"
#include "gui/windows/setup_pages.h"
#include "gui/windows/vault_security.h"
#include "gui/windows/vault_settings.h"
#include "tests/daemon/lockstep_home.h"
#include "tests/gui/gui_test.h"

namespace lockstep::gui {

class DaemonWindowTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void cleanup();
    void startsAServiceThatDoesNotRun();
    void unlocksWithARightPassphraseAfterAWrongOne();
    void pausesAndResumes();
    void takesAVaultOffTheList();
    void firstRunMakesAVaultAndChecksTheSheet();
    void invitesASecondDeviceThatJoins();
    void aRejectedDeviceIsToldSo();
    void conflictsAreResolvedAsChosen();
    void settingsReachTheService();
    void otherLimitsAreSwitchedInTheStatusBar();
    void whatHappenedBeforeTheAppIsShown();
    void whatIsKeptOfAVaultIsChosen();
    void historyBringsBackWhatWasThere();
    void securitySettingsReachTheService();
    void recoverySheetsAreMadeAndTested();
    void aDeviceGetsAnotherRole();
    void anIdleVaultIsLockedAsChosenWhenItWasUnlocked();
    void aLinkFromOutsideOpensTheWizard();
    void aFileFromOutsideShowsItsVersions();
    void closingKeepsTheSheetInMind();
};

namespace {

constexpr int kPatienceMs = 30'000;

api::DataPaths paths_of(const LockstepHome& home) {
    return {home / "config", home / "state", home / "data", home / "runtime"};
}

// A person at the window of a home.
struct Person {
    explicit Person(const LockstepHome& home)
        : instance(home / "runtime"), application(paths_of(home), home.socket(), instance) {
        application.begin({}, false);
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

    SingleInstance instance;
    Application application;
};

}  // namespace

// Nothing that any of this does waits for the daemon on the window's thread. (Its own work, and a
// busy disk, may take longer than a frame here.)
void DaemonWindowTest::cleanup() {
    constexpr std::chrono::milliseconds kWaitMax{250};
    const auto* app = static_cast<WatchedApplication*>(qApp);
    QVERIFY2(app->longestWait() < kWaitMax, qPrintable(app->longestWaiter()));
}

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
    // Events come by a way of their own, which may be the longer one.
    QTRY_VERIFY_WITH_TIMEOUT(
        person.application.window().findChild<ActivityPage*>()->model().rowCount() > 0,
        kPatienceMs);
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

void DaemonWindowTest::firstRunMakesAVaultAndChecksTheSheet() {
    LockstepHome home;
    qputenv("XDG_CONFIG_HOME", QByteArray::fromStdString((home / "xdg").native()));
    QVERIFY(home.start());
    Person person(home);
    QTRY_VERIFY_WITH_TIMEOUT(person.find<SetupWizard>("setupWizard") != nullptr, kPatienceMs);
    auto* wizard = person.find<SetupWizard>("setupWizard");
    const auto field = [&](const char* name) {
        return wizard->currentPage()->findChild<QLineEdit*>(QString::fromLatin1(name));
    };
    field("deviceName")->setText(QStringLiteral("my laptop"));
    wizard->next();
    QTRY_COMPARE_WITH_TIMEOUT(wizard->currentId(), int{SetupWizard::Choice}, kPatienceMs);
    wizard->next();
    QCOMPARE(wizard->currentId(), int{SetupWizard::NewVaultPage});
    QVERIFY(!wizard->currentPage()->isComplete());
    field("vaultName")->setText(QStringLiteral("papers"));
    wizard->currentPage()->findChild<QCheckBox*>(QStringLiteral("showAsFolder"))->setChecked(false);
    wizard->next();
    QCOMPARE(wizard->currentId(), int{SetupWizard::Passphrase});
    field("passphrase")->setText(QStringLiteral("correct horse battery staple"));
    field("passphraseAgain")->setText(QStringLiteral("correct horse battery"));
    QVERIFY(!wizard->currentPage()->isComplete());
    field("passphraseAgain")->setText(QStringLiteral("correct horse battery staple"));
    wizard->next();
    QTRY_COMPARE_WITH_TIMEOUT(wizard->currentId(), int{SetupWizard::Recovery}, kPatienceMs);
    QVERIFY(!wizard->currentPage()->isComplete());
    auto* recovery = static_cast<RecoveryPage*>(wizard->currentPage());
    const QString sheet = QString::fromStdString((home / "sheet.txt").native());
    QVERIFY(recovery->save(sheet).ok());
    QCOMPARE(recovery->save(sheet).error().kind, ErrorKind::Exists);
    QCOMPARE(QFile::permissions(sheet) & (QFile::ReadGroup | QFile::ReadOther),
             QFile::Permissions());
    QVERIFY(read_text(home / "sheet.txt").find(wizard->setup().recovery_code.toStdString()) !=
            std::string::npos);
    wizard->next();
    QCOMPARE(wizard->currentId(), int{SetupWizard::RecoveryCheck});
    const QStringList groups = wizard->setup().recovery_code.split(QLatin1Char('-'));
    QCOMPARE(groups.size(), 8);
    for (const char* name : {"group0", "group1", "group2"}) {
        QVERIFY(!wizard->currentPage()->isComplete());
        // The label says which group of the sheet is meant.
        const int number = field(name)
                               ->accessibleName()
                               .remove(QRegularExpression(QStringLiteral("[^0-9]")))
                               .toInt();
        field(name)->setText(groups[number - 1].toLower());
    }
    QVERIFY(wizard->currentPage()->isComplete());
    wizard->next();
    QCOMPARE(wizard->currentId(), int{SetupWizard::Relay});
    wizard->currentPage()->findChild<QRadioButton*>(QStringLiteral("ownRelay"))->setChecked(true);
    field("relayUrl")->setText(QStringLiteral("http://127.0.0.1:1"));
    QTest::mouseClick(wizard->currentPage()->findChild<QPushButton*>(QStringLiteral("testRelay")),
                      Qt::LeftButton);
    auto* result = wizard->currentPage()->findChild<QLabel*>(QStringLiteral("relayResult"));
    QTRY_VERIFY_WITH_TIMEOUT(
        !result->text().isEmpty() && !result->text().startsWith(QStringLiteral("Asking")),
        kPatienceMs);
    wizard->next();
    QTRY_COMPARE_WITH_TIMEOUT(wizard->currentId(), int{SetupWizard::Done}, kPatienceMs);
    wizard->accept();
    QTRY_VERIFY(person.find<SetupWizard>("setupWizard") == nullptr);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    QVERIFY(is_autostarted());
    const auto status = home.run({"status", "--json"}).json();
    QCOMPARE(status["device"]["label"].get<std::string>(), std::string("my laptop"));
    QCOMPARE(status["relays"][0]["url"].get<std::string>(), std::string("http://127.0.0.1:1"));
    QCOMPARE(status["vaults"][0]["name"].get<std::string>(), std::string("papers"));
}

namespace {

// Both people's screens at the point where the digits are to be compared.
struct Pairing {
    Pairing() {
        for (LockstepHome* home : {&first_home, &second_home})
            if (!home->start()) return;
        if (first_home.create("papers").exit_code != 0) return;
        is_ready = true;
    }

    void meet() {
        QVERIFY(is_ready);
        first = std::make_unique<Person>(first_home);
        second = std::make_unique<Person>(second_home);
        QTRY_COMPARE_WITH_TIMEOUT(first->headline(), QStringLiteral("Up to date"), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(second->find<SetupWizard>("setupWizard") != nullptr, kPatienceMs);
        second->find<SetupWizard>("setupWizard")->reject();
        first->click("inviteButton");
        QTest::mouseClick(first->find<QPushButton>("createInvite"), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(
            first->find<QLineEdit>("inviteLink")->text().startsWith(QStringLiteral("lockstep:")),
            kPatienceMs);
        second->application.window().join(first->find<QLineEdit>("inviteLink")->text());
        wizard = second->find<SetupWizard>("setupWizard");
        wizard->currentPage()
            ->findChild<QCheckBox*>(QStringLiteral("showAsFolder"))
            ->setChecked(false);
        wizard->next();
        QTRY_COMPARE_WITH_TIMEOUT(wizard->currentId(), int{SetupWizard::Digits}, kPatienceMs);
        auto* digits = wizard->currentPage()->findChild<QLabel*>(QStringLiteral("joinDigits"));
        QTRY_COMPARE_WITH_TIMEOUT(digits->text().size(), 7, kPatienceMs);
        QTRY_COMPARE_WITH_TIMEOUT(first->find<QLabel>("inviteDigits")->text(), digits->text(),
                                  kPatienceMs);
        QVERIFY(!wizard->currentPage()->isComplete());
    }

    LockstepHome first_home, second_home;
    bool is_ready = false;
    std::unique_ptr<Person> first, second;
    SetupWizard* wizard = nullptr;
};

}  // namespace

void DaemonWindowTest::invitesASecondDeviceThatJoins() {
    Pairing pairing;
    pairing.meet();
    if (QTest::currentTestFailed()) return;
    pairing.first->click("acceptDevice");
    QTRY_VERIFY_WITH_TIMEOUT(pairing.wizard->currentPage()->isComplete(), kPatienceMs);
    pairing.wizard->next();
    QCOMPARE(pairing.wizard->currentId(), int{SetupWizard::Done});
    pairing.wizard->accept();
    QTRY_VERIFY_WITH_TIMEOUT(
        pairing.first->find<QLabel>("inviteEnd")->text().contains(QStringLiteral("papers")),
        kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(pairing.second->headline(), QStringLiteral("Up to date"),
                              kPatienceMs);
    const auto& status = pairing.first->application.state().status();
    QTRY_VERIFY_WITH_TIMEOUT(!status.vaults.empty() && status.vaults[0].peers.size() == 1 &&
                                 status.vaults[0].last_synced_ms > 0,
                             kPatienceMs);
    const auto& devices = pairing.first->application.state().devices().devices;
    QTRY_COMPARE_WITH_TIMEOUT(devices.size(), std::size_t{3}, kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(std::ranges::any_of(devices,
                                                 [](const api::DeviceInfo& device) {
                                                     return !device.is_this_device &&
                                                            device.last_seen_ms > 0;
                                                 }),
                             kPatienceMs);
}

void DaemonWindowTest::aRejectedDeviceIsToldSo() {
    Pairing pairing;
    pairing.meet();
    if (QTest::currentTestFailed()) return;
    pairing.first->click("rejectDevice");
    QTRY_VERIFY_WITH_TIMEOUT(!pairing.first->find<QLabel>("inviteDigits")->isVisible(),
                             kPatienceMs);
    const auto labels = pairing.wizard->currentPage()->findChildren<QLabel*>();
    QTRY_VERIFY_WITH_TIMEOUT(
        std::ranges::any_of(
            labels,
            [](const QLabel* label) { return label->text().contains(QStringLiteral("rejected")); }),
        kPatienceMs);
    QVERIFY(!pairing.wizard->currentPage()->isComplete());
    QVERIFY(pairing.second->application.state().status().vaults.empty());
}

void DaemonWindowTest::conflictsAreResolvedAsChosen() {
    LockstepHome laptop, desk;
    QVERIFY(laptop.start() && desk.start());
    QCOMPARE(laptop.create("papers").exit_code, 0);
    const std::string ticket = laptop.run({"invite", "papers", "--yes"}).output;
    QCOMPARE(desk.run({"join", "-"}, ticket).exit_code, 0);
    const auto put = [](const LockstepHome& home, const char* name, const char* text) {
        return home.run({"put", "-", std::string("papers:") + name}, text).exit_code;
    };
    const auto get = [](const LockstepHome& home, const char* name) {
        return home.run({"get", std::string("papers:") + name, "-"}).output;
    };
    const auto both = [&](const std::vector<std::string>& command) {
        return laptop.run(command).exit_code == 0 && desk.run(command).exit_code == 0;
    };
    for (const char* name : {"one.txt", "two.txt"}) QCOMPARE(put(laptop, name, "before"), 0);
    QVERIFY(both({"wait", "papers"}));
    QVERIFY(both({"pause", "papers"}));
    for (const char* name : {"one.txt", "two.txt"}) {
        QCOMPARE(put(laptop, name, "from laptop"), 0);
        QCOMPARE(put(desk, name, "from desk"), 0);
    }
    QVERIFY(both({"resume", "papers"}));
    QVERIFY(both({"wait", "papers"}));
    Person person(laptop);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("2 conflicts"), kPatienceMs);
    person.click("nextAction");
    auto& model = person.application.window().findChild<ConflictsPage*>()->model();
    QTRY_COMPARE_WITH_TIMEOUT(model.rowCount(), 2, kPatienceMs);
    const std::string first_sibling = model.conflict(0)->conflict.sibling;
    const std::string first_path = model.conflict(0)->conflict.path;
    const std::string kept = get(laptop, first_sibling.c_str());
    QVERIFY(kept == "from laptop" || kept == "from desk");
    person.click("resolve");
    person.click("keepThat");
    QTRY_COMPARE_WITH_TIMEOUT(model.rowCount(), 1, kPatienceMs);
    QCOMPARE(get(laptop, first_path.c_str()), kept);
    QTRY_VERIFY(person.find<QDialog>("conflictDialog") == nullptr);
    person.click("resolve");
    person.click("keepBoth");
    QTRY_COMPARE_WITH_TIMEOUT(model.rowCount(), 0, kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    QVERIFY(both({"wait", "papers"}));
    QCOMPARE(get(desk, first_path.c_str()), kept);
    QCOMPARE(desk.run({"ls", "papers:", "--json"}).json()["entries"].size(), std::size_t{3});
}

void DaemonWindowTest::settingsReachTheService() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    person.application.window().settings();
    auto* dialog = person.find<SettingsDialog>("settingsDialog");
    auto* port = dialog->findChild<QSpinBox*>(QStringLiteral("cache.content_mib"));
    QTRY_COMPARE_WITH_TIMEOUT(port->value(), 256, kPatienceMs);
    auto* down = dialog->findChild<QSpinBox*>(QStringLiteral("network.limit_down"));
    down->setValue(512);
    Q_EMIT down->editingFinished();
    QTRY_COMPARE_WITH_TIMEOUT(person.application.state().status().limit_down,
                              std::uint64_t{512 * 1024}, kPatienceMs);
    // What is out of range is said, and the field shows what counts.
    down->setValue(7);
    Q_EMIT down->editingFinished();
    QTRY_VERIFY_WITH_TIMEOUT(
        !dialog->findChild<QLabel*>(QStringLiteral("failure"))->text().isEmpty(), kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(down->value(), 512, kPatienceMs);
    dialog->findChild<QLineEdit*>(QStringLiteral("newRelay"))
        ->setText(QStringLiteral("http://127.0.0.1:1"));
    dialog->findChild<QPushButton*>(QStringLiteral("addRelay"))->click();
    auto* relays = dialog->findChild<QListWidget*>(QStringLiteral("relays"));
    QTRY_COMPARE_WITH_TIMEOUT(relays->count(), 1, kPatienceMs);
    relays->setCurrentRow(0);
    dialog->findChild<QPushButton*>(QStringLiteral("removeRelay"))->click();
    QTRY_COMPARE_WITH_TIMEOUT(relays->count(), 0, kPatienceMs);
    QCOMPARE(home.run({"config", "get", "network.limit_down"}).output, std::string("512\n"));
    dialog->findChild<QPushButton*>(QStringLiteral("showLog"))->click();
    auto* log = person.find<QPlainTextEdit>("logLines");
    QTRY_VERIFY_WITH_TIMEOUT(log->toPlainText().contains(QStringLiteral("info")), kPatienceMs);
    const std::filesystem::path bundle = home / "bundle.tar.gz";
    dialog->saveDiagnostics(QString::fromStdString(bundle.native()));
    QTRY_VERIFY_WITH_TIMEOUT(std::filesystem::exists(bundle), kPatienceMs);
    // It is not written over.
    QTRY_VERIFY_WITH_TIMEOUT(dialog->findChild<QLabel*>(QStringLiteral("failure"))
                                 ->text()
                                 .contains(QStringLiteral("is written")),
                             kPatienceMs);
    dialog->saveDiagnostics(QString::fromStdString(bundle.native()));
    QTRY_VERIFY_WITH_TIMEOUT(dialog->findChild<QLabel*>(QStringLiteral("failure"))
                                 ->text()
                                 .contains(QStringLiteral("is there already")),
                             kPatienceMs);
}

void DaemonWindowTest::otherLimitsAreSwitchedInTheStatusBar() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    QCOMPARE(home.run({"config", "set", "network.alternative.limit_down", "100"}).exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    auto* toggle = person.find<QToolButton>("alternativeLimits");
    QVERIFY(!toggle->isChecked());
    person.click("alternativeLimits");
    QTRY_VERIFY_WITH_TIMEOUT(toggle->isChecked(), kPatienceMs);
    QCOMPARE(person.application.state().status().limit_down, std::uint64_t{100 * 1024});
    person.click("alternativeLimits");
    QTRY_VERIFY_WITH_TIMEOUT(!toggle->isChecked(), kPatienceMs);
    // The hours switch it, too, and are painted in the settings.
    person.application.window().settings();
    auto* grid = person.find<WeekGrid>("network.alternative.hours");
    QVERIFY(grid != nullptr);
    api::WeekGrid all;
    for (auto& day : all) day.set();
    grid->show(all);
    Q_EMIT grid->changed();
    QTRY_VERIFY_WITH_TIMEOUT(toggle->isChecked(), kPatienceMs);
    QCOMPARE(home.run({"config", "get", "network.alternative.hours"}).output,
             std::string("mon-sun 00:00-24:00\n"));
}

void DaemonWindowTest::whatHappenedBeforeTheAppIsShown() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    QCOMPARE(home.run({"vault", "lock", "papers"}).exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Locked"), kPatienceMs);
    MainWindow& window = person.application.window();
    window.showPage(MainWindow::Page::Activity);
    const auto& activity = window.findChild<ActivityPage*>()->model();
    const auto has = [&](const char* type) {
        for (int row = 0; row < activity.rowCount(); ++row)
            if (activity.eventAt(row)->type == type) return true;
        return false;
    };
    QTRY_VERIFY_WITH_TIMEOUT(has("vault.locked") && has("vault.added"), kPatienceMs);
    const int rows = activity.rowCount();
    // A service that starts anew is followed on; nothing is told twice.
    QCOMPARE(home.stop(), 0);
    QVERIFY(home.start());
    QTRY_VERIFY_WITH_TIMEOUT(person.isConnected(), kPatienceMs);
    QCOMPARE(home.run({"pause", "papers"}).exit_code, 0);
    QTRY_VERIFY_WITH_TIMEOUT(has("vault.paused"), kPatienceMs);
    QVERIFY(activity.rowCount() > rows);
    QSet<quint64> numbers;
    for (int row = 0; row < activity.rowCount(); ++row) numbers += activity.eventAt(row)->sequence;
    QCOMPARE(numbers.size(), activity.rowCount());
}

void DaemonWindowTest::whatIsKeptOfAVaultIsChosen() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    QCOMPARE(home.run({"put", "-", "papers:a.txt"}, "text").exit_code, 0);
    std::filesystem::create_directory(home / "desk");
    write_text(home / "desk" / "b.o", "object");
    QCOMPARE(home.run({"mirror", "add", "papers", (home / "desk").native()}).exit_code, 0);
    Person person(home);
    QTRY_VERIFY_WITH_TIMEOUT(!person.application.state().status().vaults.empty(), kPatienceMs);
    person.application.window().settings();
    auto* settings = person.find<SettingsDialog>("settingsDialog");
    settings->findChild<QTabWidget*>()->setCurrentWidget(settings->findChild<VaultSettings*>());
    auto* rules = person.find<QListWidget>("keepRules");
    auto* retention = person.find<QComboBox>("retention");
    QTRY_COMPARE_WITH_TIMEOUT(retention->currentText(), QStringLiteral("all 30d"), kPatienceMs);
    person.find<QLineEdit>("keepPath")->setText(QStringLiteral("a.txt"));
    person.click("keepSet");
    QTRY_COMPARE_WITH_TIMEOUT(rules->count(), 1, kPatienceMs);
    const auto kept = [&] { return home.run({"keep", "papers:a.txt"}).output; };
    QVERIFY2(kept().find("pinned") != std::string::npos, kept().c_str());
    rules->setCurrentRow(0);
    person.click("keepForget");
    QTRY_COMPARE_WITH_TIMEOUT(rules->count(), 0, kPatienceMs);
    auto* cache = person.find<QSpinBox>("cacheSize");
    QCOMPARE(cache->text(), cache->specialValueText());
    cache->setValue(512);
    Q_EMIT cache->editingFinished();
    const auto size = [&] { return home.run({"quota", "papers"}).output; };
    QTRY_VERIFY2_WITH_TIMEOUT(size().find("512.0 MiB") != std::string::npos, size().c_str(),
                              kPatienceMs);
    cache->setValue(15);  // less than there may be
    Q_EMIT cache->editingFinished();
    QTRY_VERIFY_WITH_TIMEOUT(!person.find<QLabel>("vaultResult")->text().isEmpty(), kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(cache->value(), 512, kPatienceMs);
    retention->setEditText(QStringLiteral("all 7d, daily 30d"));
    person.click("retentionSet");
    const auto policy = [&] { return home.run({"retention", "papers"}).output; };
    QTRY_VERIFY_WITH_TIMEOUT(policy().find("daily 30d") != std::string::npos, kPatienceMs);
    // Its answer shows in the field, too: nothing is typed before it.
    const auto says_so = [&] {
        const auto labels = settings->findChildren<QLabel*>();
        return std::ranges::any_of(labels, [](const QLabel* label) {
            return label->text().contains(QStringLiteral("all 7d, daily 30d"));
        });
    };
    QTRY_VERIFY_WITH_TIMEOUT(says_so(), kPatienceMs);
    auto* result = person.find<QLabel>("vaultResult");
    retention->setEditText(QStringLiteral("all of it"));
    person.click("retentionSet");
    QTRY_VERIFY_WITH_TIMEOUT(!result->text().isEmpty(), kPatienceMs);
    // What a mirror ignores.
    auto* parts = settings->findChild<QTabWidget*>(QStringLiteral("vaultParts"));
    parts->setCurrentIndex(1);
    auto* mirrors = person.find<QListWidget>("mirrors");
    QTRY_COMPARE_WITH_TIMEOUT(mirrors->count(), 1, kPatienceMs);
    mirrors->setCurrentRow(0);
    person.click("ignoreRulesButton");
    auto* text = person.find<QPlainTextEdit>("ignoreRules");
    QVERIFY(text != nullptr);
    QTRY_VERIFY_WITH_TIMEOUT(text->isEnabled(), kPatienceMs);
    text->setPlainText(QStringLiteral("*.o"));
    person.click("ignoreSave");
    const auto answer = [&] { return person.find<QLabel>("ignoreAnswer")->text(); };
    QTRY_COMPARE_WITH_TIMEOUT(answer(), QStringLiteral("Saved."), kPatienceMs);
    QCOMPARE(read_text(home / "desk" / ".lockstepignore"), std::string("*.o\n"));
    person.find<QLineEdit>("ignorePath")->setText(QStringLiteral("b.o"));
    // A mirror reads its rules when it hears of them.
    QTRY_VERIFY_WITH_TIMEOUT((person.click("ignoreTest"), QTest::qWait(50),
                              answer().contains(QStringLiteral("by the rule: *.o"))),
                             kPatienceMs);
}

void DaemonWindowTest::historyBringsBackWhatWasThere() {
    LockstepHome home;
    QVERIFY(home.start());
    const bool has_mount = can_mount();
    QCOMPARE(home.create("papers", has_mount ? (home / "mnt").native() : std::string()).exit_code,
             0);
    const auto put = [&](const char* text) {
        return home.run({"put", "-", "papers:a.txt"}, text).exit_code == 0 &&
               home.run({"wait", "papers"}).exit_code == 0;
    };
    QVERIFY(put("first"));
    QVERIFY(put("second"));
    if (has_mount) {
        write_text(home / "mnt" / "gone.txt", "was here");
        QCOMPARE(home.run({"wait", "papers"}).exit_code, 0);
        QVERIFY(std::filesystem::remove(home / "mnt" / "gone.txt"));
        QCOMPARE(home.run({"wait", "papers"}).exit_code, 0);
    }
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    MainWindow& window = person.application.window();
    window.history(window.selectedVault());
    auto* page = window.findChild<HistoryPage*>();
    auto* table = person.find<QTreeView>("pastTable");
    auto* versions = person.find<QTreeView>("versionTable");
    const auto choose = [&](const char* name) {
        table->setCurrentIndex(page->past().index(page->past().rowOf(name), 0));
    };
    QTRY_VERIFY_WITH_TIMEOUT(page->past().rowOf("a.txt") >= 0, kPatienceMs);
    choose("a.txt");
    // What was written first; an upload may have been seen empty before that.
    const auto first_row = [&] {
        for (int row = 0; row < page->versions().rowCount(); ++row)
            if (page->versions().version(row)->size == std::string("first").size()) return row;
        return -1;
    };
    QTRY_VERIFY_WITH_TIMEOUT(first_row() >= 0, kPatienceMs);
    QVERIFY(!person.find<QPushButton>("historyRestore")->isEnabled());  // it is so already
    versions->setCurrentIndex(page->versions().index(first_row(), 0));
    person.click("historyPreview");
    QTRY_VERIFY_WITH_TIMEOUT(person.find<QPlainTextEdit>("previewText") != nullptr, kPatienceMs);
    QCOMPARE(person.find<QPlainTextEdit>("previewText")->toPlainText(), QStringLiteral("first"));
    person.find<QDialog>("previewDialog")->reject();
    person.click("historySave");
    auto* folder = window.findChild<QFileDialog*>();
    QVERIFY(folder != nullptr);
    Q_EMIT folder->fileSelected(QString::fromStdString(home.path().native()));
    folder->reject();
    QTRY_VERIFY_WITH_TIMEOUT(std::filesystem::exists(home / "a.txt"), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(
        person.find<QLabel>("historyResult")->text().startsWith(QStringLiteral("Saved")),
        kPatienceMs);
    QCOMPARE(read_text(home / "a.txt"), std::string("first"));
    person.click("historyRestore");
    QTRY_VERIFY_WITH_TIMEOUT(
        person.find<QLabel>("historyResult")->text().startsWith(QStringLiteral("Restored")),
        kPatienceMs);
    QCOMPARE(home.run({"get", "papers:a.txt", "-"}).output, std::string("first"));
    if (has_mount) {
        QTRY_VERIFY_WITH_TIMEOUT(page->past().rowOf("gone.txt") >= 0, kPatienceMs);
        choose("gone.txt");
        QVERIFY(page->past().entry(page->past().rowOf("gone.txt"))->is_deleted);
        person.click("historyRestore");
        QTRY_VERIFY_WITH_TIMEOUT(std::filesystem::exists(home / "mnt" / "gone.txt"), kPatienceMs);
        QCOMPARE(read_text(home / "mnt" / "gone.txt"), std::string("was here"));
    }
    // An hour ago there was nothing, and all is new since.
    auto* slider = person.find<QSlider>("historySlider");
    slider->setValue(slider->maximum() - 1);
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 0, kPatienceMs);
    person.find<QCheckBox>("historyChanges")->setChecked(true);
    QTRY_VERIFY_WITH_TIMEOUT(page->past().rowOf("a.txt") >= 0, kPatienceMs);
    // A locked vault shows nothing of its past.
    QCOMPARE(home.run({"vault", "lock", "papers"}).exit_code, 0);
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 0, kPatienceMs);
}

void DaemonWindowTest::securitySettingsReachTheService() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    person.application.window().settings();
    auto* settings = person.find<SettingsDialog>("settingsDialog");
    auto* tabs = settings->findChild<QTabWidget*>();
    auto* security = settings->findChild<VaultSecurity*>();
    tabs->setCurrentWidget(security);
    const auto vault = [&] { return person.application.state().status().vaults.at(0); };
    auto* idle = person.find<QSpinBox>("idleLock");
    idle->setValue(20);
    Q_EMIT idle->editingFinished();
    QTRY_COMPARE_WITH_TIMEOUT(vault().idle_lock_seconds, std::uint64_t{1200}, kPatienceMs);
    person.find<QCheckBox>("suspendLock")->click();
    QTRY_VERIFY_WITH_TIMEOUT(vault().locks_on_suspend, kPatienceMs);
    auto* opens = person.find<QListWidget>("passphrases");
    QTRY_COMPARE_WITH_TIMEOUT(opens->count(), 2, kPatienceMs);
    person.click("changePassphrase");
    auto* dialog = person.find<QDialog>("passphraseDialog");
    const auto type = [&](const char* name, const char* text) {
        dialog->findChild<QLineEdit*>(QString::fromLatin1(name))
            ->setText(QString::fromLatin1(text));
    };
    const auto change = [&](const char* current) {
        type("currentPassphrase", current);
        type("newPassphrase", "battery staple");
        type("newPassphraseAgain", "battery staple");
        QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("setPassphrase")),
                          Qt::LeftButton);
    };
    change("not that");
    QTRY_VERIFY_WITH_TIMEOUT(dialog->findChild<QLabel*>(QStringLiteral("failure"))->isVisible(),
                             kPatienceMs);
    change("correct horse");
    QTRY_VERIFY_WITH_TIMEOUT(person.find<QDialog>("passphraseDialog") == nullptr, kPatienceMs);
    QCOMPARE(home.run({"vault", "lock", "papers"}).exit_code, 0);
    const std::vector<std::string> unlock = {"vault", "unlock", "papers", "--passphrase-stdin"};
    QCOMPARE(home.run(unlock, "correct horse\n").exit_code, 12);
    QCOMPARE(home.run(unlock, "battery staple\n").exit_code, 0);
    // Metered, and a relay's token and key, which is refused when it is none.
    auto* metered = person.find<QCheckBox>("network.pause_when_metered");
    QTRY_VERIFY_WITH_TIMEOUT(metered->isChecked(), kPatienceMs);
    metered->click();
    QTRY_COMPARE_WITH_TIMEOUT(home.run({"config", "get", "network.pause_when_metered"}).output,
                              std::string("false\n"), kPatienceMs);
    person.find<QLineEdit>("newRelay")->setText(QStringLiteral("https://127.0.0.1:1"));
    person.find<QLineEdit>("relayToken")->setText(QStringLiteral("a-token"));
    person.find<QLineEdit>("relayPin")->setText(QStringLiteral("no key"));
    person.find<QPushButton>("addRelay")->click();
    QTRY_VERIFY_WITH_TIMEOUT(!person.find<QLabel>("relayAnswer")->text().isEmpty(), kPatienceMs);
    person.find<QLineEdit>("relayPin")->setText(QString(64, QLatin1Char('a')));
    person.find<QPushButton>("addRelay")->click();
    auto* relays = person.find<QListWidget>("relays");
    QTRY_COMPARE_WITH_TIMEOUT(relays->count(), 1, kPatienceMs);
    QVERIFY(relays->item(0)->text().contains(QStringLiteral("key pinned")));
    QVERIFY(relays->item(0)->text().contains(QStringLiteral("token")));
}

void DaemonWindowTest::recoverySheetsAreMadeAndTested() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    person.application.window().settings();
    auto* settings = person.find<SettingsDialog>("settingsDialog");
    settings->findChild<QTabWidget*>()->setCurrentWidget(settings->findChild<VaultSecurity*>());
    person.click("renewRecovery");
    QTest::mouseClick(person.find<QMessageBox>("confirmRenew")
                          ->findChild<QPushButton*>(QStringLiteral("confirm")),
                      Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(person.find<QPlainTextEdit>("sheetText") != nullptr, kPatienceMs);
    const QString sheet = person.find<QPlainTextEdit>("sheetText")->toPlainText();
    person.find<QDialog>("recoverySheet")->reject();
    static const QRegularExpression kLine(QStringLiteral("[0-9A-Z]{5}-[0-9A-Z]{5} +[^ \n]+"));
    QStringList lines;
    for (auto found = kLine.globalMatch(sheet); found.hasNext();) lines += found.next().captured();
    QCOMPARE(lines.size(), 4);
    person.click("testRecovery");
    auto* typed = person.find<QPlainTextEdit>("sheetTyped");
    const auto answer = [&] { return person.find<QLabel>("sheetAnswer")->text(); };
    typed->setPlainText(lines.join(QLatin1Char('\n')));
    person.click("testSheet");
    QTRY_VERIFY_WITH_TIMEOUT(answer().contains(QStringLiteral("right")), kPatienceMs);
    typed->setPlainText(lines.mid(1).join(QLatin1Char('\n')));
    person.click("testSheet");
    QTRY_VERIFY_WITH_TIMEOUT(!answer().contains(QStringLiteral("right")) &&
                                 !answer().startsWith(QStringLiteral("Testing")),
                             kPatienceMs);
}

void DaemonWindowTest::aDeviceGetsAnotherRole() {
    LockstepHome laptop, desk;
    QVERIFY(laptop.start() && desk.start());
    QCOMPARE(laptop.create("papers").exit_code, 0);
    const std::string ticket = laptop.run({"invite", "papers", "--yes"}).output;
    QCOMPARE(desk.run({"join", "-"}, ticket).exit_code, 0);
    Person person(laptop);
    const auto other = [&]() -> const api::DeviceInfo* {
        for (const api::DeviceInfo& device : person.application.state().devices().devices)
            if (!device.is_this_device) return &device;
        return nullptr;
    };
    QTRY_VERIFY_WITH_TIMEOUT(other() != nullptr, kPatienceMs);
    QCOMPARE(other()->role, std::string("writer"));
    MainWindow& window = person.application.window();
    window.showPage(MainWindow::Page::Devices);
    auto* table = person.find<QTreeView>("deviceTable");
    for (int row = 0; row < table->model()->rowCount(); ++row)
        if (table->model()->index(row, DeviceModel::Role).data().toString() ==
            QStringLiteral("writer"))
            table->setCurrentIndex(table->model()->index(row, 0));
    QVERIFY(person.find<QPushButton>("role")->isEnabled());
    window.findChild<QAction*>(QStringLiteral("role-reader"))->trigger();
    auto* box = person.find<QMessageBox>("setRole");
    QVERIFY(box != nullptr);
    QTest::mouseClick(box->findChild<QPushButton*>(QStringLiteral("confirm")), Qt::LeftButton);
    QTRY_COMPARE_WITH_TIMEOUT(other()->role, std::string("reader"), kPatienceMs);
}

void DaemonWindowTest::anIdleVaultIsLockedAsChosenWhenItWasUnlocked() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    QCOMPARE(home.run({"vault", "lock", "papers"}).exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Locked"), kPatienceMs);
    person.click("nextAction");
    auto* dialog = person.find<UnlockDialog>("unlockDialog");
    dialog->setKept(KeepChoice::UntilIdle, 1800);
    QTest::keyClicks(dialog->findChild<QLineEdit*>(QStringLiteral("passphrase")),
                     QStringLiteral("correct horse"));
    QTest::keyClick(dialog->findChild<QLineEdit*>(QStringLiteral("passphrase")), Qt::Key_Return);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    const auto& vaults = person.application.state().status().vaults;
    QTRY_COMPARE_WITH_TIMEOUT(vaults.at(0).idle_lock_seconds, std::uint64_t{1800}, kPatienceMs);
    // The window asks for the status all the time: that is no use of the vault.
    QCOMPARE(home.run({"vault", "autolock", "papers", "--idle", "1s"}).exit_code, 0);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Locked"), kPatienceMs);
    auto& activity = person.application.window().findChild<ActivityPage*>()->model();
    const auto is_told = [&] {
        for (int row = 0; row < activity.rowCount(); ++row)
            if (activity.eventAt(row)->message.find("not used") != std::string::npos) return true;
        return false;
    };
    QTRY_VERIFY_WITH_TIMEOUT(is_told(), kPatienceMs);
}

void DaemonWindowTest::aFileFromOutsideShowsItsVersions() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    for (const char* text : {"first", "second one"})
        QCOMPARE(home.run({"put", "-", "papers:july.txt"}, text).exit_code, 0);
    QCOMPARE(home.run({"put", "-", "papers:august.txt"}, "text").exit_code, 0);
    std::filesystem::create_directory(home / "desk");
    QCOMPARE(home.run({"mirror", "add", "papers", (home / "desk").native()}).exit_code, 0);
    Person person(home);
    // Also before the service has answered.
    person.application.open(history_request(QStringLiteral("papers:july.txt")));
    const auto is_shown = [&](const char* file) {
        auto* page = person.application.window().findChild<HistoryPage*>();
        if (page == nullptr) return false;  // pages are made when they are needed
        const auto* table = page->findChild<QTreeView*>(QStringLiteral("pastTable"));
        const PastEntry* entry = page->past().entry(table->currentIndex().row());
        return entry != nullptr && entry->path == file && page->versions().rowCount() > 0;
    };
    QTRY_VERIFY_WITH_TIMEOUT(is_shown("july.txt"), kPatienceMs);
    const QString path = QString::fromStdString((home / "desk" / "august.txt").native());
    person.application.open(history_request(path));
    QTRY_VERIFY_WITH_TIMEOUT(is_shown("august.txt"), kPatienceMs);
    // All that has changed, from the page of what happened.
    person.application.window().showPage(MainWindow::Page::Activity);
    person.click("changedFiles");
    auto* page = person.application.window().findChild<HistoryPage*>();
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 2, kPatienceMs);
    person.application.open(history_request(QStringLiteral("/etc/hostname")));
    QTRY_VERIFY_WITH_TIMEOUT(person.find<QMessageBox>("error") != nullptr, kPatienceMs);
}

void DaemonWindowTest::aLinkFromOutsideOpensTheWizard() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    Person person(home);
    QTRY_VERIFY_WITH_TIMEOUT(person.isConnected(), kPatienceMs);
    person.application.open(QStringLiteral("lockstep://ABC234"));
    auto* wizard = person.find<SetupWizard>("setupWizard");
    QVERIFY(wizard != nullptr);
    QCOMPARE(wizard->currentId(), int{SetupWizard::JoinPage});
    QCOMPARE(wizard->currentPage()
                 ->findChild<QPlainTextEdit*>(QStringLiteral("joinLink"))
                 ->toPlainText(),
             QStringLiteral("lockstep:ABC234"));
    // A link that is no ticket is refused where it was pasted.
    wizard->next();
    QTRY_VERIFY_WITH_TIMEOUT(
        wizard->currentPage()->findChild<QLabel*>(QStringLiteral("failure"))->isVisible(),
        kPatienceMs);
    QCOMPARE(wizard->currentId(), int{SetupWizard::JoinPage});
    wizard->reject();
    QTRY_VERIFY(person.find<SetupWizard>("setupWizard") == nullptr);
    person.application.open(QStringLiteral("https://example.org"));
    QVERIFY(person.find<SetupWizard>("setupWizard") == nullptr);
}

void DaemonWindowTest::closingKeepsTheSheetInMind() {
    LockstepHome home;
    QVERIFY(home.start());
    Person person(home);
    QTRY_VERIFY_WITH_TIMEOUT(person.find<SetupWizard>("setupWizard") != nullptr, kPatienceMs);
    auto* wizard = person.find<SetupWizard>("setupWizard");
    wizard->setup().recovery_code =
        QStringLiteral("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE-FFFFF-GGGGG-HHHHH");
    wizard->setStartId(SetupWizard::Recovery);
    wizard->restart();
    wizard->reject();
    QVERIFY(wizard->isVisible());
    auto* box = person.find<QMessageBox>("loseSheet");
    QVERIFY(box != nullptr);
    box->reject();
    QTRY_VERIFY(person.find<QMessageBox>("loseSheet") == nullptr);
    QVERIFY(wizard->isVisible());
}

std::unique_ptr<QObject> make_daemon_window_test() {
    return std::make_unique<DaemonWindowTest>();
}

}  // namespace lockstep::gui

#include "daemon_window_test.moc"
