#include "vault/presence/vault_presence.h"

#include <algorithm>

#include "base/codec.h"
#include "base/log.h"
#include "vault/crypto/hash.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::string_view kRulesName = "keep";
constexpr std::string_view kPromisesName = "promises";
constexpr std::string_view kQuotaName = "quota";
constexpr std::string_view kAuditsName = "audits";
constexpr std::size_t kQuotaSizeMax = 64;
constexpr std::size_t kRulesSizeMax = 2 * kMiB;
constexpr std::size_t kPromisesMax = 1U << 20;
constexpr std::size_t kPromisesSizeMax = 64 * kMiB;

std::uint64_t in_ms(std::chrono::seconds time) {
    return static_cast<std::uint64_t>(std::chrono::milliseconds(time).count());
}

// u8 1 ‖ u32 count ‖ count × (pack id [32] ‖ u64 until) ‖ BLAKE2b-256 of that
Bytes encode_promises(const std::map<PackId, std::uint64_t>& promises) {
    Encoder out;
    out.u8(1).u32(static_cast<std::uint32_t>(promises.size()));
    for (const auto& [pack, until] : promises) out.id(pack).u64(until);
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    return std::move(out).take();
}

Result<std::map<PackId, std::uint64_t>> decode_promises(ByteView bytes) {
    Decoder in(bytes);
    std::map<PackId, std::uint64_t> out;
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    std::uint32_t count = in.count(kPromisesMax, PackId::kSize + 8);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const PackId pack = in.id<PackId>();
        out[pack] = in.u64();
    }
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    TRY_OK(in.finish());
    if (sum != blake2b(bytes.first(end)))
        return Error{ErrorKind::Corrupt, "its sum is not that of its bytes"};
    return out;
}

// u8 1 ‖ u8 is there one ‖ u64 bytes ‖ BLAKE2b-256 of that
Bytes encode_quota(const std::optional<std::uint64_t>& quota) {
    Encoder out;
    out.u8(1).u8(quota ? 1 : 0).u64(quota.value_or(0));
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    return std::move(out).take();
}

Result<std::optional<std::uint64_t>> decode_quota(ByteView bytes) {
    Decoder in(bytes);
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    const std::uint8_t is_there = in.u8();
    if (is_there > 1) in.fail("no truth value");
    const std::uint64_t quota = in.u64();
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    TRY_OK(in.finish());
    if (sum != blake2b(bytes.first(end)))
        return Error{ErrorKind::Corrupt, "its sum is not that of its bytes"};
    return is_there == 1 ? std::optional(quota) : std::nullopt;
}

}  // namespace

std::size_t PackAnswers::copies(const PackId& pack) const {
    return static_cast<std::size_t>(
        std::count_if(holders.begin(), holders.end(), [&](const Holder& holder) {
            return holder.packs.contains(pack) &&
                   (holder.member.role != MemberRole::Blind || holder.audited.contains(pack));
        }));
}

VaultPresence::VaultPresence(Environment environment) : environment_(std::move(environment)) {
    auto load = [&](std::string_view name, std::size_t size_max, auto decode, auto& into) {
        auto bytes =
            environment_.disk.read_file(environment_.directory / std::string(name), size_max);
        if (!bytes.ok() && bytes.error().kind == ErrorKind::NotFound) return;
        auto decoded = bytes.ok() ? decode(*bytes) : decltype(decode({}))(bytes.error());
        if (decoded.ok())
            into = std::move(*decoded);
        else
            environment_.alarm("what this device keeps: file " + std::string(name) + ": " +
                               decoded.error().message);
    };
    MutexLock lock(mutex_);
    load(kRulesName, kRulesSizeMax, decode_keep_rules, rules_);
    load(kPromisesName, kPromisesSizeMax, decode_promises, promises_);
    load(kQuotaName, kQuotaSizeMax, decode_quota, quota_);
    if (environment_.random == nullptr) return;
    MutexLock audit_lock(audit_mutex_);
    audits_ =
        std::make_unique<AuditLog>(environment_.disk, environment_.clock, *environment_.random,
                                   environment_.directory / std::string(kAuditsName));
}

// ---- rules and what follows from them

KeepRules VaultPresence::rules() {
    MutexLock lock(mutex_);
    return rules_;
}

Status VaultPresence::set_rules(const KeepRules& rules) {
    if (rules.rules.size() > kKeepRulesMax)
        return Error{ErrorKind::TooLarge, "too many files and folders have a rule of their own"};
    MutexLock lock(mutex_);
    if (rules_ == rules) return {};
    TRY_OK(environment_.disk.make_directories(environment_.directory));
    TRY_OK(environment_.disk.write_file_durably(environment_.directory / std::string(kRulesName),
                                                encode_keep_rules(rules)));
    rules_ = rules;
    is_settled_ = false;
    was_told_ = false;
    return {};
}

std::optional<std::uint64_t> VaultPresence::quota() {
    MutexLock lock(mutex_);
    return quota_;
}

Status VaultPresence::set_quota(std::optional<std::uint64_t> bytes) {
    {
        MutexLock lock(mutex_);
        if (quota_ == bytes) return {};
        TRY_OK(environment_.disk.make_directories(environment_.directory));
        TRY_OK(environment_.disk.write_file_durably(
            environment_.directory / std::string(kQuotaName), encode_quota(bytes)));
        quota_ = bytes;
        if (!environment_.is_blind()) return {};
        // What is asked for under way goes on; what fits is chosen anew.
        is_settled_ = false;
        was_told_ = false;
        if (bytes) return {};
    }
    MutexLock lock(listener_mutex_);
    if (listener_ != nullptr) listener_->selection_changed();
    return {};
}

// Rules are those of who can look into the vault.
bool VaultPresence::selects() {
    return environment_.is_blind() ? quota_.has_value() : is_choosing_ || rules_.is_selective();
}

void VaultPresence::note_shared_directory() {
    KeepRules now = rules();
    if (now.is_directory_shared) return;
    now.is_directory_shared = true;
    if (Status saved = set_rules(now); !saved.ok()) {
        log_warning("vault", "it cannot be noted that others use the vault directory: {}",
                    saved.error().message);
        // Until the next start at least nothing is evicted.
        MutexLock lock(mutex_);
        rules_.is_directory_shared = true;
    }
}

bool VaultPresence::is_directory_shared() {
    return rules().is_directory_shared || environment_.is_directory_shared();
}

bool VaultPresence::is_selective() {
    MutexLock lock(mutex_);
    return selects();
}

void VaultPresence::set_choosing(bool is_choosing) {
    MutexLock lock(mutex_);
    if (is_choosing_ == is_choosing) return;
    is_choosing_ = is_choosing;
    is_settled_ = was_told_ = false;
}

bool VaultPresence::is_choosing() {
    MutexLock lock(mutex_);
    return is_choosing_;
}

bool VaultPresence::wants(const PackId& pack) {
    MutexLock lock(mutex_);
    return !selects() || wanted_.contains(pack);
}

std::uint64_t VaultPresence::left_out() {
    if (!is_selective()) return 0;
    const std::vector<PackInfo> absent = environment_.absent_packs();
    MutexLock lock(mutex_);
    return static_cast<std::uint64_t>(std::count_if(
        absent.begin(), absent.end(), [&](const PackInfo& pack) NO_THREAD_SAFETY_ANALYSIS {
            return !wanted_.contains(pack.id);
        }));
}

void VaultPresence::set_wanted(std::set<PackId> wanted, bool is_settled) {
    {
        MutexLock lock(mutex_);
        if (is_settled_ == is_settled && wanted_ == wanted && was_told_) return;
        was_told_ = true;
        is_settled_ = is_settled;
        wanted_ = std::move(wanted);
    }
    MutexLock lock(listener_mutex_);
    if (listener_ != nullptr) listener_->selection_changed();
}

void VaultPresence::unsettle() {
    MutexLock lock(mutex_);
    is_settled_ = false;
}

bool VaultPresence::is_settled() {
    MutexLock lock(mutex_);
    return is_settled_ || !selects();
}

// ---- between the network and the content

void VaultPresence::set_listener(PresenceListener* listener) {
    MutexLock lock(listener_mutex_);
    listener_ = listener;
}

void VaultPresence::attach(ContentSide* side) {
    MutexLock lock(side_mutex_);
    side_ = side;
    while (side_uses_ > 0) side_idle_.wait(side_mutex_);
}

Status VaultPresence::take_ranges(const RangeRequest& request, ByteView bytes) {
    ContentSide* side = nullptr;
    {
        MutexLock lock(side_mutex_);
        side = side_;
        if (side == nullptr) return {};  // locked meanwhile
        ++side_uses_;
    }
    Status taken = side->take_ranges(request, bytes);
    MutexLock lock(side_mutex_);
    if (--side_uses_ == 0) side_idle_.notify_all();
    return taken;
}

void VaultPresence::ranges_failed(const RangeRequest& request) {
    ContentSide* side = nullptr;
    {
        MutexLock lock(side_mutex_);
        side = side_;
        if (side == nullptr) return;
        ++side_uses_;
    }
    side->ranges_failed(request);
    MutexLock lock(side_mutex_);
    if (--side_uses_ == 0) side_idle_.notify_all();
}

void VaultPresence::request_ranges(const RangeRequest& request) {
    {
        MutexLock lock(listener_mutex_);
        if (listener_ != nullptr) return listener_->ranges_wanted(request);
    }
    ranges_failed(request);
}

// ---- promises

bool VaultPresence::is_promised(const PackId& pack) {
    auto at = promises_.find(pack);
    if (at == promises_.end()) return false;
    const auto now = static_cast<std::uint64_t>(environment_.clock.wall_ms());
    // A clock that was set back does not bind for longer than was promised.
    return at->second > now && at->second - now <= in_ms(kPromiseTime);
}

std::uint64_t VaultPresence::promised_until(const PackId& pack) {
    MutexLock lock(mutex_);
    return is_promised(pack) ? promises_.at(pack) : 0;
}

Status VaultPresence::save_promises() {
    std::erase_if(promises_, [&](const auto& promise)
                                 NO_THREAD_SAFETY_ANALYSIS { return !is_promised(promise.first); });
    TRY_OK(environment_.disk.make_directories(environment_.directory));
    return environment_.disk.write_file_durably(environment_.directory / std::string(kPromisesName),
                                                encode_promises(promises_));
}

std::vector<PackId> VaultPresence::hold(const DeviceId& to, const std::vector<PackId>& packs,
                                        std::chrono::seconds keep) {
    const std::uint64_t until = static_cast<std::uint64_t>(environment_.clock.wall_ms()) +
                                in_ms(std::min(keep, kPromiseTime));
    std::vector<PackId> held;
    // Others that share the directory would promise the very file that the asker is about to
    // delete.
    if (keep.count() != 0 && is_directory_shared()) return held;
    MutexLock lock(mutex_);
    for (const PackId& pack : packs) {
        // Of two that evict a pack at once the one with the lesser id goes on.
        if (keep.count() != 0 && evicting_.contains(pack)) {
            if (environment_.device < to) continue;
            evicting_.erase(pack);
        }
        if (environment_.holds(pack)) held.push_back(pack);
    }
    if (keep.count() == 0 || held.empty()) return held;
    if (promises_.size() + held.size() > kPromisesMax) return {};
    const auto before = promises_;
    for (const PackId& pack : held) promises_[pack] = std::max(promises_[pack], until);
    if (Status saved = save_promises(); !saved.ok()) {
        log_warning("vault", "a promise cannot be kept on the disk: {}", saved.error().message);
        promises_ = before;
        return {};
    }
    return held;
}

void VaultPresence::ask(const std::vector<PackId>& packs, std::chrono::seconds keep,
                        std::function<void(const PackAnswers&)> done) {
    std::uint64_t number = 0;
    {
        MutexLock lock(mutex_);
        number = ++last_question_;
        questions_[number].done = std::move(done);
    }
    {
        MutexLock lock(listener_mutex_);
        if (listener_ != nullptr) return listener_->packs_asked(number, packs, keep);
    }
    answers_end(number);
}

void VaultPresence::answer(std::uint64_t number, const Member& by,
                           const std::vector<PackId>& packs) {
    MutexLock lock(mutex_);
    auto at = questions_.find(number);
    if (at == questions_.end()) return;
    PackAnswers::Holder holder{by, {packs.begin(), packs.end()}};
    if (by.role == MemberRole::Blind) {
        MutexLock audit_lock(audit_mutex_);
        for (const PackId& pack : packs)
            if (audits_ && audits_->has_shown_lately(by.device, pack)) holder.audited.insert(pack);
    }
    at->second.answers.holders.push_back(std::move(holder));
}

void VaultPresence::answers_end(std::uint64_t number) {
    Question question;
    {
        MutexLock lock(mutex_);
        auto at = questions_.find(number);
        if (at == questions_.end()) return;
        question = std::move(at->second);
        questions_.erase(at);
    }
    question.done(question.answers);
}

// ---- audits

std::vector<BlockAudit> VaultPresence::audits_due(const DeviceId& member,
                                                  const std::vector<PackId>& packs) {
    if (!environment_.all_packs || environment_.is_blind()) return {};
    std::vector<PackInfo> all = environment_.all_packs();
    if (!packs.empty()) {
        const std::set<PackId> asked(packs.begin(), packs.end());
        std::erase_if(all, [&](const PackInfo& pack) { return !asked.contains(pack.id); });
    }
    MutexLock lock(audit_mutex_);
    if (!audits_) return {};
    return packs.empty() ? audits_->due(member, all) : audits_->due_of(member, all);
}

void VaultPresence::audited(const DeviceId& member,
                            const std::vector<std::pair<BlockAudit, AuditResult>>& results,
                            bool says_all) {
    // What was collected meanwhile it need not have.
    std::set<PackId> needed;
    for (const PackInfo& pack : environment_.all_packs()) needed.insert(pack.id);
    auto counting = results;
    std::erase_if(counting, [&](const auto& one) {
        return one.second == AuditResult::NotHere && !needed.contains(one.first.pack.id);
    });
    MutexLock lock(audit_mutex_);
    if (audits_) audits_->note(member, counting, says_all);
}

std::optional<AuditReport> VaultPresence::audit_report(const DeviceId& member) {
    if (!environment_.all_packs || environment_.is_blind()) return std::nullopt;
    const std::vector<PackInfo> all = environment_.all_packs();
    MutexLock lock(audit_mutex_);
    if (!audits_) return std::nullopt;
    return audits_->report(member, all);
}

// ---- evicting

std::vector<PackId> VaultPresence::begin_eviction(const std::vector<PackId>& packs) {
    MutexLock lock(mutex_);
    std::vector<PackId> out;
    for (const PackId& pack : packs) {
        if (is_promised(pack) || evicting_.contains(pack)) continue;
        evicting_.insert(pack);
        out.push_back(pack);
    }
    return out;
}

std::vector<PackId> VaultPresence::end_eviction(
    const std::vector<PackId>& packs, const std::function<bool(const PackId&)>& may_go,
    const std::function<Status(const PackId&)>& remove) {
    MutexLock lock(mutex_);
    std::vector<PackId> out;
    for (const PackId& pack : packs) {
        if (evicting_.erase(pack) == 0 || is_promised(pack) || !may_go(pack)) continue;
        if (Status removed = remove(pack); removed.ok())
            out.push_back(pack);
        else
            log_warning("vault", "pack {} is not evicted: {}", pack.to_hex(),
                        removed.error().message);
    }
    return out;
}

}  // namespace lockstep
