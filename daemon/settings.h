// The settings that `config get` and `config set` know, by key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/api/config.h"

namespace lockstep {

struct Setting {
    std::string_view key;  // "network.limit_up"
    std::string (*show)(const api::Config& config);
    // Invalid, saying what it must be. Changes nothing then.
    Status (*change)(api::Config& config, const std::string& value);
    // Else from the next start of the daemon.
    bool counts_at_once = true;
};

const std::vector<Setting>& settings();

// Invalid, naming the keys there are, when there is no such setting.
Status change_setting(api::Config& config, const std::string& key, const std::string& value);

}  // namespace lockstep
