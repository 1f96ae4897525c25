// Links that invite: "lockstep:TICKET" or, as browsers make it, "lockstep://TICKET".
#pragma once

#include <QString>
#include <optional>

namespace lockstep::gui {

// The ticket in what somebody pasted or a desktop passed on: white space in it and around it does
// not matter. Nothing when it is no such link. Whether the ticket is a good one the daemon says.
std::optional<QString> ticket_in(const QString& text);

}  // namespace lockstep::gui
