// A simulation of several devices with one vault, from one seed: edits on few names, partial
// exchange, partitions, kills and power cuts that lose what was not synced. Real vaults; disks,
// clock and randomness are the test's.
//
// Oracles, checked at the end after everything has healed:
//   * convergence: all devices show the same tree;
//   * no lost bytes: content that was published, or synced, and that nobody replaced or deleted
//   having seen it,
//     is shown somewhere;
//   * nothing is damaged, and no directory shows a name twice.
// The same seed gives the same trace.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/vault_device.h"

namespace lockstep {

struct SimulationCounts {
    std::uint64_t writes = 0, removes = 0, renames = 0, syncs = 0, publishes = 0, pulls = 0,
                  crashes = 0, kills = 0;
    std::uint64_t conflicts = 0;  // at the end
};

class SimulatedWorld {
  public:
    // `devices`: 2 to 4.
    SimulatedWorld(std::uint64_t seed, std::size_t devices);

    // Empty when everything held; else what did not, for a person.
    std::string run(std::size_t steps);
    // What happened, one line an event; a function of the seed.
    const std::vector<std::string>& trace() const { return trace_; }
    const SimulationCounts& counts() const { return counts_; }

  private:
    struct Device {
        std::unique_ptr<VaultDevice> vault;
        std::set<std::string> unsafe;  // contents written here that a power cut may still take
    };

    std::string found();
    std::string step();
    std::string write(Device& device);
    std::string remove(Device& device);
    std::string rename(Device& device);
    std::string sync(Device& device);
    std::string publish(Device& device);
    std::string pull();
    std::string crash(Device& device);
    std::string kill(Device& device);
    std::string settle();
    std::string check_converged();
    std::string check_nothing_lost();
    // What the device shows at `path` counts as replaced by somebody who has seen it.
    // False when it cannot be told, because the content has not arrived: then the edit is left out.
    bool give_up(Device& device, const std::string& path);
    bool give_up_below(Device& device, const std::string& path);
    std::string random_path();
    Device& random_device() { return devices_[random_.below(devices_.size())]; }
    void note(std::string line) { trace_.push_back(std::move(line)); }

    FakeClock clock_;
    SeededRandom random_;
    std::uint64_t seed_;
    std::vector<Device> devices_;
    std::set<std::pair<std::size_t, std::size_t>> cut_;  // pairs that cannot reach each other
    std::set<std::string> written_;                      // every content, by its first line
    std::set<std::string> given_up_;
    std::vector<std::string> trace_;
    SimulationCounts counts_;
    std::uint64_t next_content_ = 1;
};

}  // namespace lockstep
