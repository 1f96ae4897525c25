// Whether the app begins with the desktop session, in its tray: a file as the desktop's
// specification has it.
#pragma once

#include <QString>

#include "base/result.h"

namespace lockstep::gui {

// $XDG_CONFIG_HOME/autostart/lockstep-gui.desktop
QString autostart_file();
bool is_autostarted();
Status set_autostarted(bool is_on);

}  // namespace lockstep::gui
