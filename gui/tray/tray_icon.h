// The state of everything in one icon, and the most frequent things to do in its menu.
#pragma once

#include <QMenu>
#include <QObject>
#include <QSystemTrayIcon>

#include "gui/client/daemon_state.h"
#include "gui/windows/commands.h"

namespace lockstep::gui {

// The app works without it: some desktops have no tray.
class TrayIcon : public QObject {
    Q_OBJECT

  public:
    TrayIcon(DaemonState& state, Commands& commands, QObject* parent = nullptr);
    ~TrayIcon() override;

    bool isThere() const { return QSystemTrayIcon::isSystemTrayAvailable(); }
    QMenu& menu() { return menu_; }
    // Name of the icon that is shown.
    const QString& shape() const { return shape_; }

  Q_SIGNALS:
    void openWanted();
    void conflictsWanted();
    void activityWanted();
    void settingsWanted();
    void quitWanted();

  private:
    void fill();
    void fillMenu();
    void addVault(const api::VaultInfo& vault);

    DaemonState& state_;
    Commands& commands_;
    QMenu menu_;
    QSystemTrayIcon icon_;
    QString shape_, summary_;
    QString shown_;  // what the menu was made of
};

}  // namespace lockstep::gui
