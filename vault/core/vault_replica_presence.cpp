// VaultReplica: packs that are not here by choice.
#include "vault/core/vault_replica.h"

namespace lockstep {

void VaultReplica::open_presence() {
    presence_ = std::make_unique<VaultPresence>(VaultPresence::Environment{
        .disk = environment_.disk,
        .clock = environment_.clock,
        .device = environment_.device.id(),
        .directory = local_directory(environment_, header_.id),
        .holds = [this](const PackId& pack) { return !is_collected(pack) && recheck_pack(pack); },
        .is_directory_shared = [this] { return is_directory_shared(); },
        .absent_packs = [this] { return absent_packs(); },
        .alarm = [this](const std::string& sentence) { alarm(sentence); }});
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

bool VaultReplica::has_absent_packs() {
    MutexLock lock(mutex_);
    return !missing_.empty();
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
