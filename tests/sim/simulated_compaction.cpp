// SimulatedWorld: logs are put together into fewer files, on whatever device, whenever.
//
// It draws from randomness of its own: with and without compaction a calm world does the same.
#include "tests/sim/simulated_world.h"
#include "vault/crypto/hash.h"

namespace lockstep::sim {

void SimulatedWorld::compact_sometimes() {
    if (!options_.with_compactions || !compaction_random_.chance(10)) return;
    SimDevice& device = *devices_[compaction_random_.below(devices_.size())];
    compact(device);
    look_after(device);
}

void SimulatedWorld::compact(SimDevice& device) {
    if (!device.vault->is_open() || device.vault->disk().is_powered_off()) return;
    VaultReplica& replica = device.replica();
    const std::vector<LogId> own = replica.logs_to_compact();
    const auto others_files = [&] {
        std::size_t count = 0;
        for (const SegmentRef& file : replica.segments_here())
            count += replica.writer_of(file.log) != device.id();
        return count;
    };
    const std::size_t before = others_files();
    auto done = device.vault->vault().compact(compaction_random_.chance(80));
    if (device.vault->disk().is_powered_off()) return count("compaction: power cut");
    if (!done.ok()) {
        note(device.label() + " compacts: " + done.error().message);
        if (!device.has_disk_trouble && !device.has_rot && !removed_.contains(device.number))
            fail(device.label() + ": compact: " + done.error().message);
        return;
    }
    if (others_files() < before) count("compaction: another's files dropped");
    if (*done == 0) return;
    note(device.label() + " compacts " + std::to_string(*done) + " segments");
    count("compaction");
    for (const LogId& log : own) hand_over_compacted(device, log);
}

// What is connected gets it unasked; others get it when they ask.
void SimulatedWorld::hand_over_compacted(SimDevice& from, const LogId& log) {
    SimDevice& to = *devices_[compaction_random_.below(devices_.size())];
    if (&to == &from || to.has_disk_trouble || from.has_rot || !to.vault->is_open() ||
        !network_.can_reach(from.number, to.number))
        return;
    // Unasked for it goes to those who have all of it.
    const Frontier theirs = to.replica().frontier(), ours = from.replica().frontier();
    const auto has = theirs.find(log), is = ours.find(log);
    if (has == theirs.end() || is == ours.end() || has->second != is->second) return;
    const std::uint64_t number = 1 + compaction_random_.below(is->second.number);
    auto bytes = from.replica().read_segment({log, number});
    if (!bytes.ok()) return;
    auto added = to.replica().add_segment(*bytes);
    if (!added.ok() && !removed_.contains(from.number) && !removed_.contains(to.number) &&
        added.error().kind != ErrorKind::Refused && added.error().kind != ErrorKind::WrongKey)
        return fail(to.label() + ": a compacted segment is refused: " + added.error().message);
    if (added.ok() && *added == Added::Known) count("compaction: taken beside what it stands for");
}

std::string SimulatedWorld::known_by(SimDevice& device) {
    std::string out;
    for (const auto& [log, last] : device.replica().frontier())
        out += " " + log.to_hex().substr(0, 8) + "/" + std::to_string(last.number) + "=" +
               last.hash.to_hex().substr(0, 16);
    return out;
}

std::vector<std::string> SimulatedWorld::states() {
    std::vector<std::string> out;
    for (auto& device : devices_) {
        std::string line = device->label() + ":";
        if (!device->vault->is_open()) {
            out.push_back(line + " not open");
            continue;
        }
        line += known_by(*device);
        std::string shown;
        const Witness::Shown all = Witness::shown_by(*device);
        for (const auto& [path, entry] : all.entries) shown += path + "\n" + entry + "\n";
        for (const auto& [path, bytes] : all.bytes) shown += path + "\n" + bytes + "\n";
        line += " shows " + blake2b(as_bytes(shown)).to_hex();
        auto report = device->vault->vault().check();
        if (report.ok() && report->index_digest) line += " index " + hex(*report->index_digest);
        out.push_back(line);
    }
    return out;
}

}  // namespace lockstep::sim
