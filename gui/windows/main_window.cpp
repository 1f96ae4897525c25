#include "gui/windows/main_window.h"

#include <QCloseEvent>
#include <QHBoxLayout>
#include <QMenuBar>
#include <QStatusBar>
#include <QTimer>
#include <QVBoxLayout>
#include <utility>

#include "gui/models/text.h"
#include "gui/models/vault_view.h"
#include "gui/widgets/icons.h"
#include "gui/windows/invite_dialog.h"
#include "gui/windows/not_running_page.h"
#include "gui/windows/pause_menu.h"
#include "gui/windows/settings_dialog.h"
#include "gui/windows/setup_wizard.h"

namespace lockstep::gui {

MainWindow::MainWindow(DaemonState& state, DaemonStarter& starter, Preferences& preferences,
                       QWidget* parent)
    : QMainWindow(parent),
      state_(state),
      preferences_(preferences),
      commands_(state, preferences, this),
      whole_(new QStackedWidget(this)),
      pages_(new QStackedWidget(whole_)),
      places_(new QListWidget(whole_)) {
    setWindowTitle(tr("Lockstep"));
    setWindowIcon(app_icon());
    if (!restoreGeometry(preferences_.windowPlace())) resize(1100, 640);
    vaults_ = new VaultsPage(state_, commands_);
    places_->setAccessibleName(tr("Pages"));
    places_->setObjectName(QStringLiteral("places"));
    addPage(tr("Vaults"), QStringLiteral("vault"));
    addPage(tr("Devices"), QStringLiteral("device"));
    addPage(tr("Activity"), QStringLiteral("activity"));
    addPage(tr("Conflicts"), QStringLiteral("state-conflict"));
    addPage(tr("History"), QStringLiteral("history"));
    connect(places_, &QListWidget::currentRowChanged, this,
            [this](int row) { pages_->setCurrentWidget(made(static_cast<Page>(row))); });
    connect(&state_, &DaemonState::happened, this,
            [this](const api::Event& event) { activity_.add(event); });
    places_->setCurrentRow(0);
    places_->setMaximumWidth(places_->sizeHintForColumn(0) + 40);
    auto* normal = new QWidget(whole_);
    auto* row = new QHBoxLayout(normal);
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(places_);
    row->addWidget(pages_, 1);
    whole_->addWidget(normal);
    whole_->addWidget(new NotRunningPage(state_, starter, whole_));
    setCentralWidget(whole_);
    connect(vaults_, &VaultsPage::newVaultWanted, this, &MainWindow::newVault);
    connect(vaults_, &VaultsPage::joinWanted, this, [this] { join({}); });
    connect(&commands_, &Commands::inviteWanted, this, &MainWindow::invite);
    connect(&commands_, &Commands::conflictsWanted, this, [this] {
        showPage(Page::Conflicts);
        present();
    });
    connect(&commands_, &Commands::historyWanted, this,
            [this](const QString& vault) { history(vault); });
    connect(&commands_, &Commands::fileHistoryWanted, this, &MainWindow::history);
    makeMenus();
    makeStatusBar();
    connect(&state_, &DaemonState::statusChanged, this, &MainWindow::fill);
    connect(&state_, &DaemonState::linkChanged, this, &MainWindow::fill);
    fill();
}

void MainWindow::addPage(const QString& name, const QString& icon_name) {
    auto* place = new QWidget(pages_);
    (new QVBoxLayout(place))->setContentsMargins(0, 0, 0, 0);
    pages_->addWidget(place);
    new QListWidgetItem(icon(icon_name), name, places_);
}

QWidget* MainWindow::make(Page page) {
    switch (page) {
        case Page::Vaults:
            return vaults_;
        case Page::Devices: {
            auto* devices = new DevicesPage(state_, commands_);
            connect(devices, &DevicesPage::requestWanted, this, &MainWindow::answer);
            return devices;
        }
        case Page::Activity: {
            auto* activity = new ActivityPage(state_, commands_, activity_);
            connect(activity, &ActivityPage::changesWanted, this, &MainWindow::changes);
            return activity;
        }
        case Page::Conflicts:
            return new ConflictsPage(state_);
        case Page::History:
            return new HistoryPage(state_);
    }
    return nullptr;
}

QWidget* MainWindow::made(Page page) {
    QWidget* place = pages_->widget(static_cast<int>(page));
    if (place->layout()->isEmpty()) place->layout()->addWidget(make(page));
    return place;
}

void MainWindow::makeRest() {
    for (int row = 0; row < pages_->count(); ++row) {
        if (!pages_->widget(row)->layout()->isEmpty()) continue;
        made(static_cast<Page>(row));
        return QTimer::singleShot(0, this, &MainWindow::makeRest);
    }
}

bool MainWindow::event(QEvent* event) {
    if (event->type() == QEvent::Paint && !std::exchange(is_painted_, true)) {
        // When the event that all of the window is painted in has ended.
        QTimer::singleShot(0, this, &MainWindow::painted);
        QTimer::singleShot(0, this, &MainWindow::makeRest);
    }
    return QMainWindow::event(event);
}

void MainWindow::showPage(Page page) {
    places_->setCurrentRow(static_cast<int>(page));
}

void MainWindow::newVault() {
    (new SetupWizard(state_, SetupWizard::Kind::NewVault, {}, this))->open();
}

void MainWindow::join(const QString& link) {
    (new SetupWizard(state_, SetupWizard::Kind::Join, link, this))->open();
}

void MainWindow::invite(const QString& vault) {
    (new InviteDialog(state_, vault, this))->open();
}

void MainWindow::answer(const QString& invite) {
    InviteDialog::forRequest(state_, invite, this)->open();
}

void MainWindow::settings() {
    (new SettingsDialog(state_, commands_, preferences_, this))->open();
}

void MainWindow::history(const QString& vault, const std::string& path) {
    showPage(Page::History);
    made(Page::History)->findChild<HistoryPage*>()->open(vault, path, path.empty());
    present();
}

void MainWindow::changes(const QString& vault) {
    constexpr std::int64_t kDayMs = 86'400'000;
    showPage(Page::History);
    made(Page::History)->findChild<HistoryPage*>()->openChanges(vault, now_ms() - kDayMs);
}

void MainWindow::present() {
    setWindowState(windowState() & ~Qt::WindowMinimized);
    show();
    raise();
    activateWindow();
    if (state_.linkState() == DaemonState::Link::Connected) greet();
}

void MainWindow::closeEvent(QCloseEvent* event) {
    preferences_.setWindowPlace(saveGeometry());
    QMainWindow::closeEvent(event);
    Q_EMIT closed();
}

void MainWindow::greet() {
    if (has_greeted_ || !isVisible()) return;
    has_greeted_ = true;
    if (state_.status().vaults.empty())
        (new SetupWizard(state_, SetupWizard::Kind::FirstRun, {}, this))->open();
}

void MainWindow::makeMenus() {
    QMenu* file = menuBar()->addMenu(tr("&Vault"));
    file->addAction(icon(QStringLiteral("add")), tr("&New vault…"), QKeySequence::New, this,
                    &MainWindow::newVault);
    file->addAction(icon(QStringLiteral("join")), tr("&Join a vault…"), this, [this] { join({}); });
    file->addSeparator();
    file->addAction(icon(QStringLiteral("folder")), tr("&Open folder"), QKeySequence::Open, this,
                    [this] { commands_.openFolder(vaults_->selected()); });
    file->addAction(icon(QStringLiteral("unlock")), tr("&Unlock…"), this,
                    [this] { commands_.unlock(vaults_->selected()); });
    file->addAction(icon(QStringLiteral("state-locked")), tr("&Lock"),
                    QKeySequence(Qt::CTRL | Qt::Key_L), this,
                    [this] { commands_.lock(vaults_->selected()); });
    file->addAction(tr("Lock &all"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_L), &commands_,
                    &Commands::lockAll);
    file->addAction(icon(QStringLiteral("invite")), tr("&Invite a device…"),
                    QKeySequence(Qt::CTRL | Qt::Key_I), this,
                    [this] { invite(vaults_->selected()); });
    file->addAction(icon(QStringLiteral("history")), tr("&History"),
                    QKeySequence(Qt::CTRL | Qt::Key_H), this,
                    [this] { history(vaults_->selected()); });
    QMenu* pause = file->addMenu(icon(QStringLiteral("state-paused")), tr("&Pause"));
    connect(pause, &QMenu::aboutToShow, this,
            [this, pause] { fill_pause_menu(pause, state_, commands_, vaults_->selected()); });
    file->addSeparator();
    file->addAction(tr("Show as a &folder…"), this,
                    [this] { commands_.mount(vaults_->selected()); });
    file->addAction(tr("Take the folder a&way"), this,
                    [this] { commands_.unmount(vaults_->selected()); });
    file->addAction(tr("&Check"), this, [this] { commands_.check(vaults_->selected()); });
    file->addAction(tr("&Take off the list…"), this,
                    [this] { commands_.remove(vaults_->selected()); });
    file->addSeparator();
    file->addAction(icon(QStringLiteral("settings")), tr("&Settings…"), QKeySequence::Preferences,
                    this, &MainWindow::settings);
    file->addAction(tr("&Close the window"), QKeySequence::Close, this, &QWidget::close);
    file->addAction(tr("&Quit…"), QKeySequence::Quit, this, &MainWindow::quitWanted);
    QMenu* view = menuBar()->addMenu(tr("&Show"));
    for (int row = 0; row < places_->count(); ++row)
        view->addAction(places_->item(row)->icon(), places_->item(row)->text(),
                        QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + row)), this,
                        [this, row] { places_->setCurrentRow(row); });
}

void MainWindow::makeStatusBar() {
    summary_ = new QLabel(this);
    rates_ = new QLabel(this);
    limits_ = new QLabel(this);
    alternative_ = new QToolButton(this);
    alternative_->setObjectName(QStringLiteral("alternativeLimits"));
    alternative_->setText(tr("Other limits"));
    alternative_->setCheckable(true);
    // Not the click but what the service says switches it.
    connect(alternative_, &QToolButton::clicked, this, [this](bool is_on) {
        alternative_->setChecked(!is_on);
        commands_.setAlternativeLimits(is_on);
    });
    statusBar()->addWidget(summary_, 1);
    statusBar()->addPermanentWidget(alternative_);
    statusBar()->addPermanentWidget(limits_);
    statusBar()->addPermanentWidget(rates_);
}

void MainWindow::fill() {
    const bool is_connected = state_.linkState() == DaemonState::Link::Connected;
    whole_->setCurrentIndex(is_connected ? 0 : 1);
    menuBar()->setEnabled(is_connected);
    statusBar()->setVisible(is_connected);
    if (!is_connected) return;
    greet();
    const api::StatusReport& status = state_.status();
    std::uint64_t down = 0, up = 0;
    for (const api::VaultInfo& vault : status.vaults) {
        down += vault.receive_rate;
        up += vault.send_rate;
    }
    summary_->setText(status.vaults.empty() ? QString() : look_text(look_of(status.vaults)));
    rates_->setText(tr("%1 down, %2 up").arg(rate_text(down), rate_text(up)));
    const auto limit = [](std::uint64_t rate) { return rate == 0 ? tr("none") : rate_text(rate); };
    limits_->setVisible(status.limit_down + status.limit_up > 0);
    limits_->setText(
        tr("Limits: %1 down, %2 up").arg(limit(status.limit_down), limit(status.limit_up)));
    alternative_->setChecked(status.has_alternative_limits);
    alternative_->setToolTip(
        tr("While it is on, these limits count: %1 down, %2 up. It goes on and off by the hours in "
           "the settings, too; what is switched here counts until they say the same.")
            .arg(limit(status.alternative_down), limit(status.alternative_up)));
}

}  // namespace lockstep::gui
