// What can be set for one vault: what is kept of it here and of its past, its space, plain folders
// kept equal to it and what they ignore.
#pragma once

#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QTabWidget>
#include <QWidget>

#include "gui/client/daemon_state.h"
#include "gui/windows/vault_content.h"

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
    void collect(bool is_dry_run);
    void say(const QString& text);

    DaemonState& state_;
    QComboBox* vaults_;
    QListWidget* mirrors_;
    QLabel *unlocks_, *result_;
    QPushButton *add_, *rules_, *collect_;
    QWidget* content_;
    QTabWidget* parts_;
    VaultContent* kept_;
};

}  // namespace lockstep::gui
