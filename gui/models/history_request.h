// "Show the history of this file", as the command line and a second start of the app say it.
#pragma once

#include <QString>
#include <optional>
#include <vector>

#include "daemon/api/vault_place.h"

namespace lockstep::gui {

// `place`: "V:PATH", "V", or a path of this machine that begins with "/", "./" or "../". One line,
// for SingleInstance; relative paths are made absolute.
QString history_request(const QString& place);
// The place in such a line; nothing when it is another one.
std::optional<QString> place_in(const QString& request);
// Nothing when no vault of that name is there, or no mount or mirror holds that path.
std::optional<api::VaultPlace> find_place(const std::vector<api::VaultInfo>& vaults,
                                          const QString& place);

}  // namespace lockstep::gui
