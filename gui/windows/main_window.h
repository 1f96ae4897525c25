// The window: vaults, devices, activity, conflicts; or why the daemon does not answer.
#pragma once

#include <QLabel>
#include <QListWidget>
#include <QMainWindow>
#include <QStackedWidget>

#include "gui/client/daemon_starter.h"
#include "gui/client/daemon_state.h"
#include "gui/client/preferences.h"
#include "gui/windows/activity_page.h"
#include "gui/windows/commands.h"
#include "gui/windows/conflicts_page.h"
#include "gui/windows/devices_page.h"
#include "gui/windows/history_page.h"
#include "gui/windows/vaults_page.h"

namespace lockstep::gui {

class MainWindow : public QMainWindow {
    Q_OBJECT

  public:
    enum class Page { Vaults, Devices, Activity, Conflicts, History };

    MainWindow(DaemonState& state, DaemonStarter& starter, Preferences& preferences,
               QWidget* parent = nullptr);

    Commands& commands() { return commands_; }
    void showPage(Page page);

    void newVault();
    // `link`: what was clicked; may be empty.
    void join(const QString& link);
    void invite(const QString& vault);
    // Answers who asks to join.
    void answer(const QString& invite);
    void settings();
    // Of a vault, named by reference_of().
    void history(const QString& vault);
    // In front of everything, whether it was hidden or minimised.
    void present();
    QString selectedVault() const { return vaults_->selected(); }

  Q_SIGNALS:
    void quitWanted();
    void closed();

  protected:
    void closeEvent(QCloseEvent* event) override;

  private:
    void addPage(QWidget* page, const QString& name, const QString& icon_name);
    void makeMenus();
    void makeStatusBar();
    void fill();
    void greet();

    DaemonState& state_;
    Preferences& preferences_;
    Commands commands_;
    QStackedWidget *whole_, *pages_;
    QListWidget* places_;
    VaultsPage* vaults_;
    DevicesPage* devices_;
    ActivityPage* activity_;
    ConflictsPage* conflicts_;
    HistoryPage* history_;
    QLabel *rates_, *limits_, *summary_;
    bool has_greeted_ = false;
};

}  // namespace lockstep::gui
