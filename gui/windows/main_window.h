// The window: vaults, devices, activity, conflicts; or why the daemon does not answer.
#pragma once

#include <QLabel>
#include <QListWidget>
#include <QMainWindow>
#include <QStackedWidget>
#include <QToolButton>

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
    // Of a vault, named by reference_of(), or of one file or folder in it.
    void history(const QString& vault, const std::string& path = {});
    // The files of a vault that have changed within a day, and the versions of each.
    void changes(const QString& vault);
    // In front of everything, whether it was hidden or minimised.
    void present();
    QString selectedVault() const { return vaults_->selected(); }

  Q_SIGNALS:
    void quitWanted();
    void closed();
    // For the first time, and handed over to the display.
    void painted();

  protected:
    void closeEvent(QCloseEvent* event) override;
    bool event(QEvent* event) override;

  private:
    // The vaults are there from the beginning, other pages are made when they are shown first, or
    // one by one when the window is there and has nothing else to do.
    void addPage(const QString& name, const QString& icon_name);
    QWidget* make(Page page);
    QWidget* made(Page page);
    void makeRest();
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
    ActivityModel activity_;
    QLabel *rates_, *limits_, *summary_;
    QToolButton* alternative_;
    bool has_greeted_ = false;
    bool is_painted_ = false;
};

}  // namespace lockstep::gui
