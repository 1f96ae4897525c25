// One who has all keys and reads everything that a device holds: to compare what devices show with
// the reference model, and to tell which conflicts a simulation met.
#pragma once

#include <map>
#include <set>
#include <string>

#include "tests/sim/sim_device.h"
#include "tests/support/reference_view.h"
#include "vault/keys/key_state.h"

namespace lockstep::sim {

struct WitnessedSegment {
    SegmentRef ref;
    DeviceId device;
    Frontier frontier;
    std::vector<Record> records;
};

class Witness {
  public:
    // Reads the segments of the device's frontier, as far as they count.
    static Result<std::unique_ptr<Witness>> of(SimDevice& device);
    ~Witness();

    const std::vector<WitnessedSegment>& segments() const { return segments_; }
    const reference::View& view() const { return *view_; }
    const KeyState& keys() const { return *keys_; }
    // How many hops of directory moves the replay skipped, because they would have made cycles.
    std::uint64_t skipped_moves() const;

    // What a device shows, as lines that two devices in step have in common: path, type, content,
    // attributes. `contents` learns which content root stands for which bytes.
    struct Shown {
        std::map<std::string, std::string> entries;
        std::map<std::string, std::string> bytes;  // files and symlinks: path → content
        std::set<std::string> with_holes;          // files
        std::string wrong;                         // empty when nothing is
    };
    static Shown shown_by(SimDevice& device);
    // The first path that the two show differently, and how.
    static std::string first_difference(const Shown& before, const Shown& after);
    // How what a device shows differs from the model; empty when it does not.
    std::string difference(const Shown& shown) const;

  private:
    struct Ids;
    Witness() = default;
    std::unique_ptr<KeyState> keys_;
    std::unique_ptr<Ids> ids_;
    std::vector<WitnessedSegment> segments_;
    std::unique_ptr<reference::View> view_;
};

}  // namespace lockstep::sim
