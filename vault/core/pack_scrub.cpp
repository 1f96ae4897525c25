#include "vault/pack_scrub.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/log.h"
#include "vault/core/vault_replica.h"

namespace lockstep {
namespace {

constexpr std::size_t kStateSizeMax = 256;
constexpr std::int64_t kLookAgainMs = 60'000;

}  // namespace

PackScrub::PackScrub(Vault& vault, Disk& disk, Clock& clock, fs::path state)
    : replica_(dynamic_cast<VaultReplica&>(*vault.replica())),
      disk_(disk),
      clock_(clock),
      state_(std::move(state)) {
    load();
}

// "MILLISECONDS PACK". What cannot be read begins a new round.
void PackScrub::load() {
    const std::int64_t now = clock_.wall_ms();
    round_began_ms_ = now;
    if (state_.empty()) return;
    if (auto bytes = disk_.read_file(state_, kStateSizeMax); bytes.ok()) {
        const std::string_view text = as_text(*bytes);
        std::int64_t began = 0;
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), began);
        const auto at = static_cast<std::size_t>(end - text.data());
        auto last = failure == std::errc() && at < text.size()
                        ? PackId::parse_hex(text.substr(at + 1))
                        : Result<PackId>(Error{ErrorKind::Corrupt, "no state of a scrub"});
        // A clock that was set back must not stop it.
        if (last.ok() && began <= now) {
            round_began_ms_ = began;
            last_ = *last;
            return;
        }
    }
    save();
}

void PackScrub::save() {
    const std::string text = fmt::format("{} {}", round_began_ms_, last_.to_hex());
    if (Status written = disk_.write_file_durably(state_, as_bytes(text)); !written.ok())
        log_warning("vault", "where the scrub stands cannot be kept: {}", written.error().message);
}

std::vector<PackInfo> PackScrub::packs() const {
    std::vector<PackInfo> out = replica_.present_packs();
    std::sort(out.begin(), out.end());
    return out;
}

void PackScrub::read(const PackInfo& pack, Report& report) {
    ++report.packs;
    report.bytes += pack.length;
    Status whole = replica_.packs().verify(pack);
    if (whole.ok()) return replica_.pack_is_whole(pack.id);
    if (!replica_.has_pack(pack.id)) return;          // maybe collected meanwhile
    report.damaged.push_back(whole.error().message);  // names the pack
    const std::vector<Member> members = replica_.members();
    const bool has_others = std::any_of(members.begin(), members.end(), [&](const Member& each) {
        return !each.is_revoked && each.device != replica_.device();
    });
    if (has_others && replica_.doubt_pack(pack.id)) {
        ++report.fetched_again;
        return;
    }
    replica_.alarm_of_pack(pack.id, VaultReplica::PackTrouble::WrongBytes, whole.error().message);
}

PackScrub::Report PackScrub::next() {
    Report report;
    const std::int64_t now = clock_.wall_ms();
    // Asked every second; a clock that was set back is noticed within a minute of its own.
    if (now < look_again_ms_ && look_again_ms_ - now <= kLookAgainMs) return report;
    const std::vector<PackInfo> all = packs();
    look_again_ms_ = now + kLookAgainMs;
    const auto at =
        std::upper_bound(all.begin(), all.end(), last_,
                         [](const PackId& id, const PackInfo& pack) { return id < pack.id; });
    if (now - round_began_ms_ >= kRoundMs && at == all.end()) {
        round_began_ms_ = now;
        last_ = {};
        save();
        return report;
    }
    if (at == all.end()) return report;
    const auto done = static_cast<std::int64_t>(at - all.begin());
    const auto count = static_cast<std::int64_t>(all.size());
    // The n-th of them has its turn when n of `count` parts of the round have passed.
    if (now - round_began_ms_ < kRoundMs / count * (done + 1)) return report;
    look_again_ms_ = 0;
    last_ = at->id;
    read(*at, report);
    report.mended_keys = replica_.mend_keys();
    save();
    return report;
}

PackScrub::Report PackScrub::everything() {
    Report report;
    report.mended_keys = replica_.mend_keys();
    for (const SegmentRef& segment : replica_.segments_here())
        if (!replica_.recheck_segment(segment)) ++report.fetched_again;
    for (const PackInfo& pack : packs()) read(pack, report);
    return report;
}

}  // namespace lockstep
