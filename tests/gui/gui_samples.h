// A daemon's answers as tests and screenshots need them: vaults in every state, devices, events.
#pragma once

#include <string>
#include <vector>

#include "daemon/api/messages.h"

namespace lockstep::gui {

// Up to date, with one other device that is connected, shown in a folder.
api::VaultInfo sample_vault(const std::string& name);
// A vault in each of the states that a person tells apart.
api::StatusReport sample_status();
api::DeviceList sample_devices();
api::Event sample_event(std::uint64_t number, const std::string& vault, const std::string& type,
                        const std::string& message);
// What this laptop did to files, by a kind of DifferenceInfo.
api::Event sample_change(std::uint64_t number, const std::string& vault, const std::string& kind,
                         const std::vector<std::string>& paths);

}  // namespace lockstep::gui
