#include "vault/core/blind_care.h"

#include <algorithm>

#include "base/codec.h"
#include "base/log.h"
#include "vault/crypto/hash.h"
#include "vault/presence/pack_question.h"

namespace lockstep {
namespace {

constexpr std::string_view kCollectedName = "collected";
constexpr std::size_t kCollectedMax = 1U << 20;
constexpr std::size_t kCollectedSizeMax = 64 * kMiB;
constexpr std::size_t kGivenUpAtOnce = 32;
constexpr auto kGiveUpInterval = std::chrono::seconds(30);
// Promises that were given this long ago are not relied upon.
constexpr std::int64_t kAnswersAgeMaxMs = 60'000;

// u8 1 ‖ u32 count ‖ count × (pack id [32] ‖ u64 milliseconds) ‖ BLAKE2b-256 of that
Bytes encode_collected(const std::map<PackId, std::int64_t>& collected) {
    Encoder out;
    out.u8(1).u32(static_cast<std::uint32_t>(collected.size()));
    for (const auto& [pack, seen] : collected) out.id(pack).u64(static_cast<std::uint64_t>(seen));
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    return std::move(out).take();
}

Result<std::map<PackId, std::int64_t>> decode_collected(ByteView bytes) {
    Decoder in(bytes);
    std::map<PackId, std::int64_t> out;
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    const std::uint32_t count = in.count(kCollectedMax, PackId::kSize + 8);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const PackId pack = in.id<PackId>();
        out[pack] = static_cast<std::int64_t>(in.u64());
    }
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    TRY_OK(in.finish());
    if (sum != blake2b(bytes.first(end)))
        return Error{ErrorKind::Corrupt, "its sum is not that of its bytes"};
    return out;
}

}  // namespace

BlindCare::BlindCare(const VaultEnvironment& environment, VaultReplica& replica)
    : environment_(environment), replica_(replica) {}

std::uint64_t BlindCare::care() {
    const auto quota = replica_.own_presence().quota();
    std::uint64_t freed = forget_collected();
    if (quota) {
        choose(*quota);
        freed += give_up_surplus(*quota);
    } else {
        chosen_.reset();
    }
    return freed;
}

std::uint64_t BlindCare::used_bytes() {
    return replica_.log_bytes() + replica_.pack_totals().second;
}

// ---- what fits

BlindCare::Situation BlindCare::situation() {
    Situation out{.quota = replica_.own_presence().quota()};
    std::tie(out.packs, out.pack_bytes) = replica_.pack_totals();
    out.absent = replica_.absent_packs().size();
    for (const auto& [log, last] : replica_.frontier()) out.segments += last.number;
    return out;
}

void BlindCare::choose(std::uint64_t quota) {
    const Situation now = situation();
    if (chosen_ == now) return;
    log_bytes_ = replica_.log_bytes();
    std::set<PackId> absent;
    for (const PackInfo& pack : replica_.absent_packs()) absent.insert(pack.id);
    const std::uint64_t used = log_bytes_ + now.pack_bytes;
    std::uint64_t room = quota > used ? quota - used : 0;
    std::set<PackId> wanted;
    for (const PackInfo& pack : replica_.introduced_packs()) {
        if (!absent.contains(pack.id) || pack.length > room) continue;
        wanted.insert(pack.id);
        room -= pack.length;
    }
    replica_.own_presence().set_wanted(std::move(wanted), true);
    chosen_ = now;
}

// The last ones first: what was introduced early was the longest here.
std::uint64_t BlindCare::give_up_surplus(std::uint64_t quota) {
    const std::uint64_t used = log_bytes_ + replica_.pack_totals().second;
    if (used <= quota || replica_.own_presence().is_directory_shared()) return 0;
    const auto now = environment_.clock.steady();
    if (gave_up_at_ && now - *gave_up_at_ < kGiveUpInterval) return 0;
    std::vector<PackInfo> packs = replica_.introduced_packs();
    std::reverse(packs.begin(), packs.end());
    std::map<PackId, std::uint64_t> surplus;
    std::vector<PackId> some;
    std::uint64_t bytes = 0;
    for (const PackInfo& pack : packs) {
        if (used - bytes <= quota || some.size() >= kGivenUpAtOnce) break;
        if (!replica_.has_pack(pack.id)) continue;
        some.push_back(pack.id);
        surplus[pack.id] = pack.length;
        bytes += pack.length;
    }
    VaultPresence& presence = replica_.own_presence();
    const std::vector<PackId> begun = presence.begin_eviction(some);
    const std::int64_t asked_ms = environment_.clock.wall_ms();
    const PackAnswers answers =
        ask_and_wait(presence, begun, kPromiseTime, [this] { return may_wait_.load(); });
    const std::int64_t age = environment_.clock.wall_ms() - asked_ms;
    const bool is_fresh = age >= 0 && age <= kAnswersAgeMaxMs && may_wait_;
    const std::vector<PackId> gone = presence.end_eviction(
        begun,
        [&](const PackId& pack) {
            return is_fresh && answers.copies(pack) >= environment_.eviction_copies;
        },
        [&](const PackId& pack) { return replica_.remove_evicted(pack); });
    std::uint64_t freed = 0;
    for (const PackId& pack : gone) freed += surplus[pack];
    // What nobody promised to keep is asked about again, but not all the time.
    if (gone.size() < some.size()) gave_up_at_ = now;
    return freed;
}

// ---- what nobody needs

void BlindCare::load_collected() {
    if (std::exchange(is_loaded_, true)) return;
    const fs::path path = local_directory(environment_, replica_.vault_id());
    auto bytes = environment_.disk.read_file(path / std::string(kCollectedName), kCollectedSizeMax);
    if (!bytes.ok()) return;
    // Without it the time begins anew: nothing goes too early.
    if (auto decoded = decode_collected(*bytes); decoded.ok()) collected_ = std::move(*decoded);
}

Status BlindCare::save_collected() {
    const fs::path path = local_directory(environment_, replica_.vault_id());
    return environment_.disk.write_file_durably(path / std::string(kCollectedName),
                                                encode_collected(collected_));
}

std::uint64_t BlindCare::forget_collected() {
    load_collected();
    const std::vector<PackInfo> here = replica_.collected_here();
    if (here.empty() && collected_.empty()) return 0;
    const std::int64_t now = environment_.clock.wall_ms();
    const auto before = collected_;
    std::map<PackId, std::int64_t> seen;
    std::uint64_t freed = 0;
    for (const PackInfo& pack : here) {
        auto at = collected_.find(pack.id);
        // A clock that was set back must not keep them for ever.
        const std::int64_t since = at == collected_.end() ? now : std::min(at->second, now);
        const bool is_over = now - since >= environment_.retention.count();
        if (is_over && replica_.remove_collected(pack.id).ok())
            freed += pack.length;
        else if (seen.size() < kCollectedMax)
            seen[pack.id] = since;
    }
    if (seen == before) return freed;
    collected_ = std::move(seen);
    if (Status saved = save_collected(); !saved.ok())
        log_warning("vault", "since when packs are collected is not kept: {}",
                    saved.error().message);
    return freed;
}

}  // namespace lockstep
