// The ways to pause, as a menu.
#pragma once

#include <QMenu>

#include "gui/client/daemon_state.h"
#include "gui/windows/commands.h"

namespace lockstep::gui {

// Replaces the menu's entries. An empty vault: all vaults.
void fill_pause_menu(QMenu* menu, DaemonState& state, Commands& commands, const QString& vault);

}  // namespace lockstep::gui
