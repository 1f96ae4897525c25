// What open_vault_history.cpp and open_vault_past.cpp both know.
#pragma once

#include <string_view>

namespace lockstep {

// The vault's own attribute of the root directory (vault/FORMAT.md).
inline constexpr std::string_view kHistoryCutXattr = "lockstep.history-cut";

}  // namespace lockstep
