// Every screen in one look (see variant()): drawn, nothing clipped, nothing on top of something
// else, all named for assistive technology. The pictures stay in build/.../screens/.
#include <QBuffer>
#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QtTest>

#include "gui/models/text.h"
#include "gui/windows/conflict_dialog.h"
#include "gui/windows/ignore_dialog.h"
#include "gui/windows/invite_dialog.h"
#include "gui/windows/log_dialog.h"
#include "gui/windows/main_window.h"
#include "gui/windows/settings_dialog.h"
#include "gui/windows/setup_pages.h"
#include "gui/windows/unlock_dialog.h"
#include "gui/windows/vault_content.h"
#include "gui/windows/vault_security.h"
#include "tests/gui/gui_samples.h"
#include "tests/gui/gui_test.h"
#include "tests/gui/screens.h"

namespace lockstep::gui {

class ScreenTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void mainWindow();
    void notRunning();
    void unlock();
    void setup();
    void invite();
    void conflict();
    void rewrites();
    void settings();
    void keys();
    void looks();
    void theTabKeyReachesEverything();
    void standardButtonsSpeakTheLanguage();
};

namespace {

api::DataPaths nowhere() {
    return {"/nonexistent/config", "/nonexistent/state", "/nonexistent/data",
            "/nonexistent/runtime"};
}

struct Sample {
    DaemonLink link{"/nonexistent/control.sock"};
    DaemonState state{link};
    DaemonStarter starter{nowhere()};
    QTemporaryDir home;
    Preferences preferences{home.filePath(QStringLiteral("gui.conf")).toStdString()};
};

VaultConflict sample_conflict() {
    VaultConflict conflict;
    conflict.vault = QStringLiteral("thesis-0123456789abcdef");
    conflict.vault_name = QStringLiteral("thesis");
    conflict.conflict.path = "chapters/introduction.odt";
    conflict.conflict.sibling =
        "chapters/introduction (conflict from desktop 2026-11-21 02.43.11).odt";
    conflict.conflict.device_label = "desktop";
    conflict.conflict.wall_ms = now_ms() - 86'400'000;
    conflict.conflict.size = 123'456;
    return conflict;
}

}  // namespace

namespace {

api::EntryList sample_folder() {
    api::EntryList list;
    const auto add = [&](const char* name, const char* type, std::uint64_t size) {
        list.entries.push_back({name, {}, type, {}, 0644, size, 1'795'000'000'000'000'000});
    };
    add("chapters", "directory", 0);
    add("figures", "directory", 0);
    add("bibliography.bib", "file", 48'123);
    add("introduction.odt", "file", 123'456);
    return list;
}

api::HistoryAnswer sample_deleted() {
    api::HistoryAnswer answer;
    answer.deleted.push_back({"old outline.txt", {}, "file", 2048, 1'794'000'000'000, "desktop"});
    return answer;
}

api::HistoryAnswer sample_versions() {
    api::HistoryAnswer answer;
    const auto add = [&](const char* by, const char* end, std::int64_t hours) {
        api::VersionInfo version;
        version.id = std::to_string(hours);
        version.time_ms = 1'795'000'000'000 - hours * 3'600'000;
        version.written_by = by;
        version.ended_by = "laptop";
        version.size = static_cast<std::uint64_t>(120'000 + hours);
        version.end = end;
        answer.versions.push_back(version);
    };
    add("laptop", "shown", 1);
    add("desktop", "replaced", 20);
    add("laptop", "replaced", 50);
    return answer;
}

}  // namespace

void ScreenTest::mainWindow() {
    Sample sample;
    MainWindow window(sample.state, sample.starter, sample.preferences);
    api::StatusReport status = sample_status();
    api::VaultInfo blind = sample_vault("cousin");
    blind.role = "blind";
    blind.state = "locked";
    blind.mounts.clear();
    blind.quota_bytes = 10ULL << 30;
    blind.left_out_pack_bytes = 1ULL << 30;
    blind.peers[0].is_connected = false;
    blind.peers[0].last_seen_ms = static_cast<std::uint64_t>(now_ms() - 3 * 86'400'000);
    status.vaults.push_back(blind);
    status.has_alternative_limits = true;
    status.limit_up = status.alternative_up = 100 * 1024;
    sample.state.show(status, sample_devices());
    for (std::uint64_t number = 1; number < 8; ++number)
        Q_EMIT sample.state.happened(sample_event(number, "papers", "vault.unlocked", "unlocked"),
                                     true);
    LOCKSTEP_SHOOT(window, QStringLiteral("vaults"));
    auto* table = window.findChild<QTreeView*>(QStringLiteral("vaultTable"));
    for (int row = 1; row < 6; ++row) {
        table->setCurrentIndex(table->model()->index(row, 0));
        LOCKSTEP_SHOOT(window, QStringLiteral("vault-%1").arg(row));
    }
    window.showPage(MainWindow::Page::Conflicts);
    window.findChild<ConflictsPage*>()->model().show({sample_conflict()});
    LOCKSTEP_SHOOT(window, QStringLiteral("conflicts"));
    window.showPage(MainWindow::Page::Devices);
    LOCKSTEP_SHOOT(window, QStringLiteral("devices"));
    window.showPage(MainWindow::Page::History);
    window.findChild<HistoryPage*>()->show(sample_folder(), sample_deleted(), sample_versions());
    LOCKSTEP_SHOOT(window, QStringLiteral("history"));
    window.showPage(MainWindow::Page::Activity);
    LOCKSTEP_SHOOT(window, QStringLiteral("activity"));
    Q_EMIT sample.state.happened(
        sample_change(8, "papers", "changed",
                      {"letters/to the bank.odt", "letters/to Ana.odt", "plan.txt", "taxes.ods"}),
        false);
    auto* activity = window.findChild<QTreeView*>(QStringLiteral("activityTable"));
    activity->setCurrentIndex(activity->model()->index(0, 0));
    QCOMPARE(window.findChild<QListWidget*>(QStringLiteral("activityFiles"))->count(), 4);
    LOCKSTEP_SHOOT(window, QStringLiteral("activity-files"));
}

void ScreenTest::notRunning() {
    Sample sample;
    MainWindow window(sample.state, sample.starter, sample.preferences);
    QTRY_COMPARE(sample.state.linkState(), DaemonState::Link::Missing);
    LOCKSTEP_SHOOT(window, QStringLiteral("not-running"));
    QVERIFY(window.findChild<QPushButton*>(QStringLiteral("startService"))->isVisible());
}

void ScreenTest::unlock() {
    UnlockDialog dialog(QStringLiteral("papers"), true);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("unlock"));
    dialog.setKept(KeepChoice::UntilIdle, 1800);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("unlock-idle"));
    QCOMPARE(dialog.idleSeconds(), std::uint64_t{1800});
    dialog.setKept(KeepChoice::Always, 0);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("unlock-always"));
    QCOMPARE(dialog.idleSeconds(), std::uint64_t{0});
    auto* line = dialog.findChild<QLineEdit*>(QStringLiteral("passphrase"));
    auto* caps = dialog.findChild<QLabel*>(QStringLiteral("capsLock"));
    QTest::keyClicks(line, QStringLiteral("a"));
    QVERIFY(!caps->isVisible());
    QTest::keyClick(line, Qt::Key_B, Qt::NoModifier);
    QTest::sendKeyEvent(QTest::Click, line, Qt::Key_C, QStringLiteral("C"), Qt::NoModifier);
    QVERIFY(caps->isVisible());
    const QSignalSpy asked(&dialog, &UnlockDialog::unlockRequested);
    QTest::keyClick(line, Qt::Key_Return);
    QCOMPARE(asked.count(), 1);
    const api::SecretText taken = dialog.takePassphrase();
    QCOMPARE(taken.reveal().size(), std::size_t{3});
    dialog.setFailure({ErrorKind::WrongKey, "wrong"});
    LOCKSTEP_SHOOT(dialog, QStringLiteral("unlock-wrong"));
    QVERIFY(dialog.findChild<QLabel*>(QStringLiteral("failure"))->isVisible());
    QVERIFY(line->hasFocus() || !dialog.isActiveWindow());
}

void ScreenTest::setup() {
    Sample sample;
    sample.state.show(sample_status(), {});
    for (const int page :
         {SetupWizard::Device, SetupWizard::Choice, SetupWizard::NewVaultPage,
          SetupWizard::Passphrase, SetupWizard::Recovery, SetupWizard::RecoveryCheck,
          SetupWizard::JoinPage, SetupWizard::Digits, SetupWizard::Relay, SetupWizard::Done}) {
        SetupWizard wizard(sample.state, SetupWizard::Kind::FirstRun, {});
        wizard.setAttribute(Qt::WA_DeleteOnClose, false);
        wizard.setup().vault = QStringLiteral("papers");
        wizard.setup().recovery_code =
            QStringLiteral("MH1BN-11S4B-4A4Y0-X9S2M-VE6WM-RJ4AF-11WRY-7870W");
        wizard.setStartId(page);
        LOCKSTEP_SHOOT(wizard, QStringLiteral("setup-%1").arg(page));
    }
}

void ScreenTest::invite() {
    Sample sample;
    sample.state.show(sample_status(), {});
    InviteDialog dialog(sample.state, QStringLiteral("papers"), nullptr);
    dialog.setAttribute(Qt::WA_DeleteOnClose, false);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("invite-options"));
    api::InviteInfo invite;
    invite.vault = "papers";
    invite.role = "writer";
    invite.state = "waiting";
    invite.expires_ms = now_ms() + 3'600'000;
    invite.ticket = api::SecretText("lockstep:" + std::string(150, 'A'));
    dialog.showInvite(invite);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("invite-waiting"));
    invite.state = "asking";
    invite.device_label = "notebook";
    invite.digits = "123456";
    dialog.showInvite(invite);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("invite-asking"));
    QCOMPARE(dialog.findChild<QLabel*>(QStringLiteral("inviteDigits"))->text(),
             QStringLiteral("123 456"));
    invite.state = "expired";
    dialog.showInvite(invite);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("invite-ended"));
}

void ScreenTest::conflict() {
    Sample sample;
    sample.state.show(sample_status(), {});
    ConflictDialog dialog(sample.state, sample_conflict(), nullptr);
    dialog.setAttribute(Qt::WA_DeleteOnClose, false);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("conflict"));
}

void ScreenTest::rewrites() {
    Sample sample;
    api::StatusReport status = sample_status();
    status.vaults[0].rewrites.push_back({.device = std::string(64, 'a'),
                                         .label = "desktop",
                                         .since_ms = static_cast<std::uint64_t>(now_ms() - 60'000),
                                         .files = 120,
                                         .segments = 3,
                                         .examples = {"letters/july.odt", "photos/first.raw"}});
    sample.state.show(status, {});
    const VaultView view = view_of(status.vaults[0]);
    QCOMPARE(view.look, Look::Frozen);
    QWidget parent;
    Commands commands(sample.state, sample.preferences, &parent);
    commands.run(view.action, text_of(status.vaults[0].id));
    auto* box = parent.findChild<QMessageBox*>(QStringLiteral("reviewRewrites"));
    QVERIFY(box != nullptr);
    LOCKSTEP_SHOOT(*box, QStringLiteral("rewrites"));
    for (const char* name : {"undoRewrites", "releaseRewrites"})
        QVERIFY(box->findChild<QPushButton*>(QString::fromLatin1(name))->isVisible());
}

void ScreenTest::settings() {
    Sample sample;
    api::StatusReport status = sample_status();
    api::MirrorInfo mirror;
    mirror.directory = "/home/ana/Letters";
    mirror.path = "letters";
    mirror.state = "up to date";
    status.vaults[0].mirrors.push_back(mirror);
    sample.state.show(status, {});
    QWidget parent;
    Commands commands(sample.state, sample.preferences, &parent);
    SettingsDialog dialog(sample.state, commands, sample.preferences);
    dialog.setAttribute(Qt::WA_DeleteOnClose, false);
    dialog.show({"/home/ana/.config/lockstep/config.toml",
                 {{"network.limit_down", "500"},
                  {"network.alternative.hours", "mon-fri 08:30-18:00; sat 10:00-12:00"},
                  {"cache.content_mib", "256"}}});
    auto* tabs = dialog.findChild<QTabWidget*>();
    api::PassphraseList opens;
    opens.passphrases = {{"passphrase", "aa", 256 << 20, 3, 1'795'000'000'000, "laptop"},
                         {"local", "bb", 256 << 20, 3, 1'795'000'000'000, "laptop"},
                         {"recovery", "cc", 0, 0, 1'795'000'000'000, "laptop"}};
    dialog.findChild<VaultSecurity*>()->show(opens);
    api::KeepAnswer keep;
    keep.rules = {{"", "on-demand", ""}, {"letters/2026", "pinned", "letters/2026"}};
    auto* content = dialog.findChild<VaultContent*>();
    content->show(keep);
    content->show(api::RetentionAnswer{"all 30d, daily 1y", true});
    auto* parts = dialog.findChild<QTabWidget*>(QStringLiteral("vaultParts"));
    for (int tab = 0; tab < tabs->count(); ++tab) {
        tabs->setCurrentIndex(tab);
        LOCKSTEP_SHOOT(dialog, QStringLiteral("settings-%1").arg(tab));
        for (int part = 1; part < parts->count() && parts->isVisible(); ++part) {
            parts->setCurrentIndex(part);
            LOCKSTEP_SHOOT(dialog, QStringLiteral("settings-%1-%2").arg(tab).arg(part));
        }
    }
    IgnoreDialog ignore(sample.state, QStringLiteral("/home/ana/Letters"));
    ignore.setAttribute(Qt::WA_DeleteOnClose, false);
    LOCKSTEP_SHOOT(ignore, QStringLiteral("ignore"));
    LogDialog log(sample.state);
    log.setAttribute(Qt::WA_DeleteOnClose, false);
    log.show({{{1'795'000'000'000, "info", "daemon", "lockstepd has started"},
               {1'795'000'060'000, "warning", "sync", "a relay does not answer"}}});
    LOCKSTEP_SHOOT(log, QStringLiteral("log"));
}

namespace {

// What the Tab key does not reach of what takes it; empty: nothing.
QStringList unreached(QWidget& window) {
    window.show();
    QApplication::setActiveWindow(&window);
    if (!QTest::qWaitForWindowActive(&window)) return {QStringLiteral("the window is not active")};
    QSet<QWidget*> reached;
    for (int presses = 0; presses < 100; ++presses) {
        QWidget* focus = QApplication::focusWidget();
        reached += focus;
        QTest::keyClick(focus == nullptr ? &window : focus, Qt::Key_Tab);
    }
    QStringList missed;
    for (QWidget* widget : window.findChildren<QWidget*>()) {
        const bool takes_it = widget->isVisible() && widget->isEnabled() &&
                              (widget->focusPolicy() & Qt::TabFocus) == Qt::TabFocus;
        // Of radio buttons that belong together Tab reaches one, the arrow keys the others; who has
        // a proxy gives the focus to it.
        if (!takes_it || widget->focusProxy() != nullptr ||
            qobject_cast<QRadioButton*>(widget) != nullptr || reached.contains(widget))
            continue;
        missed += QString::fromLatin1(widget->metaObject()->className()) + QLatin1Char(' ') +
                  widget->objectName();
    }
    return missed;
}

}  // namespace

void ScreenTest::standardButtonsSpeakTheLanguage() {
    const QDialogButtonBox box(QDialogButtonBox::Cancel | QDialogButtonBox::Close);
    const bool is_german = variant() == QLatin1String("german");
    if (!is_german && variant() != QLatin1String("light")) return;
    const auto text = [&](QDialogButtonBox::StandardButton button) {
        return box.button(button)->text().remove(QLatin1Char('&'));
    };
    QCOMPARE(text(QDialogButtonBox::Cancel),
             is_german ? QStringLiteral("Abbrechen") : QStringLiteral("Cancel"));
    QCOMPARE(text(QDialogButtonBox::Close),
             is_german ? QStringLiteral("Schließen") : QStringLiteral("Close"));
}

void ScreenTest::keys() {
    PassphraseDialog dialog(QStringLiteral("papers"), true);
    LOCKSTEP_SHOOT(dialog, QStringLiteral("passphrase"));
    const auto line = [&](const char* name) {
        return dialog.findChild<QLineEdit*>(QString::fromLatin1(name));
    };
    auto* set = dialog.findChild<QPushButton*>(QStringLiteral("setPassphrase"));
    line("newPassphrase")->setText(QStringLiteral("battery staple four seven"));
    line("newPassphraseAgain")->setText(QStringLiteral("battery staple four"));
    QVERIFY(!set->isEnabled());
    line("newPassphraseAgain")->setText(QStringLiteral("battery staple four seven"));
    QVERIFY(!set->isEnabled());  // nothing proves that it is the person
    line("currentPassphrase")->setText(QStringLiteral("correct horse"));
    QVERIFY(set->isEnabled());
    const api::SetPassphrase taken = dialog.take();
    QCOMPARE(taken.current.reveal(), std::string("correct horse"));
    QVERIFY(taken.is_added && !taken.by_device);
    QVERIFY(line("newPassphraseAgain")->text().isEmpty());
    dialog.setFailure({ErrorKind::WrongKey, "wrong"});
    LOCKSTEP_SHOOT(dialog, QStringLiteral("passphrase-wrong"));

    api::RecoveryAnswer answer;
    answer.sheet = api::SecretText(
        "Lockstep recovery sheet\nVault: papers\n\n  1: MH1BN-11S4B able\n  2: 4A4Y0-X9S2M bird\n");
    RecoverySheetDialog sheet(QStringLiteral("papers"), answer);
    sheet.setAttribute(Qt::WA_DeleteOnClose, false);
    LOCKSTEP_SHOOT(sheet, QStringLiteral("recovery-sheet"));
    const QTemporaryDir home;
    const QString file = home.filePath(QStringLiteral("sheet.txt"));
    QVERIFY(sheet.save(file).ok());
    QCOMPARE(sheet.save(file).error().kind, ErrorKind::Exists);
    QCOMPARE(QFile::permissions(file) & (QFile::ReadGroup | QFile::ReadOther),
             QFile::Permissions());
    Sample sample;
    RecoveryTestDialog test(sample.state, "papers");
    LOCKSTEP_SHOOT(test, QStringLiteral("recovery-test"));
}

void ScreenTest::looks() {
    const auto show = [](const QByteArray& bytes, std::uint64_t size, const char* name) {
        Preview preview;
        const auto* data = reinterpret_cast<const std::byte*>(bytes.constData());
        preview.bytes.assign(data, data + bytes.size());
        preview.size = size;
        PreviewDialog dialog(QString::fromLatin1(name), preview);
        dialog.setAttribute(Qt::WA_DeleteOnClose, false);
        QVERIFY2(
            shoot(dialog, QStringLiteral("preview-%1").arg(QString::fromLatin1(name))).isEmpty(),
            name);
        const bool is_text = dialog.findChild<QPlainTextEdit*>() != nullptr;
        QCOMPARE(is_text, QByteArray(name) == "text");
    };
    show("One\nTwo\n", 8, "text");
    show(QByteArray("\0\xff\1", 3), 100, "bytes");
    QByteArray png;
    QBuffer buffer(&png);
    QPixmap picture(200, 100);
    picture.fill(Qt::darkGreen);
    QVERIFY(picture.save(&buffer, "PNG"));
    show(png, static_cast<std::uint64_t>(png.size()), "picture");
}

void ScreenTest::theTabKeyReachesEverything() {
    Sample sample;
    MainWindow window(sample.state, sample.starter, sample.preferences);
    sample.state.show(sample_status(), sample_devices());
    for (const auto page :
         {MainWindow::Page::Vaults, MainWindow::Page::Devices, MainWindow::Page::Activity,
          MainWindow::Page::Conflicts, MainWindow::Page::History}) {
        window.showPage(page);
        QCOMPARE(unreached(window), QStringList());
    }
    Commands commands(sample.state, sample.preferences, &window);
    SettingsDialog settings(sample.state, commands, sample.preferences);
    settings.setAttribute(Qt::WA_DeleteOnClose, false);
    auto* tabs = settings.findChild<QTabWidget*>();
    for (int tab = 0; tab < tabs->count(); ++tab) {
        tabs->setCurrentIndex(tab);
        QCOMPARE(unreached(settings), QStringList());
    }
    for (const int page :
         {SetupWizard::NewVaultPage, SetupWizard::Passphrase, SetupWizard::JoinPage}) {
        SetupWizard wizard(sample.state, SetupWizard::Kind::FirstRun, {});
        wizard.setAttribute(Qt::WA_DeleteOnClose, false);
        wizard.setStartId(page);
        QCOMPARE(unreached(wizard), QStringList());
    }
}

std::unique_ptr<QObject> make_screen_test() {
    return std::make_unique<ScreenTest>();
}

}  // namespace lockstep::gui

#include "screen_test.moc"
