// SimulatedWorld: a blind member. It takes what others have and hands it on, is killed and loses
// power; with randomness of its own, so that all else goes as it would without it, but for the
// objects that reach somebody through it. In the end it holds what all hold, every object is what
// its name says, and nothing of it can be opened there.
#include <algorithm>

#include "tests/sim/simulated_world.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep::sim {
namespace {

// How contents begin (SimulatedUser::new_content()); long enough that no ciphertext looks so.
constexpr std::string_view kContentMarks[] = {"laptop#", "server#", "studio#"};

std::vector<fs::path> files_below(MemoryDisk& disk, const fs::path& directory) {
    std::vector<fs::path> out;
    auto items = disk.list(directory);
    if (!items.ok()) return out;
    for (const DirectoryItem& item : *items) {
        const fs::path path = directory / item.name;
        if (!item.is_directory) {
            out.push_back(path);
            continue;
        }
        for (fs::path& below : files_below(disk, path)) out.push_back(std::move(below));
    }
    return out;
}

}  // namespace

void SimulatedWorld::add_blind() {
    if (!options_.with_blind || options_.is_calm || is_wrong()) return;
    blind_ = std::make_unique<SimDevice>(devices_.size() + 100, "vault", options_.seed * 16 + 15);
    const Status joined = blind_->vault->join(*devices_[0]->vault, MemberRole::Blind);
    note("a blind member joins");
    if (!joined.ok()) return fail("the blind member joins: " + joined.error().message);
    count("join: blind");
    for (auto& device : devices_) hand_over(*device, *devices_[0]);
}

void SimulatedWorld::use_blind_sometimes() {
    if (!blind_) return;
    blind_->clock.set_wall_ns(FakeClock::kStartNs + now_ms_ * 1'000'000);
    if (blind_random_.chance(4)) {
        // Opening says that it is a blind member; it is open all the same.
        const Status opened = blind_random_.chance(50)
                                  ? blind_->vault->kill_and_reopen()
                                  : blind_->vault->crash_and_reopen(blind_random_.u64());
        count("blind: stops");
        if (opened.ok() || opened.error().kind != ErrorKind::Refused)
            return fail("a blind member is unlocked, or does not open: " +
                        (opened.ok() ? std::string() : opened.error().message));
    }
    if (!blind_random_.chance(15)) return;
    SimDevice& device = *devices_[blind_random_.below(devices_.size())];
    if (device.has_disk_trouble || device.has_rot || removed_.contains(device.number)) return;
    hand_over(*blind_, device);
    count("blind: takes");
    if (is_wrong() || !blind_random_.chance(50)) return;
    hand_over(device, *blind_);
    count("blind: hands on");
    look_after(device);
}

namespace {
// Not by name: who holds a branch of a removed device calls the others otherwise.
std::set<SegmentHash> segments_of(VaultReplica& replica) {
    std::set<SegmentHash> out;
    for (const auto& [log, last] : replica.frontier_to_merge())
        for (std::uint64_t number = 1; number <= last.number; ++number)
            if (auto hash = replica.hash_of({log, number}); hash.ok()) out.insert(*hash);
    return out;
}
}  // namespace

void SimulatedWorld::check_blind() {
    if (!blind_ || is_wrong()) return;
    for (int round = 0; round < 2; ++round)
        for (SimDevice* member : members_) hand_over(*blind_, *member);
    if (is_wrong()) return;
    VaultReplica& replica = blind_->replica();
    if (segments_of(replica) != segments_of(members_[0]->replica()))
        return fail("the blind member does not hold the log that all hold");
    if (!replica.missing_packs().empty()) return fail("the blind member lacks packs");
    for (const PackInfo& pack : replica.present_packs()) {
        auto bytes = replica.read_pack(pack.id, 0, pack.length);
        if (!bytes.ok() || !verify_pack(*bytes, pack).ok())
            return fail("the blind member holds a pack that is not what its name says");
    }
    for (const auto& [log, last] : replica.frontier())
        for (std::uint64_t number = 1; number <= last.number; ++number)
            if (!replica.read_segment({log, number}).ok())
                return fail("the blind member holds a segment that is not whole");
    const auto keys = replica.keys();
    if (keys->is_unlocked() || !keys->epoch_secrets().empty())
        return fail("the blind member has keys");
    Vault& vault = blind_->vault->vault();
    if (vault.unlock(as_bytes(kTestPassphrase)).ok() || vault.is_unlocked() ||
        vault.files().lookup(kRootNode, "a").ok())
        return fail("the blind member opens the vault");
    for (const fs::path& path : files_below(blind_->vault->disk(), "/")) {
        // The founder's label is in clear in it, and any byte may follow.
        if (path == kTestVaultDirectory / "lockstep.vault") continue;
        const auto bytes = blind_->vault->disk().contents(path);
        if (!bytes) continue;
        for (const std::string_view mark : kContentMarks)
            if (as_text(*bytes).find(mark) != std::string_view::npos)
                return fail("plaintext lies on the blind member's disk: " + path.string());
    }
    count("blind: holds everything and opens nothing");
}

}  // namespace lockstep::sim
