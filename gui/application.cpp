#include "gui/application.h"

#include <QLibraryInfo>
#include <QLocale>
#include <QMessageBox>
#include <QPushButton>
#include <QTimer>
#include <utility>

#include "gui/models/history_request.h"
#include "gui/models/join_link.h"
#include "gui/widgets/icons.h"

// Outside of any namespace, as Qt asks.
static void lockstep_init_resources() {
    Q_INIT_RESOURCE(resources);
    Q_INIT_RESOURCE(translations);
}

namespace lockstep::gui {

namespace {

constexpr std::chrono::seconds kTrayDelay{2};

}  // namespace

void prepare(QApplication& app) {
    lockstep_init_resources();
    QApplication::setApplicationName(QStringLiteral("lockstep-gui"));
    QApplication::setApplicationDisplayName(QStringLiteral("Lockstep"));
    QApplication::setDesktopFileName(QStringLiteral("lockstep-gui"));
    QApplication::setWindowIcon(app_icon());
    const auto add = [&app](const QLocale& locale, const char* name, const QString& place) {
        auto* translator = new QTranslator(&app);
        if (translator->load(locale, QLatin1String(name), QStringLiteral("_"), place))
            QApplication::installTranslator(translator);
    };
    const QString ours = QStringLiteral(":/translations");
    // Qt's own words, on buttons and in file dialogs: ours where its translations are not
    // installed.
    add(QLocale(), "qt", ours);
    add(QLocale(), "qtbase", QLibraryInfo::path(QLibraryInfo::TranslationsPath));
    // English first: it has the plurals; then the person's language over it.
    add(QLocale(QLocale::English), "lockstep", ours);
    add(QLocale(), "lockstep", ours);
}

Application::Application(const api::DataPaths& paths, std::filesystem::path socket,
                         SingleInstance& instance)
    : preferences_(paths.config_directory / "gui.conf"),
      instance_(instance),
      link_(std::move(socket)),
      state_(link_),
      starter_(paths),
      window_(std::make_unique<MainWindow>(state_, starter_, preferences_)) {
    connect(&instance_, &SingleInstance::started, this, &Application::open);
    connect(&notifier_, &Notifier::chosen, this, &Application::choose);
    connect(&state_, &DaemonState::statusChanged, this,
            [this] { tellNews(news_.compare(state_.status().vaults)); });
    connect(&state_, &DaemonState::statusChanged, this, [this] {
        if (!wanted_history_.isEmpty()) showHistory(std::exchange(wanted_history_, {}));
    });
    connect(&state_, &DaemonState::devicesChanged, this,
            [this] { tellNews(news_.compare(state_.devices().devices)); });
    connect(&state_, &DaemonState::happened, this, [this](const api::Event& event, bool is_past) {
        if (is_past) return;
        if (const std::optional<NewsItem> item = news_of(event)) tellNews({*item});
    });
    connect(window_.get(), &MainWindow::quitWanted, this, &Application::askToQuit);
    connect(window_.get(), &MainWindow::closed, this, [this] {
        // Without a tray nothing would bring the window back.
        if (!tray().isThere()) QApplication::quit();
    });
}

Application::~Application() = default;

TrayIcon& Application::tray() {
    if (tray_ != nullptr) return *tray_;
    tray_ = std::make_unique<TrayIcon>(state_, window_->commands());
    const auto show = [this](MainWindow::Page page) {
        window_->showPage(page);
        window_->present();
    };
    connect(tray_.get(), &TrayIcon::openWanted, window_.get(), &MainWindow::present);
    connect(tray_.get(), &TrayIcon::conflictsWanted, this,
            [show] { show(MainWindow::Page::Conflicts); });
    connect(tray_.get(), &TrayIcon::activityWanted, this,
            [show] { show(MainWindow::Page::Activity); });
    connect(tray_.get(), &TrayIcon::settingsWanted, window_.get(), &MainWindow::settings);
    connect(tray_.get(), &TrayIcon::quitWanted, this, &Application::askToQuit);
    return *tray_;
}

void Application::begin(const QString& wish, bool is_quiet) {
    QApplication::setQuitOnLastWindowClosed(false);
    instance_.listen();
    if (!is_quiet || !tray().isThere()) window_->present();
    // Behind the first frame; soon all the same where nothing is painted, on another workspace.
    connect(window_.get(), &MainWindow::painted, this, [this] { tray(); });
    QTimer::singleShot(kTrayDelay, this, [this] { tray(); });
    if (!wish.isEmpty()) open(wish);
}

void Application::open(const QString& wish) {
    window_->present();
    if (const std::optional<QString> place = place_in(wish)) return showHistory(*place);
    if (const std::optional<QString> ticket = ticket_in(wish)) window_->join(*ticket);
}

void Application::showHistory(const QString& place) {
    if (state_.linkState() != DaemonState::Link::Connected) {
        wanted_history_ = place;
        return;
    }
    const std::optional<api::VaultPlace> found = find_place(state_.status().vaults, place);
    const api::VaultInfo* vault =
        found ? state_.vault(QString::fromStdString(found->vault)) : nullptr;
    if (vault != nullptr)
        return window_->history(QString::fromStdString(reference_of(*vault)), found->path);
    window_->commands().showError(tr("This is in no vault that is unlocked here."),
                                  {ErrorKind::NotFound, place.toStdString()});
}

void Application::tellNews(const std::vector<NewsItem>& news) {
    for (const NewsItem& item : news)
        if (preferences_.wants(item.notice)) notifier_.show(item);
}

void Application::choose(const NewsItem& item) {
    window_->present();
    switch (item.notice) {
        case Notice::Request:
            return window_->answer(item.reference);
        case Notice::Conflict:
            return window_->showPage(MainWindow::Page::Conflicts);
        case Notice::Brake:
            return window_->commands().reviewDeletes(item.reference);
        case Notice::FirstSync:
            return window_->commands().openFolder(item.reference);
        case Notice::Locked:
            return window_->commands().unlock(item.reference);
        case Notice::Problem:
            return window_->showPage(MainWindow::Page::Vaults);
    }
}

void Application::askToQuit() {
    if (state_.linkState() != DaemonState::Link::Connected) return QApplication::quit();
    auto* box = new QMessageBox(QMessageBox::Question, tr("Quit Lockstep"),
                                tr("Shall your vaults be kept in step all the same?"),
                                QMessageBox::Cancel, window_.get());
    box->setObjectName(QStringLiteral("quit"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(
        tr("The service can go on without this app. When it ends, vaults are locked and their "
           "folders are empty until it starts again."));
    QPushButton* keep = box->addButton(tr("&Go on syncing"), QMessageBox::AcceptRole);
    const QPushButton* stop =
        box->addButton(tr("&Stop the service, too"), QMessageBox::DestructiveRole);
    box->setDefaultButton(keep);
    connect(keep, &QPushButton::clicked, this, [] { QApplication::quit(); });
    connect(stop, &QPushButton::clicked, this, [this] {
        starter_.stop();
        QApplication::quit();
    });
    box->open();
}

}  // namespace lockstep::gui
