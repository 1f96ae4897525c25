// What a person may set, each change told to the daemon at once.
#pragma once

#include <QDialog>
#include <QFormLayout>
#include <QLabel>
#include <QSet>
#include <QTabWidget>
#include <functional>

#include "gui/client/daemon_state.h"
#include "gui/client/preferences.h"
#include "gui/windows/commands.h"

namespace lockstep::gui {

class SettingsDialog : public QDialog {
    Q_OBJECT

  public:
    SettingsDialog(DaemonState& state, Commands& commands, Preferences& preferences,
                   QWidget* parent = nullptr);

    // For tests and screenshots: as if the daemon had said this.
    void show(const api::ConfigList& config);
    using QDialog::show;

    // Writes a bundle that names nothing to a new file, and says so below the tabs.
    void saveDiagnostics(const QString& file);

  private:
    QWidget* makeGeneral();
    QWidget* makeNetwork();
    QWidget* makeAdvanced();
    QLayout* makeHelp(QWidget* page);
    // Widgets that show one value of the daemon's configuration.
    void addFlag(QFormLayout* form, const QString& text, const QString& key);
    void addNumber(QFormLayout* form, const QString& text, const QString& key, int most,
                   const QString& unit, const QString& none);
    void addWeek(QFormLayout* form, const QString& key);
    void askConfig();
    void set(const QString& key, const QString& value);
    void say(const Error& error);
    void say(const QString& text);

    DaemonState& state_;
    Commands& commands_;
    Preferences& preferences_;
    QTabWidget* tabs_;
    QLabel *failure_, *config_path_;
    QSet<QString> edited_;  // keys that the person has changed and not yet left
    // How to show each value, by key.
    std::map<QString, std::function<void(const QString&)>> fields_;
};

}  // namespace lockstep::gui
