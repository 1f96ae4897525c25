// SimulatedWorld: what goes wrong with one device: kills, power cuts, its disk and its clock.
#include <algorithm>

#include "tests/sim/simulated_world.h"

namespace lockstep::sim {

void SimulatedWorld::lock_and_unlock(SimDevice& device) {
    if (device.has_disk_trouble || device.has_rot) return;
    Vault& vault = device.vault->vault();
    user_of(device).close_handles();
    Status locked = vault.lock(true);
    note(device.label() + " locks");
    if (!locked.ok()) return fail(device.label() + ": lock: " + locked.error().message);
    count("lock");
    note_published(device);
    // Objects arrive all the same.
    SimDevice& other = random_device();
    if (!other.has_disk_trouble && !other.has_rot &&
        network_.can_reach(device.number, other.number))
        exchange_all(device, other);
    Status unlocked = vault.unlock_with_stored_key();
    if (!unlocked.ok() && !removed_.contains(device.number))
        fail(device.label() + ": unlock: " + unlocked.error().message);
}

void SimulatedWorld::kill(SimDevice& device) {
    count("fault: kill");
    reopen(
        device, [&] { return device.vault->kill_and_reopen(); }, "a kill");
}

void SimulatedWorld::cut_power_now(SimDevice& device) {
    count("fault: power cut");
    const std::uint64_t seed = random_.u64();
    reopen(
        device,
        [&] {
            return options_.is_calm ? device.vault->lose_power()
                                    : device.vault->crash_and_reopen(seed);
        },
        "a power cut");
}

void SimulatedWorld::cut_power_later(SimDevice& device) {
    device.has_disk_trouble = had_trouble_ = true;
    device.vault->disk().power_off_at(random_.below(60));
    note(device.label() + ": the power will fail");
}

void SimulatedWorld::fail_disk(SimDevice& device) {
    const ErrorKind kind = random_.chance(50) ? ErrorKind::Io : ErrorKind::NoSpace;
    std::optional<DiskCall::Kind> only;
    if (random_.chance(20)) only = DiskCall::Kind::Read;
    if (random_.chance(20)) only = DiskCall::Kind::Sync;
    device.has_disk_trouble = had_trouble_ = true;
    device.vault->disk().fail_call(random_.below(30),
                                   only == DiskCall::Kind::Read ? ErrorKind::Io : kind, only);
    note(device.label() + ": a call of the disk will fail");
    count(kind == ErrorKind::Io ? "fault: EIO" : "fault: ENOSPC");
}

void SimulatedWorld::shorten_write(SimDevice& device) {
    device.has_disk_trouble = had_trouble_ = true;
    device.vault->disk().fail_write_short(random_.below(10),
                                          random_.chance(50) ? ErrorKind::Io : ErrorKind::NoSpace);
    note(device.label() + ": a write will be short");
    count("fault: short write");
}

void SimulatedWorld::fill_disk(SimDevice& device) {
    device.has_disk_trouble = had_trouble_ = true;
    device.vault->disk().set_full(true);
    note(device.label() + ": the disk is full");
    count("fault: full disk");
}

void SimulatedWorld::heal_disk(SimDevice& device) {
    if (!device.has_disk_trouble) return;
    device.vault->disk().clear_failures();
    device.vault->disk().set_full(false);
    device.has_disk_trouble = false;
    note(device.label() + ": the disk heals");
}

// One byte of an object at rest changes. Nobody may ever see wrong bytes for it.
void SimulatedWorld::rot(SimDevice& device) {
    std::vector<fs::path> objects;
    const std::function<void(const fs::path&)> list = [&](const fs::path& directory) {
        auto items = device.vault->disk().list(directory);
        if (!items.ok()) return;
        for (const DirectoryItem& item : *items) {
            const fs::path path = directory / item.name;
            if (item.is_directory) list(path);
            if (path.extension() == ".pack" || path.extension() == ".seg") objects.push_back(path);
        }
    };
    list(kTestVaultDirectory);
    if (objects.empty() || device.vault->disk().is_powered_off()) return;
    const fs::path path = objects[random_.below(objects.size())];
    Bytes bytes = *device.vault->disk().contents(path);
    if (bytes.empty()) return;
    rotten_.emplace(std::pair(device.number, path), bytes);  // of several times the first
    bytes[random_.below(bytes.size())] ^= static_cast<std::byte>(1 + random_.below(255));
    device.vault->disk().put(path, bytes);
    device.has_rot = had_trouble_ = true;
    note(device.label() + ": " + path.filename().string() + " rots");
    count("fault: bit rot");
}

void SimulatedWorld::jump_clock(SimDevice& device) {
    const std::int64_t most = random_.chance(50) ? 10 * kYearMs : 20 * kHourMs;
    auto by = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most)));
    if (random_.chance(50)) by = -by;
    device.clock.jump_wall(std::chrono::milliseconds(by));
    had_trouble_ = had_bad_clock_ = true;
    const std::int64_t ahead = device.clock.wall_ms() - FakeClock::kStartNs / 1'000'000 - now_ms_;
    clock_ahead_ms_max_ = std::max(clock_ahead_ms_max_, ahead);
    note(device.label() + ": the clock jumps by " + std::to_string(by / kHourMs) + " hours");
    count(by < 0 ? "fault: clock jumps back" : "fault: clock jumps ahead");
}

}  // namespace lockstep::sim
