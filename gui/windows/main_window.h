// The window: vaults, devices, activity, conflicts; or why the daemon does not answer.
#pragma once

#include <QLabel>
#include <QListWidget>
#include <QMainWindow>
#include <QStackedWidget>

#include "gui/client/daemon_starter.h"
#include "gui/client/daemon_state.h"
#include "gui/windows/activity_page.h"
#include "gui/windows/commands.h"
#include "gui/windows/devices_page.h"
#include "gui/windows/vaults_page.h"

namespace lockstep::gui {

class MainWindow : public QMainWindow {
    Q_OBJECT

  public:
    enum class Page { Vaults, Devices, Activity };

    MainWindow(DaemonState& state, DaemonStarter& starter, QWidget* parent = nullptr);

    Commands& commands() { return commands_; }
    void showPage(Page page);

    void newVault();
    // `link`: what was clicked; may be empty.
    void join(const QString& link);
    void invite(const QString& vault);
    // Answers who asks to join.
    void answer(const QString& invite);

  private:
    void addPage(QWidget* page, const QString& name, const QString& icon_name);
    void makeMenus();
    void makeStatusBar();
    void fill();
    void greet();

    DaemonState& state_;
    Commands commands_;
    QStackedWidget *whole_, *pages_;
    QListWidget* places_;
    VaultsPage* vaults_;
    DevicesPage* devices_;
    ActivityPage* activity_;
    QLabel *rates_, *limits_, *summary_;
    bool has_greeted_ = false;
};

}  // namespace lockstep::gui
