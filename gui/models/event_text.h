// What the service says of an event, in the language of whoever reads it. The service's sentences
// are English; those it makes of a pattern are known here by it, the others stay as they are.
#pragma once

#include <QString>

namespace lockstep::gui {

// REQUIRES: the GUI thread, or translations that nobody changes meanwhile
QString event_text(const QString& message);

}  // namespace lockstep::gui
