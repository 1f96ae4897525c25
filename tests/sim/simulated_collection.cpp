// SimulatedWorld: days that pass, and what nothing needs any more being collected.
#include <algorithm>

#include "tests/sim/archive.h"
#include "tests/sim/simulated_world.h"

namespace lockstep::sim {
namespace {

constexpr std::int64_t kDayMs = 24 * 3'600'000;
// Members that are silent for longer are not waited for.
constexpr std::int64_t kDaysMax = 60;

}  // namespace

void SimulatedWorld::let_days_pass(SimDevice&) {
    const auto ms = static_cast<std::int64_t>(
        random_.below(static_cast<std::uint64_t>(retention_ms_ + retention_ms_ / 2)));
    if (now_ms_ + ms > kDaysMax * kDayMs) return;
    advance(ms);
    note("time passes: " + std::to_string(ms / 3'600'000) + " hours");
    count("time passes");
}

void SimulatedWorld::collect(SimDevice& device) {
    if (device.has_rot) return;
    auto report = device.vault->vault().collect(false);
    if (!report.ok()) {
        note(device.label() + " collects: " + report.error().message);
        const ErrorKind kind = report.error().kind;
        // Conflict: a log that another machine has written, too, is given up for a new one.
        if (kind != ErrorKind::Refused && kind != ErrorKind::Unavailable &&
            kind != ErrorKind::WrongKey && kind != ErrorKind::Conflict &&
            !device.has_disk_trouble && !removed_.contains(device.number) && !is_cloned_)
            fail(device.label() + ": collect: " + report.error().message);
        return;
    }
    if (report->packs + report->rewritten_packs == 0) return;
    note(device.label() + " condemns " + std::to_string(report->packs) + " packs and rewrites " +
         std::to_string(report->rewritten_packs));
    count("collection: packs condemned");
    if (report->rewritten_packs > 0) count("collection: packs rewritten");
}

void SimulatedWorld::make_snapshot(SimDevice& device) {
    const std::string name = "snapshot " + std::to_string(random_.below(6));
    auto made = device.vault->vault().history().make_snapshot(name, std::nullopt);
    note(device.label() + " makes " + name + (made.ok() ? "" : ": " + made.error().message));
    if (made.ok()) return count("snapshot");
    const ErrorKind kind = made.error().kind;
    if (kind != ErrorKind::Exists && kind != ErrorKind::Refused && !device.has_disk_trouble &&
        !device.has_rot)
        fail(device.label() + ": snapshot: " + made.error().message);
}

void SimulatedWorld::remove_snapshot(SimDevice& device) {
    VaultHistory& history = device.vault->vault().history();
    const auto there = history.snapshots();
    if (!there.ok() || there->empty()) return;
    const std::string& name = (*there)[random_.below(there->size())].name;
    Status removed = history.remove_snapshot(name);
    note(device.label() + " forgets " + name +
         (removed.ok() ? "" : ": " + removed.error().message));
    if (removed.ok()) return count("snapshot forgotten");
    if (removed.error().kind != ErrorKind::Refused && !device.has_disk_trouble && !device.has_rot)
        fail(device.label() + ": forget a snapshot: " + removed.error().message);
}

// What the device's own retention promises can be read on it at any time, once it has all packs.
void SimulatedWorld::look_back(SimDevice& device) {
    const std::int64_t wall = FakeClock::kStartNs / 1'000'000 + now_ms_;
    if (device.has_disk_trouble || device.has_rot || had_bad_clock_ || is_cloned_ ||
        device.vault->vault().status().missing_packs > 0 ||
        device.vault->vault().status().unmerged_segments > 0)
        return;
    check_history(device, wall);
}

void SimulatedWorld::check_history(SimDevice& device, std::int64_t wall_ms) {
    auto witness = Witness::of(device);
    if (!witness.ok()) return fail(device.label() + ": witness: " + witness.error().message);
    auto archive = Archive::of(device, (*witness)->keys());
    if (!archive.ok()) return fail(device.label() + ": archive: " + archive.error().message);
    for (const VersionRecord& version : versions_to_keep(**witness, wall_ms, retention_ms_)) {
        // Adopted content may come before the link that a held segment has.
        const auto links = (*witness)->view().links_of.find(version.file);
        const bool is_file =
            links != (*witness)->view().links_of.end() &&
            (*witness)->view().links.at(links->second.front()).type == FileType::Regular;
        auto bytes = (*archive)->read(version.content);
        if (!bytes.ok())
            return fail(device.label() + ": a version of " + std::to_string(version.content.size) +
                        " bytes written by " + version.device_label + " at " +
                        std::to_string(version.stamp.wall_ms() - FakeClock::kStartNs / 1'000'000) +
                        " cannot be read back: " + bytes.error().message);
        if (bytes->size() != version.content.size)
            return fail(device.label() + ": a version has another size than its content");
        if (is_file && !ledger_.is_known(key_of(*bytes)))
            return fail(device.label() + ": a version holds bytes that nobody wrote");
        count("versions read back");
    }
}

void SimulatedWorld::count_collections() {
    for (const Condemnation& each : members_[0]->replica().condemnations()) {
        if (!each.is_collected) {
            count("collection: still open");
            continue;
        }
        count("collection: complete");
        if (!each.consents.empty()) count("collection: others consented");
        for (const PackId& pack : each.packs)
            count(members_[0]->replica().has_pack(pack) ? "collection: pack still here"
                                                        : "collection: pack deleted");
    }
}

}  // namespace lockstep::sim
