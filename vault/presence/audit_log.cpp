#include "vault/presence/audit_log.h"

#include <algorithm>

#include "base/codec.h"
#include "base/log.h"
#include "vault/crypto/hash.h"
#include "vault/packs/merkle.h"

namespace lockstep {
namespace {

constexpr std::size_t kRecordsMax = 256;
constexpr std::size_t kShownMax = 1U << 20;
constexpr std::size_t kAuditsSizeMax = 64 * kMiB;
constexpr std::size_t kFirstAtOnce = 16;   // packs that it has not shown yet
constexpr std::size_t kSampledAtOnce = 8;  // of those that it has
constexpr std::size_t kBlocksOfAsked = 2;  // of each pack that is to be relied upon at once
constexpr std::int64_t kSampleIntervalMs = 10 * 60'000;
constexpr std::int64_t kAfterFailureMs = 5'000;
constexpr std::int64_t kLatelyMs = 3'600'000;
constexpr auto kSaveInterval = std::chrono::seconds(30);

}  // namespace

AuditLog::AuditLog(Disk& disk, Clock& clock, Random& random, fs::path file)
    : disk_(disk), clock_(clock), random_(random), file_(std::move(file)) {
    load();
}

// u8 1 ‖ u32 count ‖ count × (device [32] ‖ u64 last ‖ u8 passed ‖ u32 count ‖ count × (pack id
// [32] ‖ u64 shown)) ‖ BLAKE2b-256 of that
void AuditLog::load() {
    auto bytes = disk_.read_file(file_, kAuditsSizeMax);
    if (!bytes.ok()) return;
    Decoder in(*bytes);
    std::map<DeviceId, Record> records;
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    const std::uint32_t members = in.count(kRecordsMax, DeviceId::kSize + 13);
    for (std::uint32_t i = 0; i < members && !in.failed(); ++i) {
        Record& record = records[in.id<DeviceId>()];
        record.last_ms = static_cast<std::int64_t>(in.u64());
        record.has_passed = in.u8() == 1;
        const std::uint32_t count = in.count(kShownMax, PackId::kSize + 8);
        for (std::uint32_t k = 0; k < count && !in.failed(); ++k) {
            const PackId pack = in.id<PackId>();
            record.shown[pack] = static_cast<std::int64_t>(in.u64());
        }
    }
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    if (in.finish().ok() && sum == blake2b(ByteView(*bytes).first(end)))
        records_ = std::move(records);
    else
        log_warning("vault", "what blind members have shown is not known any more");
}

void AuditLog::save() {
    saved_ = clock_.steady();
    Encoder out;
    out.u8(1).u32(static_cast<std::uint32_t>(records_.size()));
    for (const auto& [member, record] : records_) {
        out.id(member).u64(static_cast<std::uint64_t>(record.last_ms));
        out.u8(record.has_passed ? 1 : 0).u32(static_cast<std::uint32_t>(record.shown.size()));
        for (const auto& [pack, shown] : record.shown)
            out.id(pack).u64(static_cast<std::uint64_t>(shown));
    }
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    if (Status written = disk_.write_file_durably(file_, std::move(out).take()); !written.ok())
        log_warning("vault", "what blind members have shown is not kept: {}",
                    written.error().message);
}

std::uint32_t AuditLog::random_block(const PackInfo& pack) {
    const auto number = random_.id<Id<struct AuditRandomTag, 8>>();
    std::uint64_t value = 0;
    for (const std::byte byte : number.bytes) value = value << 8 | std::to_integer<unsigned>(byte);
    return static_cast<std::uint32_t>(value % merkle_block_count(pack.length));
}

std::vector<BlockAudit> AuditLog::due(const DeviceId& member, const std::vector<PackInfo>& packs) {
    if (!records_.contains(member) && records_.size() >= kRecordsMax) return {};
    Record& record = records_[member];
    const std::int64_t now = clock_.wall_ms();
    const std::int64_t since = now - record.last_ms;
    if (record.last_ms != 0 && !record.has_passed && since >= 0 && since < kAfterFailureMs)
        return {};
    std::vector<BlockAudit> out;
    for (const PackInfo& pack : packs) {
        if (record.shown.contains(pack.id)) continue;
        out.push_back({pack, random_block(pack)});
        if (out.size() >= kFirstAtOnce) return out;
    }
    const bool is_due = !record.is_sampled || since < 0 || since >= kSampleIntervalMs;
    if (!out.empty() || packs.empty() || !is_due) return out;
    record.is_sampled = true;
    std::vector<PackInfo> oldest = packs;
    const std::size_t half = std::min(kSampledAtOnce / 2, oldest.size());
    std::partial_sort(oldest.begin(), oldest.begin() + static_cast<std::ptrdiff_t>(half),
                      oldest.end(), [&](const PackInfo& a, const PackInfo& b) {
                          return record.shown.at(a.id) < record.shown.at(b.id);
                      });
    for (std::size_t i = 0; i < half; ++i) out.push_back({oldest[i], random_block(oldest[i])});
    for (std::size_t i = 0; i < half; ++i) {
        const PackInfo& any =
            oldest[random_block({.id = {}, .length = oldest.size() * kMerkleBlockSize})];
        out.push_back({any, random_block(any)});
    }
    return out;
}

std::vector<BlockAudit> AuditLog::due_of(const DeviceId& member,
                                         const std::vector<PackInfo>& some) {
    std::vector<BlockAudit> out;
    for (const PackInfo& pack : some) {
        if (has_shown_lately(member, pack.id)) continue;
        if (out.size() + kBlocksOfAsked > kAuditedAtOnce) break;
        for (std::size_t i = 0; i < kBlocksOfAsked; ++i) out.push_back({pack, random_block(pack)});
    }
    return out;
}

void AuditLog::note(const DeviceId& member,
                    const std::vector<std::pair<BlockAudit, AuditResult>>& results, bool says_all) {
    if (results.empty() || (!records_.contains(member) && records_.size() >= kRecordsMax)) return;
    Record& record = records_[member];
    const bool passed_before = record.has_passed;
    record.last_ms = clock_.wall_ms();
    record.has_passed = true;
    for (const auto& [audit, result] : results) {
        if (result == AuditResult::Shown) {
            if (record.has_passed && record.shown.size() < kShownMax)
                record.shown[audit.pack.id] = record.last_ms;
        } else {
            record.shown.erase(audit.pack.id);
            if (result == AuditResult::Failed || says_all) record.has_passed = false;
        }
    }
    if (!record.has_passed) {
        record.shown.clear();
        log_warning("vault", "member {} could not show what it says it holds",
                    member.to_hex().substr(0, 16));
    }
    if (record.has_passed != passed_before || clock_.steady() - saved_ >= kSaveInterval) save();
}

bool AuditLog::has_shown_lately(const DeviceId& member, const PackId& pack) {
    auto record = records_.find(member);
    if (record == records_.end() || !record->second.has_passed) return false;
    auto shown = record->second.shown.find(pack);
    if (shown == record->second.shown.end()) return false;
    const std::int64_t age = clock_.wall_ms() - shown->second;
    return age >= 0 && age <= kLatelyMs;
}

AuditReport AuditLog::report(const DeviceId& member, const std::vector<PackInfo>& packs) const {
    AuditReport out{.device = member, .packs = packs.size()};
    auto at = records_.find(member);
    if (at == records_.end()) return out;
    out.last_ms = at->second.last_ms;
    out.has_passed = at->second.has_passed;
    for (const PackInfo& pack : packs) out.shown_packs += at->second.shown.count(pack.id);
    return out;
}

}  // namespace lockstep
