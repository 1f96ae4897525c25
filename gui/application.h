// The parts of the app, put together.
#pragma once

#include <QApplication>
#include <QTranslator>
#include <memory>

#include "daemon/api/data_paths.h"
#include "gui/client/daemon_link.h"
#include "gui/client/daemon_starter.h"
#include "gui/client/daemon_state.h"
#include "gui/windows/main_window.h"

namespace lockstep::gui {

// Once per process, before anything else of gui/: resources, and the person's language.
void prepare(QApplication& app);

class Application : public QObject {
    Q_OBJECT

  public:
    Application(const api::DataPaths& paths, std::filesystem::path socket);
    ~Application() override;

    MainWindow& window() { return *window_; }
    DaemonState& state() { return state_; }

  private:
    DaemonLink link_;
    DaemonState state_;
    DaemonStarter starter_;
    std::unique_ptr<MainWindow> window_;
};

}  // namespace lockstep::gui
