// What can be set for one vault: unlocking by itself, plain folders kept equal to it, its space.
#pragma once

#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QWidget>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class VaultSettings : public QWidget {
    Q_OBJECT

  public:
    explicit VaultSettings(DaemonState& state, QWidget* parent = nullptr);

  private:
    QWidget* makeMirrors();
    QWidget* makeSpace();
    void fillVaults();
    void fill();
    std::string vault() const;
    void addMirror();
    void removeMirror();
    void testIgnored();
    void collect(bool is_dry_run);
    void say(const QString& text);

    DaemonState& state_;
    QComboBox* vaults_;
    QListWidget* mirrors_;
    QLineEdit* ignored_;
    QLabel *unlocks_, *result_;
    QPushButton *add_, *collect_;
    QWidget* content_;
};

}  // namespace lockstep::gui
