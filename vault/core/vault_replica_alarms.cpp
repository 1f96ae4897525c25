// VaultReplica: alarms, and when they end.
#include <algorithm>

#include "base/log.h"
#include "vault/brought_by.h"
#include "vault/core/vault_replica.h"

namespace lockstep {
namespace {

constexpr std::size_t kMendedMax = 1000;

std::string of_pack(const PackId& pack, const std::string& why) {
    const std::string name = "pack " + pack.to_hex() + ": ";
    return why.starts_with(name) ? why : name + why;
}

}  // namespace

std::vector<std::string> VaultReplica::alarms_of_no_object() {
    std::vector<std::string> intake = intake_alarms();
    MutexLock lock(mutex_);
    for (auto at = rollback_alarms_.begin(); at != rollback_alarms_.end();)
        at = branches_.find(at->first.first, at->first.second) ? rollback_alarms_.erase(at)
                                                               : std::next(at);
    std::vector<std::string> out = alarms_;
    for (const auto& [lost, sentence] : rollback_alarms_) out.push_back(sentence);
    for (const auto& [log, sentence] : log_alarms_) out.push_back(sentence);
    out.insert(out.end(), intake.begin(), intake.end());
    return out;
}

std::vector<std::string> VaultReplica::alarms() {
    std::vector<std::string> out = alarms_of_no_object();
    MutexLock lock(mutex_);
    for (const auto& [pack, sentence] : pack_alarms_) out.push_back(sentence);
    for (const auto& [segment, sentence] : segment_alarms_)
        if (out.empty() || out.back() != sentence) out.push_back(sentence);  // one for a range
    for (const auto& [id, sentence] : missing_key_alarms_) out.push_back(sentence);
    out.insert(out.end(), key_alarms_.begin(), key_alarms_.end());
    return out;
}

void VaultReplica::alarm(const std::string& sentence) {
    MutexLock lock(mutex_);
    if (std::find(alarms_.begin(), alarms_.end(), sentence) != alarms_.end()) return;
    log_error("vault", "{}", sentence);
    alarms_.push_back(sentence);
}

// ---- those that end

void VaultReplica::alarm_of_pack(const PackId& pack, PackTrouble trouble, const std::string& why) {
    const std::string sentence = of_pack(pack, why);
    PackInfo info{.id = pack};
    {
        MutexLock lock(mutex_);
        for (const PackTrouble each : {trouble, PackTrouble::WrongBytes})
            if (auto at = pack_alarms_.find({pack, each});
                at != pack_alarms_.end() && at->second == sentence)
                return;
        auto known = known_packs_.find(pack);
        if (known != known_packs_.end()) info.length = known->second;
    }
    if (info.length != 0 && !packs_->verify(info).ok()) trouble = PackTrouble::WrongBytes;
    log_error("vault", "{}", sentence);
    MutexLock lock(mutex_);
    pack_alarms_[{pack, trouble}] = sentence;
}

void VaultReplica::pack_is_whole(const PackId& pack) {
    MutexLock lock(mutex_);
    if (pack_alarms_.erase({pack, PackTrouble::WrongBytes}) > 0)
        log_info("vault", "pack {} is whole again", pack.to_hex());
}

void VaultReplica::pack_is_indexed(const PackId& pack) {
    MutexLock lock(mutex_);
    pack_alarms_.erase({pack, PackTrouble::NoIndex});
}

void VaultReplica::alarm_of_log(const LogId& log, const std::string& sentence) {
    MutexLock lock(mutex_);
    std::string& said = log_alarms_[log];
    if (said == sentence) return;
    log_error("vault", "{}", sentence);
    said = sentence;
}

void VaultReplica::log_goes_on(const LogId& log) {
    MutexLock lock(mutex_);
    log_alarms_.erase(log);
}

void VaultReplica::alarm_of_rollback(const LogId& log, const LogPosition& lost,
                                     const std::string& sentence) {
    MutexLock lock(mutex_);
    if (!rollback_alarms_.emplace(std::pair(log, lost), sentence).second) return;
    log_error("vault", "{}", sentence);
}

// Nobody has a segment of this device's own before it is durable here. So even where nothing on
// this device remembers that it was here once (directory, index and journal were put back, or lost,
// together), the others do: what they send then is the proof.
void VaultReplica::alarm_if_put_back(const SegmentOuter& outer, bool was_in_directory) {
    if (outer.replicator.device != device() || was_in_directory) return;
    const LogId& log = outer.header.log;
    if (logs_with_damage_.contains(log)) return;
    {
        // Who left the vault and joined it again gets back what he had written before.
        MutexLock lock(intake_mutex_);
        if (intake_.is_new_here()) return;
    }
    // That one says it already, and knows more.
    for (const auto& [lost, sentence] : rollback_alarms_)
        if (lost.first == log) return;
    const auto here = own_at_opening_.find(log);
    const std::string sentence =
        here == own_at_opening_.end()
            ? "rollback: other devices have a log of this device, " + log.to_hex().substr(0, 16) +
                  ", that is not known here: this device was cloned or restored from a backup that "
                  "is older"
            : "rollback: other devices have more of what this device wrote than it has itself "
              "(log " +
                  log.to_hex().substr(0, 16) + ", here up to segment " +
                  std::to_string(here->second) +
                  "): this device was cloned or restored from a backup that is older";
    if (std::find(alarms_.begin(), alarms_.end(), sentence) != alarms_.end()) return;
    log_error("vault", "{}", sentence);
    alarms_.push_back(sentence);
}

// ---- what is whole again

void VaultReplica::note_mended(CheckFinding::Kind kind, std::string name) {
    if (mended_.size() >= kMendedMax) mended_.pop_front();
    mended_.push_back({kind, std::move(name), BroughtBy::now()});
}

}  // namespace lockstep
