// The app's own icons, drawn in the colour of the text around them: no icon theme is needed, and
// light and dark both show them.
#pragma once

#include <QIcon>
#include <QString>

namespace lockstep::gui {

// `name` is a file of resources/icons, without its ending. In the palette's text colour.
// THREADS: the GUI's.
QIcon icon(const QString& name);
// For a tray, whose background is not the palette's.
QIcon icon_in(const QString& name, const QColor& colour);
// As it is, with its own colours.
QIcon app_icon();

}  // namespace lockstep::gui
