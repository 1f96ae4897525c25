// VaultReplica: packs that are not here by choice.
#include <algorithm>

#include "vault/core/vault_replica.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kRoomKept = 1ULL << 30;  // of the disk, or a fiftieth of it

}  // namespace

void VaultReplica::open_presence() {
    presence_ = std::make_unique<VaultPresence>(VaultPresence::Environment{
        .disk = environment_.disk,
        .clock = environment_.clock,
        .device = environment_.device.id(),
        .directory = local_directory(environment_, header_.id),
        .holds = [this](const PackId& pack) { return !is_collected(pack) && recheck_pack(pack); },
        .is_directory_shared = [this] { return is_directory_shared(); },
        .absent_packs = [this] { return absent_packs(); },
        .alarm = [this](const std::string& sentence) { alarm(sentence); },
        .is_blind = [this] { return is_blind(); },
        .all_packs =
            [this] {
                std::vector<PackInfo> packs = introduced_packs();
                std::erase_if(packs, [&](const PackInfo& pack) { return is_collected(pack.id); });
                return packs;
            },
        .random = &environment_.random});
}

std::vector<PackInfo> VaultReplica::missing_packs() {
    std::vector<PackInfo> out = absent_packs();
    if (presence_->is_selective())
        std::erase_if(out, [&](const PackInfo& pack) { return !presence_->wants(pack.id); });
    return out;
}

std::vector<PackInfo> VaultReplica::absent_packs() {
    MutexLock lock(mutex_);
    std::vector<PackInfo> out;
    out.reserve(missing_.size());
    for (const PackId& id : missing_) out.push_back({id, known_packs_.at(id)});
    return out;
}

std::vector<PackInfo> VaultReplica::introduced_packs() {
    MutexLock lock(mutex_);
    std::vector<PackInfo> out;
    std::set<PackId> seen;
    for (const auto& [segment, packs] : introduced_)
        for (const PackInfo& pack : packs)
            if (seen.insert(pack.id).second) out.push_back(pack);
    return out;
}

std::vector<PackInfo> VaultReplica::collected_here() {
    MutexLock lock(mutex_);
    std::vector<PackInfo> out;
    for (const PackId& pack : collected_)
        if (auto at = present_.find(pack); at != present_.end()) out.push_back({pack, at->second});
    return out;
}

std::uint64_t VaultReplica::log_bytes() {
    std::uint64_t out = 0;
    for (const LogId& log : logs_->logs())
        for (const LogStore::File& file : logs_->files(log)) out += file.size_bytes;
    auto keys = environment_.disk.list(directory_ / kKeyDirectoryName);
    if (!keys.ok()) return out;
    for (const DirectoryItem& item : *keys) out += item.is_directory ? 0 : item.size;
    return out;
}

// Packs come unasked, too. What others write does not take the last of the disk: this device's own
// work needs it.
Status VaultReplica::check_room(const PackInfo& pack) {
    if (const auto space = environment_.disk.space(directory_);
        space.ok() && space->available < pack.length + std::min(kRoomKept, space->total / 50))
        return Error{ErrorKind::NoSpace, "the disk is nearly full"};
    if (!is_blind() || presence_->wants(pack.id)) return {};
    return Error{ErrorKind::Refused, "there is no room for it in this device's quota"};
}

// ---- what other devices may bring in

Status VaultReplica::check_intake(const OpenedSegments& opened, std::size_t first_new,
                                  std::size_t bytes) {
    std::uint64_t total = bytes;
    for (std::size_t i = first_new; i < opened.segments.size(); ++i)
        for (const PackInfo& pack : opened.segments[i].replicator.packs) total += pack.length;
    const DeviceId& writer = opened.segments[first_new].replicator.device;
    if (writer == device()) return {};
    MutexLock lock(intake_mutex_);
    if (intake_.take(writer, opened.segments.size() - first_new, total)) return {};
    return Error{ErrorKind::Refused, "its device has brought in too much within a day"};
}

std::uint64_t VaultReplica::member_quota() {
    MutexLock lock(intake_mutex_);
    return intake_.bytes_per_day();
}

Status VaultReplica::set_member_quota(std::uint64_t bytes_per_day) {
    MutexLock lock(intake_mutex_);
    return intake_.set_bytes_per_day(bytes_per_day);
}

Status VaultReplica::let_in(const DeviceId& device) {
    MutexLock lock(intake_mutex_);
    return intake_.let_in(device);
}

std::vector<DeviceId> VaultReplica::held_back() {
    MutexLock lock(intake_mutex_);
    return intake_.held_back();
}

std::vector<std::string> VaultReplica::intake_alarms() {
    const std::vector<DeviceId> held = held_back();
    std::vector<std::string> out;
    if (held.empty()) return out;
    for (const Member& member : members())
        if (std::find(held.begin(), held.end(), member.device) != held.end())
            out.push_back("held back: " + member.label +
                          " has brought in more within a day than a device may; what else it "
                          "writes is not fetched before the next day");
    return out;
}

bool VaultReplica::has_absent_packs() {
    MutexLock lock(mutex_);
    return !missing_.empty() || packs_told_ > 0;
}

void VaultReplica::want_now(const PackInfo& pack) {
    tell([&](ReplicaListener& listener) { listener.pack_wanted_now(pack); });
}

// Each device that has the directory open keeps its unfinished downloads in a folder of its own.
bool VaultReplica::is_directory_shared() {
    auto writers = environment_.disk.list(incoming_directory().parent_path());
    if (!writers.ok()) return writers.error().kind != ErrorKind::NotFound;
    for (const DirectoryItem& item : *writers)
        if (item.is_directory && item.name != writer_) return true;
    return false;
}

Status VaultReplica::remove_evicted(const PackId& pack) {
    {
        MutexLock lock(mutex_);
        if (!known_packs_.contains(pack))
            return Error{ErrorKind::Refused, "no segment introduces it"};
        if (present_.erase(pack) == 0) return {};
        if (!collected_.contains(pack)) missing_.insert(pack);
    }
    Status removed = packs_->remove(pack);
    if (removed.ok() || removed.error().kind == ErrorKind::NotFound) return {};
    return removed;
}

}  // namespace lockstep
