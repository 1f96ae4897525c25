// What a person sets and looks up in the window: settings, what is kept, history, keys, roles.
#include <QComboBox>
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
#include "tests/gui/daemon_window_test.h"
#include "tests/gui/gui_test.h"

namespace lockstep::gui {

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
    QTRY_VERIFY_WITH_TIMEOUT(answer().contains(QStringLiteral("by the rule: *.o")) ||
                                 (person.click("ignoreTest"), false),
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

void DaemonWindowTest::theProxyReachesTheService() {
    LockstepHome home;
    QVERIFY(home.start());
    Person person(home);
    QTRY_VERIFY_WITH_TIMEOUT(person.isConnected(), kPatienceMs);
    person.application.window().settings();
    auto* tabs = person.find<SettingsDialog>("settingsDialog")->findChild<QTabWidget*>();
    auto* kind = person.find<QComboBox>("proxyKind");
    auto* host = person.find<QLineEdit>("proxyHost");
    auto* port = person.find<QSpinBox>("proxyPort");
    auto* password = person.find<QLineEdit>("proxyPassword");
    auto* use = person.find<QPushButton>("useProxy");
    auto* failure = person.find<QLabel>("proxyFailure");
    const auto configured = [&] { return home.run({"config", "get", "network.proxy"}).output; };
    for (QWidget* widget : std::initializer_list<QWidget*>{kind, host, port, password})
        QVERIFY(!widget->accessibleName().isEmpty());
    tabs->setCurrentIndex(1);
    QVERIFY(!host->isEnabled() && !use->isEnabled());
    kind->setCurrentIndex(1);
    QVERIFY(host->isEnabled());
    // What is missing is said beside it, and nothing is told to the service.
    person.click("useProxy");
    QTRY_VERIFY_WITH_TIMEOUT(failure->isVisible(), kPatienceMs);
    host->setText(QStringLiteral("127.0.0.1"));
    port->setValue(9);
    person.find<QLineEdit>("proxyUser")->setText(QStringLiteral("ana"));
    password->setText(QStringLiteral("swordfish/1"));
    person.click("useProxy");
    QTRY_COMPARE_WITH_TIMEOUT(configured(), std::string("socks5://ana:***@127.0.0.1:9\n"),
                              kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(password->text(), QStringLiteral("***"), kPatienceMs);
    QVERIFY(!failure->isVisible());
    // The password that is set goes to no other place.
    port->setValue(10);
    person.click("useProxy");
    QTRY_VERIFY_WITH_TIMEOUT(failure->isVisible(), kPatienceMs);
    QCOMPARE(configured(), std::string("socks5://ana:***@127.0.0.1:9\n"));
    kind->setCurrentIndex(0);
    person.click("useProxy");
    QTRY_COMPARE_WITH_TIMEOUT(configured(), std::string("\n"), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(host->text().isEmpty(), kPatienceMs);
    // What somebody else sets is shown.
    home.must({"config", "set", "network.proxy", "http://127.0.0.1:3128"});
    QTRY_COMPARE_WITH_TIMEOUT(kind->currentIndex(), 2, kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(port->value(), 3128, kPatienceMs);
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

}  // namespace lockstep::gui
