// The parts of the app, put together.
#pragma once

#include <QApplication>
#include <QTranslator>
#include <memory>

#include "daemon/api/data_paths.h"
#include "gui/client/daemon_link.h"
#include "gui/client/daemon_starter.h"
#include "gui/client/daemon_state.h"
#include "gui/client/preferences.h"
#include "gui/client/single_instance.h"
#include "gui/tray/news.h"
#include "gui/tray/notifier.h"
#include "gui/tray/tray_icon.h"
#include "gui/windows/main_window.h"

namespace lockstep::gui {

// Once per process, before anything else of gui/: resources, and the person's language.
void prepare(QApplication& app);

class Application : public QObject {
    Q_OBJECT

  public:
    Application(const api::DataPaths& paths, std::filesystem::path socket,
                SingleInstance& instance);
    ~Application() override;

    // `wish`: what the app was started for, a link that invites or a history_request(); may be
    // empty. `is_quiet`: only the tray, where there is one.
    void begin(const QString& wish, bool is_quiet);
    // What a second app was started for.
    void open(const QString& wish);

    MainWindow& window() { return *window_; }
    DaemonState& state() { return state_; }

  private:
    // Looks for a tray, which is asked over D-Bus.
    TrayIcon& tray();
    void tellNews(const std::vector<NewsItem>& news);
    void choose(const NewsItem& item);
    void askToQuit();
    // Of a file, named as find_place() takes it; when the service answers.
    void showHistory(const QString& place);

    Preferences preferences_;
    SingleInstance& instance_;
    DaemonLink link_;
    DaemonState state_;
    DaemonStarter starter_;
    News news_;
    Notifier notifier_;
    QString wanted_history_;  // until the service answers
    std::unique_ptr<MainWindow> window_;
    std::unique_ptr<TrayIcon> tray_;  // made when the window is there, or in its place
};

}  // namespace lockstep::gui
