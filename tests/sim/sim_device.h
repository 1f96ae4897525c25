// A device of the simulation: a real vault on a disk in memory, with a clock of its own and what
// the simulation notes about it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/content_ledger.h"
#include "tests/support/vault_device.h"
#include "vault/core/vault_replica.h"

namespace lockstep::sim {

struct OpenHandle {
    HandleId id = 0;
    NodeId node = 0;
    // The last name of the file was removed on this device: what is written from then on may go.
    bool is_severed = false;
};

// How often something happened: "edit: write", "fault: power cut", "merge: write / delete".
using Counters = std::map<std::string, std::uint64_t>;

struct SimDevice {
    SimDevice(std::size_t device_number, const std::string& label, std::uint64_t seed)
        : number(device_number),
          vault(std::make_unique<VaultDevice>(label, seed, clock, quick_stretcher())) {}

    FileSystem& files() { return vault->vault().files(); }
    VaultReplica& replica() { return dynamic_cast<VaultReplica&>(*vault->vault().replica()); }
    DeviceId id() { return replica().device(); }
    const std::string& label() const { return vault->label(); }

    std::size_t number;
    FakeClock clock;
    std::unique_ptr<VaultDevice> vault;
    std::vector<OpenHandle> handles;
    // Faults of the disk may be the reason when something fails.
    bool has_disk_trouble = false;
    bool has_rot = false;  // an object of this device is damaged
    std::unique_ptr<MemoryDisk> backup;
    std::uint64_t backup_step = 0;
    Frontier high_water;  // greatest position of each log ever seen here
};

}  // namespace lockstep::sim
