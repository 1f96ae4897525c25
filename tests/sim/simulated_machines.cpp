// SimulatedWorld: machines that are put back to a backup, wholly or in part, or copied.
#include "tests/sim/simulated_world.h"

namespace lockstep::sim {

void SimulatedWorld::back_up(SimDevice& device) {
    if (device.has_disk_trouble || device.has_rot) return;
    device.backup = device.vault->disk().clone();
    note(device.label() + " is backed up");
}

// The whole machine is put back to its backup, after what it had published has reached another. It
// hears from that one before it goes on; or not, and its log is forked.
void SimulatedWorld::roll_back(SimDevice& device) {
    SimDevice& keeper = random_device();
    if (!device.backup || &keeper == &device || device.has_disk_trouble || device.has_rot ||
        keeper.has_disk_trouble || keeper.has_rot)
        return;
    // It would not hear what it had written behind the end of its logs.
    if (options_.with_membership) return;
    user_of(device).close_handles();
    publish(device, true);
    exchange_all(keeper, device);
    if (is_wrong()) return;
    reopen(
        device, [&] { return device.vault->restore(*device.backup); }, "its backup is restored");
    if (is_wrong()) return;
    note_positions(device, true);
    had_trouble_ = was_put_back_ = true;
    if (options_.with_forks) {
        is_cloned_ = true;
        return count("fault: rollback that nobody tells of");
    }
    exchange_all(device, keeper);
    count("fault: rollback");
}

// A second machine with the disk of the first goes on under its name.
void SimulatedWorld::fork(SimDevice& device) {
    if (devices_.size() >= kSimDevicesMax || device.has_disk_trouble || device.has_rot) return;
    SimDevice& twin = add_device();
    twin.clock.set_wall_ns(device.clock.wall_ns());
    twin.vault = device.vault->clone(options_.seed * 16 + twin.number, twin.clock);
    is_cloned_ = had_trouble_ = was_put_back_ = true;
    note(device.label() + " is cloned");
    count("fault: clone");
}

// Only the vault's directory is put back (a folder that a sync service or a person restored), while
// the device's own state is not. It says so, and goes on without using a number of its log twice.
void SimulatedWorld::put_directory_back(SimDevice& device) {
    SimDevice& keeper = random_device();
    if (!device.backup || &keeper == &device || device.has_disk_trouble || device.has_rot ||
        keeper.has_disk_trouble || keeper.has_rot || options_.with_membership)
        return;
    user_of(device).close_handles();
    publish(device, true);
    exchange_all(keeper, device);
    if (is_wrong()) return;
    const Frontier before = device.replica().frontier();
    const MemoryDisk& backup = *device.backup;
    reopen(
        device, [&] { return device.vault->put_directory_back(backup); },
        "its vault directory is put back");
    if (is_wrong()) return;
    had_trouble_ = was_put_back_ = true;
    bool is_older = false;
    for (const auto& [log, last] : before)
        is_older = is_older || device.replica().last_of(log).number < last.number;
    const bool is_told = alarms_of(device).find("rollback") != std::string::npos;
    // What was here is known by the index: where that had to be made anew, nobody knows it.
    const bool may_lack_index = options_.with_disk_faults || options_.with_forks;
    if (is_older && !is_told && !may_lack_index)
        return fail(device.label() + ": its directory is older, and nobody says so");
    note_positions(device, true);
    count(is_told ? "fault: old directory with an alarm" : "fault: old directory");
}

}  // namespace lockstep::sim
