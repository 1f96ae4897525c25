// The whole window against a real daemon, and a second device where two are needed.
#include "tests/gui/daemon_window_test.h"

#include <QCheckBox>
#include <QDialog>
#include <QFileDialog>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QRegularExpression>
#include <QSlider>
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

void DaemonWindowTest::whatChangedIsNamedAndLeadsToItsVersions() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    Person person(home);
    QTRY_COMPARE_WITH_TIMEOUT(person.headline(), QStringLiteral("Up to date"), kPatienceMs);
    QCOMPARE(home.run({"put", "-", "papers:july.txt"}, "text").exit_code, 0);
    person.application.window().showPage(MainWindow::Page::Activity);
    auto* page = person.application.window().findChild<ActivityPage*>();
    const auto row_about_files = [&] {
        for (int row = 0; row < page->model().rowCount(); ++row)
            if (page->model().eventAt(row)->type == "vault.files") return row;
        return -1;
    };
    QTRY_VERIFY_WITH_TIMEOUT(row_about_files() >= 0, kPatienceMs);
    auto* table = page->findChild<QTreeView*>(QStringLiteral("activityTable"));
    table->setCurrentIndex(table->model()->index(row_about_files(), 0));
    auto* files = page->findChild<QListWidget*>(QStringLiteral("activityFiles"));
    QVERIFY(files->isVisible());
    QCOMPARE(files->count(), 1);
    QCOMPARE(files->currentItem()->text(), QStringLiteral("july.txt"));
    person.click("activityFileHistory");
    auto* history = person.application.window().findChild<HistoryPage*>();
    QVERIFY(history->isVisible());
    QTRY_COMPARE_WITH_TIMEOUT(history->versions().rowCount(), 1, kPatienceMs);
    // A locked vault names nothing.
    person.application.window().showPage(MainWindow::Page::Activity);
    QCOMPARE(home.run({"vault", "lock", "papers"}).exit_code, 0);
    QTRY_VERIFY_WITH_TIMEOUT(!files->isVisible() && files->count() == 0, kPatienceMs);
    QVERIFY(page->model().eventAt(row_about_files())->files.empty());
    QVERIFY(!person.find<QPushButton>("activityFileHistory")->isEnabled());
}

void DaemonWindowTest::historyFollowsWhatHappensWhileItIsShown() {
    LockstepHome home;
    QVERIFY(home.start());
    QCOMPARE(home.create("papers").exit_code, 0);
    for (const char* name : {"august.txt", "july.txt"})
        QCOMPARE(home.run({"put", "-", std::string("papers:") + name}, "text").exit_code, 0);
    Person person(home);
    person.application.open(history_request(QStringLiteral("papers:july.txt")));
    QTRY_VERIFY_WITH_TIMEOUT(person.application.window().findChild<HistoryPage*>() != nullptr,
                             kPatienceMs);
    auto* page = person.application.window().findChild<HistoryPage*>();
    auto* table = page->findChild<QTreeView*>(QStringLiteral("pastTable"));
    const auto selected = [&] {
        const PastEntry* entry = page->past().entry(table->currentIndex().row());
        return entry == nullptr ? std::string() : entry->path;
    };
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 2, kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(page->versions().rowCount(), 1, kPatienceMs);
    // A new file, in front of the one that is selected, and another version of that one.
    QCOMPARE(home.run({"put", "-", "papers:a new one.txt"}, "text").exit_code, 0);
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 3, kPatienceMs);
    QCOMPARE(selected(), std::string("july.txt"));
    QCOMPARE(home.run({"put", "-", "papers:july.txt"}, "more text").exit_code, 0);
    QTRY_COMPARE_WITH_TIMEOUT(page->versions().rowCount(), 2, kPatienceMs);
    QCOMPARE(selected(), std::string("july.txt"));
    // At a time of the past, too, where the slider stays.
    auto* slider = page->findChild<QSlider*>(QStringLiteral("historySlider"));
    slider->setValue(slider->maximum() - 2);
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 0, kPatienceMs);
    person.find<QCheckBox>("historyChanges")->setChecked(true);
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 3, kPatienceMs);
    table->setCurrentIndex(page->past().index(page->past().rowOf("july.txt"), 0));
    QCOMPARE(home.run({"put", "-", "papers:b.txt"}, "text").exit_code, 0);
    QTRY_COMPARE_WITH_TIMEOUT(page->past().rowCount(), 4, kPatienceMs);
    QCOMPARE(selected(), std::string("july.txt"));
    QCOMPARE(slider->value(), slider->maximum() - 2);
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
