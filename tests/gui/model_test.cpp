// What people read, from what the daemon says; no daemon, no window.
#include <QAbstractItemModelTester>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTranslator>
#include <QtTest>

#include "gui/client/autostart.h"
#include "gui/client/daemon_state.h"
#include "gui/models/activity_model.h"
#include "gui/models/device_model.h"
#include "gui/models/join_link.h"
#include "gui/models/passphrase_strength.h"
#include "gui/models/past_model.h"
#include "gui/models/text.h"
#include "gui/models/under_way_model.h"
#include "gui/models/vault_model.h"
#include "gui/models/vault_view.h"
#include "gui/tray/news.h"
#include "gui/widgets/qr_code.h"
#include "gui/widgets/table.h"
#include "gui/widgets/week_grid.h"
#include "tests/gui/gui_samples.h"
#include "tests/gui/gui_test.h"

namespace lockstep::gui {

class ModelTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void everyStateHasItsLookAndItsAction();
    void severalVaultsShowTheWorstLook();
    void progressSaysHowMuchAndHowLong();
    void aVaultThatCouldNotBeOpenedSaysWhy();
    void timesAndSizesReadWell();
    void theTableKeepsItsRowsWhenOnlyDataChanges();
    void devicesSayWhatTheyAre();
    void activityIsFilteredByVaultKindAndText();
    void activityNamesFilesUntilTheirVaultIsLocked();
    void activitySpeaksTheLanguageOfItsReader();
    void foldersOfFilesAreFoundInMountsAndMirrors();
    void filesUnderWayKeepTheirRows();
    void aFolderIsAnotherOnlyWhenSomethingInItIs();
    void activityIsBounded();
    void activityKnowsWhatItWasTold();
    void aHundredThousandRowsOfActivityScrollAtTheCostOfWhatIsShown();
    void aBlindVaultHoldsForOthers();
    void membersWithoutNewsAreNamed();
    void aWeekIsPaintedByMouseAndByKeys();
    void aFolderOfThePastHasFoldersFirstAndDeletedLast();
    void aHundredThousandFilesOfThePastAreShown();
    void versionsSayWhatBecameOfThem();
    void lockingByItselfIsNews();
    void passphrasesAreJudgedByWhatAGuesserKnows();
    void linksAreFoundInWhatWasPasted();
    void qrCodesHoldALink();
    void autostartIsAFile();
    void theDesktopFileTakesLinks();
};

namespace {

// A DaemonState that nobody answers.
struct Quiet {
    DaemonLink link{"/nonexistent/control.sock"};
    DaemonState state{link};
};

}  // namespace

void ModelTest::everyStateHasItsLookAndItsAction() {
    const auto check = [](const api::VaultInfo& vault, Look look, VaultAction action) {
        const VaultView view = view_of(vault);
        QCOMPARE(view.look, look);
        QCOMPARE(view.action, action);
        QVERIFY(!view.headline.isEmpty() && !view.explanation.isEmpty());
    };
    api::VaultInfo vault = sample_vault("a");
    check(vault, Look::UpToDate, VaultAction::OpenFolder);
    vault.peers.clear();
    check(vault, Look::UpToDate, VaultAction::Invite);
    vault = sample_vault("a");
    vault.mounts.clear();
    check(vault, Look::UpToDate, VaultAction::Mount);
    vault = sample_vault("a");
    vault.status = "Disconnected";
    check(vault, Look::Disconnected, VaultAction::OpenFolder);
    vault.status = "Syncing";
    check(vault, Look::Syncing, VaultAction::Pause);
    vault.is_paused = true;
    check(vault, Look::Paused, VaultAction::Resume);
    vault.conflicts = 1;
    check(vault, Look::Conflict, VaultAction::ResolveConflicts);
    api::MirrorInfo mirror;
    mirror.state = "held";
    mirror.held_in_vault = 30;
    vault.mirrors.push_back(mirror);
    check(vault, Look::Frozen, VaultAction::ReviewDeletes);
    vault.state = "locked";
    check(vault, Look::Locked, VaultAction::Unlock);
    vault.alarms = {"fork"};
    check(vault, Look::Error, VaultAction::CheckVault);
    vault = sample_vault("a");
    vault.mounts[0].is_mounted = false;
    vault.mounts[0].problem = "not empty";
    check(vault, Look::Error, VaultAction::Remount);
}

void ModelTest::severalVaultsShowTheWorstLook() {
    QCOMPARE(look_of({}), Look::UpToDate);
    std::vector<api::VaultInfo> vaults = {sample_vault("a"), sample_vault("b"), sample_vault("c")};
    vaults[0].status = "Syncing";
    QCOMPARE(look_of(vaults), Look::Syncing);
    vaults[1].is_paused = true;
    QCOMPARE(look_of(vaults), Look::Paused);
    vaults[2].state = "locked";
    QCOMPARE(look_of(vaults), Look::Locked);
    vaults[0].conflicts = 2;
    QCOMPARE(look_of(vaults), Look::Conflict);
    vaults[1].id.clear();
    QCOMPARE(look_of(vaults), Look::Error);
    QSet<QString> icons;
    for (const Look look : {Look::Error, Look::Frozen, Look::Conflict, Look::Locked, Look::Paused,
                            Look::Syncing, Look::Disconnected, Look::UpToDate}) {
        QVERIFY2(QFile::exists(QStringLiteral(":/icons/%1.svg").arg(icon_name(look))),
                 qPrintable(icon_name(look)));
        icons += icon_name(look);
    }
    QCOMPARE(icons.size(), 8);
}

void ModelTest::progressSaysHowMuchAndHowLong() {
    api::VaultInfo vault = sample_vault("a");
    QCOMPARE(view_of(vault).progress, QString());
    vault.pack_bytes = 100 << 20;
    vault.missing_pack_bytes = 300 << 20;
    QCOMPARE(view_of(vault).permille, 250);
    QCOMPARE(view_of(vault).progress, QStringLiteral("100.0 MiB of 400.0 MiB"));
    vault.receive_rate = 1 << 20;
    QCOMPARE(view_of(vault).progress,
             QStringLiteral("100.0 MiB of 400.0 MiB, about 5 minutes left"));
}

void ModelTest::aVaultThatCouldNotBeOpenedSaysWhy() {
    const api::VaultInfo missing = sample_status().vaults.back();
    const VaultView view = view_of(missing);
    QCOMPARE(view.look, Look::Error);
    QCOMPARE(view.action, VaultAction::Remove);
    QVERIFY(view.explanation.contains(text_of(missing.problem)));
}

void ModelTest::timesAndSizesReadWell() {
    QCOMPARE(size_text(1536), QStringLiteral("1.5 KiB"));
    QCOMPARE(countdown_text(59), QStringLiteral("0:59"));
    QCOMPARE(countdown_text(3661), QStringLiteral("1:01:01"));
    QCOMPARE(countdown_text(-5), QStringLiteral("0:00"));
    QCOMPARE(digits_text("123456"), QStringLiteral("123 456"));
    QCOMPARE(moment_text(0, now_ms()), QStringLiteral("never"));
    QCOMPARE(time_left_text(0, 10), QString());
    QCOMPARE(time_left_text(10, 0), QString());
    QCOMPARE(time_left_text(7200, 1), QStringLiteral("about 2 hours left"));
}

void ModelTest::theTableKeepsItsRowsWhenOnlyDataChanges() {
    Quiet quiet;
    VaultModel model(quiet.state);
    const QAbstractItemModelTester tester(&model,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    quiet.state.show(sample_status(), {});
    QCOMPARE(model.rowCount(), 5);
    const QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
    const QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
    api::StatusReport status = sample_status();
    status.vaults[0].is_paused = true;
    quiet.state.show(status, {});
    QCOMPARE(reset.count(), 0);
    QCOMPARE(changed.count(), 1);
    QCOMPARE(model.index(0, VaultModel::State).data().toString(), QStringLiteral("Paused"));
    QCOMPARE(model.index(0, VaultModel::Online).data().toString(), QStringLiteral("1 of 1"));
    status.vaults.pop_back();
    quiet.state.show(status, {});
    QCOMPARE(reset.count(), 1);
    QCOMPARE(model.rowOf(QStringLiteral("photos-0123456789abcdef")), 2);
    QCOMPARE(model.rowOf(QStringLiteral("archive")), -1);
}

void ModelTest::devicesSayWhatTheyAre() {
    Quiet quiet;
    DeviceModel model(quiet.state);
    const QAbstractItemModelTester tester(&model,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    quiet.state.show(sample_status(), sample_devices());
    const auto state = [&](int row) {
        return model.index(row, DeviceModel::State).data().toString();
    };
    QCOMPARE(state(0), QStringLiteral("this device"));
    QCOMPARE(state(1), QStringLiteral("connected"));
    QCOMPARE(state(2), QStringLiteral("not connected"));
    QCOMPARE(state(3), QStringLiteral("removed"));
    QCOMPARE(state(4), QStringLiteral("asks to join: 123 456"));
    QCOMPARE(model.index(1, DeviceModel::LastSeen).data().toString(), QStringLiteral("now"));
    QVERIFY(model.index(2, DeviceModel::LastSeen).data().toString() != QStringLiteral("never"));
    QCOMPARE(model.index(3, DeviceModel::LastSeen).data().toString(), QStringLiteral("never"));
}

void ModelTest::activityIsFilteredByVaultKindAndText() {
    ActivityModel model;
    ActivityFilter filter;
    filter.setSourceModel(&model);
    const QAbstractItemModelTester tester(&filter,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.add(sample_event(1, "papers", "vault.unlocked", "unlocked"));
    model.add(sample_event(2, "papers", "vault.changed", ""));
    model.add(sample_event(3, "photos", "mirror.added", "a mirror in /home/ana/Photos"));
    QCOMPARE(filter.rowCount(), 2);
    QCOMPARE(filter.index(0, ActivityModel::Vault).data().toString(), QStringLiteral("photos"));
    filter.setVault(QStringLiteral("papers"));
    QCOMPARE(filter.rowCount(), 1);
    filter.setVault({});
    filter.setKind(ActivityModel::kindText(QStringLiteral("mirror")));
    QCOMPARE(filter.rowCount(), 1);
    filter.setText(QStringLiteral("PHOTOS"));
    QCOMPARE(filter.rowCount(), 1);
    filter.setText(QStringLiteral("nothing of that"));
    QCOMPARE(filter.rowCount(), 0);
    filter.setText({});
    filter.setKind({});
    api::Event removed = sample_event(4, "papers", "device.changed", "removed");
    removed.subject = "aa11";
    model.add(removed);
    model.add(sample_event(5, "papers", "invite.changed", "desktop asks to join"));
    filter.setDevice(QStringLiteral("aa11"), QStringLiteral("desktop"));
    QCOMPARE(filter.rowCount(), 2);
    filter.setDevice(QStringLiteral("bb22"), QStringLiteral("phone"));
    QCOMPARE(filter.rowCount(), 0);
}

void ModelTest::activitySpeaksTheLanguageOfItsReader() {
    QTranslator german;
    QVERIFY(german.load(QStringLiteral(":/translations/lockstep_de.qm")));
    QApplication::installTranslator(&german);
    ActivityModel model;
    const auto shown = [&](const char* type, const char* message) {
        model.add(sample_event(static_cast<std::uint64_t>(model.rowCount()) + 1, "papers", type,
                               message));
        return model.index(0, ActivityModel::What).data().toString();
    };
    const QString mounted = shown("vault.mounted", "mounted at /home/ana/a: b");
    const QString mirror =
        shown("mirror.problem", "the mirror in /home/ana does not run: no space left");
    const QString unknown = shown("vault.problem", "something else: that nobody has foreseen");
    QApplication::removeTranslator(&german);
    QCOMPARE(mounted, QStringLiteral("eingehängt in /home/ana/a: b"));
    QCOMPARE(mirror, QStringLiteral("der Spiegel in /home/ana läuft nicht: no space left"));
    QCOMPARE(unknown, QStringLiteral("something else: that nobody has foreseen"));
}

void ModelTest::activityNamesFilesUntilTheirVaultIsLocked() {
    ActivityModel model;
    ActivityFilter filter;
    filter.setSourceModel(&model);
    model.add(sample_change(1, "papers", "added", {"a/letter.txt"}));
    model.add(sample_change(2, "papers", "changed", {"a", "b", "c", "d"}));
    model.add(sample_change(3, "photos", "removed", {"walk.jpg"}));
    model.add(sample_event(4, "papers", "mirror.added", "a mirror in /home/ana/Papers"));
    const auto what = [&](int row) {
        return model.index(row, ActivityModel::What).data().toString();
    };
    QCOMPARE(what(3), QStringLiteral("laptop added a/letter.txt"));
    QCOMPARE(what(2), QStringLiteral("laptop changed a, b, c and 1 more"));
    QCOMPARE(what(1), QStringLiteral("laptop deleted walk.jpg"));
    filter.setKind(ActivityModel::kindText(QStringLiteral("files")));
    QCOMPARE(filter.rowCount(), 3);
    filter.setKind(ActivityModel::kindText(QStringLiteral("files.added")));
    QCOMPARE(filter.rowCount(), 1);
    filter.setKind({});
    filter.setDevice(QStringLiteral("0123456789abcdef0123456789abcdef"), QStringLiteral("laptop"));
    QCOMPARE(filter.rowCount(), 3);
    // Another device of the same name.
    filter.setDevice(QStringLiteral("aa11"), QStringLiteral("laptop"));
    QCOMPARE(filter.rowCount(), 0);
    filter.setDevice({}, {});
    filter.setText(QStringLiteral("LETTER"));
    QCOMPARE(filter.rowCount(), 1);
    const QSignalSpy forgotten(&model, &ActivityModel::filesForgotten);
    model.add(sample_event(5, "papers", "vault.locked", "locked"));
    QCOMPARE(forgotten.count(), 1);
    QCOMPARE(filter.rowCount(), 0);
    QCOMPARE(what(4), QStringLiteral("laptop added 1 file or folder"));
    QCOMPARE(what(3), QStringLiteral("laptop changed 4 files or folders"));
    QCOMPARE(what(2), QStringLiteral("laptop deleted walk.jpg"));
    model.add(sample_event(6, "", "daemon.started", "lockstepd started"));
    QCOMPARE(what(3), QStringLiteral("laptop deleted 1 file or folder"));
}

void ModelTest::foldersOfFilesAreFoundInMountsAndMirrors() {
    api::VaultInfo vault = sample_vault("papers");
    vault.mounts.clear();
    const auto mount = [&](const char* directory, const char* path, std::int64_t at_ms) {
        api::MountInfo info;
        info.directory = directory;
        info.path = path;
        info.at_ms = at_ms;
        info.is_mounted = true;
        vault.mounts.push_back(info);
    };
    mount("/past", "", 1);
    mount("/letters", "post/letters", 0);
    QCOMPARE(folder_of(vault, "post/letters/2026"), QStringLiteral("/letters/2026"));
    QCOMPARE(folder_of(vault, "post/letters"), QStringLiteral("/letters"));
    QCOMPARE(folder_of(vault, "post/lettersX"), QString());
    QCOMPARE(folder_of(vault, ""), QString());
    api::MirrorInfo mirror;
    mirror.directory = "/home/ana/Papers";
    vault.mirrors.push_back(mirror);
    QCOMPARE(folder_of(vault, "post"), QStringLiteral("/home/ana/Papers/post"));
    QCOMPARE(folder_of(vault, ""), QStringLiteral("/home/ana/Papers"));
    vault.state = "locked";
    QCOMPARE(folder_of(vault, "post"), QString());
}

void ModelTest::filesUnderWayKeepTheirRows() {
    UnderWayModel model;
    const QAbstractItemModelTester tester(&model,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    const QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
    model.show({{"a", {}, 1000, 1000, 0}, {"b", {}, 0, 0, 0}});
    QCOMPARE(resets.count(), 1);
    QCOMPARE(model.index(0, UnderWayModel::Progress).data().toString(), QStringLiteral("0 % here"));
    QCOMPARE(model.index(0, UnderWayModel::Rate).data().toString(), QString());
    model.show({{"a", {}, 1000, 250, 2048}, {"b", {}, 0, 0, 0}});
    QCOMPARE(resets.count(), 1);
    QCOMPARE(model.index(0, UnderWayModel::Progress).data().toString(),
             QStringLiteral("75 % here"));
    QCOMPARE(model.index(0, UnderWayModel::Rate).data().toString(), rate_text(2048));
    model.show({});
    QCOMPARE(model.rowCount(), 0);
}

void ModelTest::aFolderIsAnotherOnlyWhenSomethingInItIs() {
    api::EntryList list;
    api::EntryInfo entry;
    entry.name = "a";
    entry.type = "file";
    list.entries.push_back(entry);
    const auto before = PastModel::folderEntries("x", list, {});
    QVERIFY(*before == *PastModel::folderEntries("x", list, {}));
    QVERIFY(*before != *PastModel::folderEntries("y", list, {}));
    list.entries[0].size = 7;
    QVERIFY(*before != *PastModel::folderEntries("x", list, {}));
}

void ModelTest::activityIsBounded() {
    ActivityModel model;
    for (int number = 0; number < ActivityModel::kRowsMax + 10; ++number)
        model.add(sample_change(static_cast<std::uint64_t>(number), "papers", "added", {"a", "b"}));
    QCOMPARE(model.eventAt(ActivityModel::kRowsWithFilesMax - 1)->files.size(), std::size_t{2});
    QVERIFY(model.eventAt(ActivityModel::kRowsWithFilesMax)->files.empty());
    QCOMPARE(model.eventAt(ActivityModel::kRowsWithFilesMax)->more, std::uint64_t{2});
    QCOMPARE(model.rowCount(), ActivityModel::kRowsMax);
    QCOMPARE(model.eventAt(0)->sequence, static_cast<std::uint64_t>(ActivityModel::kRowsMax + 9));
}

void ModelTest::activityKnowsWhatItWasTold() {
    ActivityModel model;
    model.add(sample_event(1, "papers", "vault.unlocked", "unlocked"));
    model.add(sample_event(2, "papers", "vault.locked", "locked"));
    // The way to the service was lost, and it tells all that it knows.
    for (std::uint64_t number = 1; number <= 3; ++number)
        model.add(sample_event(number, "papers", "vault.unlocked", "unlocked"));
    QCOMPARE(model.rowCount(), 3);
    model.add(sample_event(9, "", "resync", "events were lost"));
    QCOMPARE(model.rowCount(), 3);
}

namespace {

class CountingModel : public ActivityModel {
  public:
    QVariant data(const QModelIndex& index, int role) const override {
        ++asked;
        return ActivityModel::data(index, role);
    }
    mutable int asked = 0;
};

}  // namespace

// What a step of the scroll bar costs does not grow with what there is.
void ModelTest::aHundredThousandRowsOfActivityScrollAtTheCostOfWhatIsShown() {
    CountingModel model;
    for (int number = 1; number <= ActivityModel::kRowsMax; ++number)
        model.add(sample_change(static_cast<std::uint64_t>(number), "papers", "changed",
                                {"one", "two", "three", "four", "five"}));
    ActivityFilter filter;
    filter.setSourceModel(&model);
    const std::unique_ptr<QTreeView> table(
        make_table(&filter, QStringLiteral("Activity"), nullptr));
    table->resize(600, 400);
    table->show();
    QVERIFY(QTest::qWaitForWindowExposed(table.get()));
    QScrollBar* bar = table->verticalScrollBar();
    QCOMPARE(filter.rowCount(), ActivityModel::kRowsMax);
    for (const int part : {10, 3, 2}) {
        model.asked = 0;
        bar->setValue(bar->maximum() / part);
        QVERIFY(!table->grab().isNull());
        QVERIFY2(model.asked > 0 && model.asked < 5'000, qPrintable(QString::number(model.asked)));
    }
}

void ModelTest::aBlindVaultHoldsForOthers() {
    api::VaultInfo vault = sample_vault("a");
    vault.role = "blind";
    vault.state = "locked";
    vault.mounts.clear();
    VaultView view = view_of(vault);
    QCOMPARE(view.look, Look::UpToDate);
    QCOMPARE(view.headline, QStringLiteral("Holds for others"));
    QCOMPARE(view.action, VaultAction::SetQuota);
    vault.left_out_pack_bytes = 1536;
    QVERIFY(view_of(vault).explanation.contains(QStringLiteral("1.5 KiB")));
    vault.status = "Disconnected";
    view = view_of(vault);
    QCOMPARE(view.look, Look::Disconnected);
    QCOMPARE(view.action, VaultAction::SetQuota);
    vault.status = "Syncing";
    QCOMPARE(view_of(vault).action, VaultAction::Pause);
    QCOMPARE(look_of({vault}), Look::Syncing);
}

void ModelTest::membersWithoutNewsAreNamed() {
    constexpr std::int64_t kDay = 86'400'000;
    api::VaultInfo vault = sample_vault("a");
    api::PeerInfo& peer = vault.peers[0];
    QVERIFY(stale_text(vault, now_ms()).isEmpty());
    peer.is_connected = false;
    peer.last_seen_ms = static_cast<std::uint64_t>(now_ms() - 3 * kDay - 1000);
    QCOMPARE(stale_text(vault, now_ms()), QStringLiteral("Last news from desktop: 3 days ago."));
    QVERIFY(view_of(vault).explanation.contains(QStringLiteral("3 days")));
    QCOMPARE(member_text(peer, now_ms()),
             QStringLiteral("desktop (owner): not connected, last news 3 days ago"));
    peer.last_seen_ms = static_cast<std::uint64_t>(now_ms() - kDay / 2);
    QVERIFY(stale_text(vault, now_ms()).isEmpty());
    peer.last_seen_ms = 0;
    QVERIFY(member_text(peer, now_ms()).contains(QStringLiteral("no news yet")));
    peer.role = "blind";
    peer.audit = "failed";
    QVERIFY(member_text(peer, now_ms()).contains(QStringLiteral("could not show")));
}

void ModelTest::aWeekIsPaintedByMouseAndByKeys() {
    WeekGrid grid;
    grid.resize(grid.sizeHint());
    grid.QWidget::show();
    QVERIFY(QTest::qWaitForWindowExposed(&grid));
    const QSignalSpy changed(&grid, &WeekGrid::changed);
    const auto text = [&] {
        return QString::fromStdString(api::format_hours(api::hours_of(grid.hours())));
    };
    // From Monday's midnight by keys: one hour, and the same on Tuesday's first half hour.
    QTest::keyClick(&grid, Qt::Key_Space);
    QTest::keyClick(&grid, Qt::Key_Right, Qt::ShiftModifier);
    QTest::keyClick(&grid, Qt::Key_Left);
    QTest::keyClick(&grid, Qt::Key_Down, Qt::ShiftModifier);
    QCOMPARE(text(), QStringLiteral("mon 00:00-01:00; tue 00:00-00:30"));
    QCOMPARE(changed.count(), 3);
    QVERIFY(grid.accessibleDescription().contains(QStringLiteral("00:30")));
    grid.show(api::WeekGrid());
    // The mouse draws over the last row, to its end and beyond.
    const QPoint end(grid.width() - 2, grid.height() - 3);
    QTest::mousePress(&grid, Qt::LeftButton, {}, end);
    for (int x = end.x(); x > end.x() - 40; x -= 2) QTest::mouseMove(&grid, QPoint(x, end.y()));
    QVERIFY(grid.isPainting());
    QTest::mouseRelease(&grid, Qt::LeftButton, {}, QPoint(end.x() - 40, end.y()));
    QVERIFY2(text().startsWith(QStringLiteral("sun ")) && text().endsWith(QStringLiteral("-24:00")),
             qPrintable(text()));
    QVERIFY(!grid.isPainting());
    QCOMPARE(changed.count(), 4);
}

void ModelTest::aFolderOfThePastHasFoldersFirstAndDeletedLast() {
    PastModel model;
    const QAbstractItemModelTester tester(&model,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    api::EntryList list;
    list.entries = {{"b.txt", {}, "file", {}, 0644, 2048, 0},
                    {"z", {}, "directory", {}, 0755, 0, 0}};
    list.entries.push_back({"\xef\xbf\xbd", "ff", "file", {}, 0644, 1, 0});
    model.show(PastModel::folderEntries(
        "a", list, {{"gone.txt", {}, "file", 7, 1'795'000'000'000, "desktop"}}));
    QCOMPARE(model.rowCount(), 4);
    QCOMPARE(model.entry(0)->path, std::string("a/z"));
    QCOMPARE(model.index(1, PastModel::Size).data().toString(), QStringLiteral("2.0 KiB"));
    QCOMPARE(model.entry(2)->path, std::string("a/\xff"));  // its exact bytes
    QVERIFY(model.entry(3)->is_deleted);
    QVERIFY(model.index(3, PastModel::What).data().toString().contains(QStringLiteral("desktop")));
    QCOMPARE(model.rowOf("a/b.txt"), 1);
    QCOMPARE(model.rowOf("b.txt"), -1);
    model.show(PastModel::differenceEntries(
        {{"renamed", "file", "new", "old", 1, 1}, {"removed", "file", "x", {}, 0, 9}}));
    QVERIFY(model.index(0, PastModel::What).data().toString().contains(QStringLiteral("old")));
    QCOMPARE(model.entry(1)->size, std::uint64_t{9});
    QCOMPARE(parent_of("a/b/c"), std::string("a/b"));
    QCOMPARE(parent_of("a"), std::string());
}

void ModelTest::aHundredThousandFilesOfThePastAreShown() {
    PastModel model;
    api::EntryList list;
    for (int number = 0; number < 100'000; ++number)
        list.entries.push_back({"file " + std::to_string(number), {}, "file", {}, 0644, 1, 0});
    model.show(PastModel::folderEntries({}, list, {}));
    QTreeView* table = make_table(&model, QStringLiteral("Files"), nullptr);
    table->resize(600, 400);
    table->show();
    table->scrollTo(model.index(99'999, 0));
    QVERIFY(table->visualRect(model.index(99'999, 0)).isValid());
    delete table;
}

void ModelTest::versionsSayWhatBecameOfThem() {
    VersionModel model;
    api::VersionInfo version;
    version.written_by = "desktop";
    version.ended_by = "laptop";
    std::vector<api::VersionInfo> versions;
    for (const char* end : {"shown", "conflict", "replaced", "deleted", "dropped"}) {
        version.end = end;
        versions.push_back(version);
    }
    versions.push_back(version);
    versions.back().is_kept = false;
    model.show(versions);
    QSet<QString> texts;
    for (int row = 0; row < model.rowCount(); ++row)
        texts += model.index(row, VersionModel::End).data().toString();
    QCOMPARE(texts.size(), 6);
    QVERIFY(texts.contains(QStringLiteral("replaced by laptop")));
}

void ModelTest::lockingByItselfIsNews() {
    api::Event event = sample_event(1, "papers", "vault.locked", "locked");
    QVERIFY(!news_of(event).has_value());  // a person did it
    event.subject = "idle";
    const std::optional<NewsItem> item = news_of(event);
    QVERIFY(item.has_value());
    QCOMPARE(item->notice, Notice::Locked);
    QCOMPARE(item->reference, QStringLiteral("papers"));
    event.type = "vault.lock_waits";
    QVERIFY(!news_of(event).has_value());
}

void ModelTest::passphrasesAreJudgedByWhatAGuesserKnows() {
    QCOMPARE(strength_of("password123", {}), Strength::VeryWeak);
    QCOMPARE(strength_of("qwertyuiop", {}), Strength::VeryWeak);
    QCOMPARE(strength_of("familypapers2026", "familypapers"), Strength::VeryWeak);
    QVERIFY(strength_of("correct horse battery staple, seven", {}) >= Strength::Good);
    QCOMPARE(strength_of("f8#kQz!v0Lw2@mXp", {}), Strength::Strong);
    QCOMPARE(strength_of(std::string(100'000, 'a'), {}), Strength::VeryWeak);
}

void ModelTest::linksAreFoundInWhatWasPasted() {
    QCOMPARE(ticket_in(QStringLiteral("lockstep:ABC123")), QStringLiteral("lockstep:ABC123"));
    QCOMPARE(ticket_in(QStringLiteral("  lockstep://ABC\n123/ ")),
             QStringLiteral("lockstep:ABC123"));
    QCOMPARE(ticket_in(QStringLiteral("LOCKSTEP:ABC")), QStringLiteral("lockstep:ABC"));
    for (const char* text : {"", "lockstep:", "ABC123", "https://example.org/lockstep:ABC",
                             "lockstep:AB?c=1", "lockstep:../x"})
        QVERIFY2(!ticket_in(QString::fromLatin1(text)), text);
}

void ModelTest::qrCodesHoldALink() {
    const QString link = QStringLiteral("lockstep:") + QString(400, QLatin1Char('A'));
    const QImage image = qr_image(link);
    QVERIFY(!image.isNull());
    QCOMPARE(image.width(), image.height());
    QCOMPARE(image.pixel(0, 0), qRgb(255, 255, 255));
    // The finder patterns in three corners.
    for (const QPoint corner :
         {QPoint(4, 4), QPoint(image.width() - 5, 4), QPoint(4, image.height() - 5)})
        QCOMPARE(image.pixel(corner), qRgb(0, 0, 0));
    QVERIFY(qr_image(QString(5000, QLatin1Char('A'))).isNull());
}

void ModelTest::autostartIsAFile() {
    QStandardPaths::setTestModeEnabled(false);
    const QTemporaryDir home;
    qputenv("XDG_CONFIG_HOME", home.path().toLocal8Bit());
    QVERIFY(!is_autostarted());
    QVERIFY(set_autostarted(true).ok());
    QVERIFY(is_autostarted());
    QFile file(autostart_file());
    QVERIFY(autostart_file().startsWith(home.path()) && file.open(QIODevice::ReadOnly));
    QVERIFY(file.readAll().contains("Exec=\"" + QCoreApplication::applicationFilePath().toUtf8() +
                                    "\" --tray\n"));
    QVERIFY(set_autostarted(false).ok() && set_autostarted(false).ok());
    QVERIFY(!is_autostarted());
}

void ModelTest::theDesktopFileTakesLinks() {
    const QString name =
        QStringLiteral(LOCKSTEP_SOURCE_DIR "/installers/desktop/lockstep-gui.desktop");
    QVERIFY(QFile::exists(name));
    QSettings entry(name, QSettings::IniFormat);
    entry.beginGroup(QStringLiteral("Desktop Entry"));
    QCOMPARE(entry.value(QStringLiteral("Exec")).toString(), QStringLiteral("lockstep-gui %u"));
    QVERIFY(entry.value(QStringLiteral("MimeType"))
                .toString()
                .startsWith(QStringLiteral("x-scheme-handler/lockstep")));
    QCOMPARE(entry.value(QStringLiteral("Icon")).toString() + QStringLiteral(".desktop"),
             QFileInfo(name).fileName());
}

std::unique_ptr<QObject> make_model_test() {
    return std::make_unique<ModelTest>();
}

}  // namespace lockstep::gui

#include "model_test.moc"
