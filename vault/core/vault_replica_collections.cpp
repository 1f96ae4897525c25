// VaultReplica: what segments say of collections.
#include "vault/core/vault_replica.h"

namespace lockstep {

// Segments arrive in any order but their log's: a consent may come before what it consents to.
void VaultReplica::note_collections(const SegmentOuter& outer) {
    const ReplicatorPart& part = outer.replicator;
    const SegmentRef segment{outer.header.log, outer.header.number};
    // The packs tell the two of a forked log apart.
    if (!part.condemned.empty()) {
        Condemnation& condemnation = condemnations_[{segment, part.condemned}];
        condemnation.condemned_by = segment;
        condemnation.collector = part.device;
        condemnation.packs = part.condemned;
    }
    for (const CondemnedPacks& consent : part.consents)
        condemnations_[consent].consents.emplace(part.device, segment);
    for (const CondemnedPacks& collected : part.collected) {
        condemnations_[collected].is_collected = true;
        for (const PackId& pack : collected.packs) {
            collected_.insert(pack);
            missing_.erase(pack);
        }
    }
}

std::vector<Condemnation> VaultReplica::condemnations() {
    MutexLock lock(mutex_);
    std::vector<Condemnation> out;
    for (const auto& [named, condemnation] : condemnations_)
        if (!condemnation.packs.empty()) out.push_back(condemnation);
    return out;
}

bool VaultReplica::has_open_condemnations() {
    MutexLock lock(mutex_);
    for (const auto& [named, condemnation] : condemnations_) {
        if (condemnation.packs.empty()) continue;
        if (!condemnation.is_collected) return true;
        for (const PackId& pack : condemnation.packs)
            if (present_.contains(pack)) return true;
    }
    return false;
}

Status VaultReplica::remove_collected(const PackId& pack) {
    {
        MutexLock lock(mutex_);
        if (!collected_.contains(pack) || present_.erase(pack) == 0) return {};
        doubted_packs_.erase(pack);
        for (const PackTrouble trouble :
             {PackTrouble::WrongBytes, PackTrouble::NoIndex, PackTrouble::WrongClaims})
            pack_alarms_.erase({pack, trouble});
    }
    Status removed = packs_->remove(pack);
    if (removed.ok() || removed.error().kind == ErrorKind::NotFound) return {};
    return removed;
}

bool VaultReplica::is_collected(const PackId& pack) {
    MutexLock lock(mutex_);
    return collected_.contains(pack);
}

}  // namespace lockstep
