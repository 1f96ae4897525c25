// What a managed vault keeps of its content on this device, and where content is.
#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/api/error_code.h"
#include "daemon/managed_vault.h"

namespace lockstep {

namespace {

// A pack comes within a second or so; what takes longer comes after the answer.
constexpr std::chrono::seconds kRepairWait{10};
constexpr std::chrono::milliseconds kRepairLook{50};

api::KeepInfo keep_info(const KeepReport& report) {
    return {.path = report.path, .keep = std::string(keep_text(report.keep)), .from = report.from};
}

}  // namespace

Result<api::KeepAnswer> ManagedVault::keep(const std::string& path) {
    TRY(Vault * vault, unlocked_vault());
    TRY(KeepReport here, vault->keep(path));
    api::KeepAnswer out;
    out.here = keep_info(here);
    for (const KeepReport& rule : vault->keep_rules()) out.rules.push_back(keep_info(rule));
    std::ranges::sort(out.rules, {}, &api::KeepInfo::path);
    return out;
}

Status ManagedVault::set_keep(const std::string& path, const std::string& word) {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    std::optional<Keep> keep;
    for (const Keep one : {Keep::Full, Keep::OnDemand, Keep::Pinned})
        if (word == keep_text(one)) keep = one;
    if (!keep && word != "inherited")
        return Error{ErrorKind::Invalid,
                     "content is kept full, on-demand or pinned, or as inherited"};
    return vault->set_keep(path, keep);
}

Result<api::EvictAnswer> ManagedVault::evict(const std::string& path) {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    TRY(EvictionReport report, vault->evict(path));
    api::EvictAnswer out{.packs = report.packs, .bytes = report.bytes, .kept = {}};
    for (const EvictionReport::Kept& kept : report.kept)
        out.kept.push_back({.reason = kept.reason, .count = kept.count});
    return out;
}

Result<api::WhereisAnswer> ManagedVault::whereis(const std::string& path) {
    TRY(Vault * vault, unlocked_vault());
    TRY(WhereisReport report, vault->whereis(path));
    Replica* replica = vault->replica();
    std::set<DeviceId> connected;
    if (Result<VaultSyncStatus> sync = services_.sync.status(vault->id()); sync.ok())
        for (const PeerStatus& peer : sync->peers) connected.insert(peer.device);
    api::WhereisAnswer out;
    out.path = path;
    out.keep = keep_text(report.keep);
    out.size = report.size;
    out.absent_bytes = report.absent_bytes;
    for (const Member& member : replica->members()) {
        if (member.is_revoked) continue;
        api::WhereisDevice device;
        device.device = member.device.to_hex();
        device.label = member.label;
        device.role = role_text(member.role);
        device.is_this_device = member.device == replica->device();
        device.is_connected = device.is_this_device || connected.contains(member.device);
        const auto held =
            std::ranges::find(report.holders, member.device, &WhereisReport::Holder::device);
        if (report.is_everywhere)
            device.holds = "all";
        else if (device.is_this_device)
            device.holds = report.absent_bytes == 0             ? "all"
                           : report.absent_bytes >= report.size ? "nothing"
                                                                : "a part";
        else if (!device.is_connected || held == report.holders.end())
            device.holds = "not known";  // it was not asked, or has not answered in time
        else
            device.holds = held->pieces == report.pieces ? "all"
                           : held->pieces > 0            ? "a part"
                                                         : "nothing";
        out.devices.push_back(std::move(device));
    }
    return out;
}

namespace {
// What is being written or merged comes first.
void compact_when_idle(Vault& vault) {
    if (vault.publish_due() || vault.has_unmerged()) return;
    if (auto done = vault.compact(false); !done.ok())
        log_info("vault", "files of the log are not put together: {}", done.error().message);
}
}  // namespace

// In a thread of its own: others may take some seconds to answer, and packs take time to read.
void ManagedVault::care_for_presence() {
    Vault* vault = this->vault();
    if (vault == nullptr || is_caring_.exchange(true)) return;
    if (!presence_care_) presence_care_ = std::make_unique<WorkerPool>(1, "ls-evict");
    presence_care_->submit([this, vault] {
        lock_when_idle();
        const bool is_unlocked = vault->is_unlocked();
        const bool cares = is_unlocked || vault->is_blind();
        const std::uint64_t freed = cares ? vault->care_for_presence() : 0;
        if (freed > 0) log_info("vault", "{}: {} bytes of content were evicted", name(), freed);
        if (is_unlocked) go_on_resealing(*vault);
        if (is_unlocked) compact_when_idle(*vault);
        scrub(*vault);
        is_caring_ = false;
    });
}

// A step at a time; what cannot go on now is tried again after a while.
void ManagedVault::go_on_resealing(Vault& vault) {
    constexpr std::chrono::seconds kAfterFailure{10};
    const auto now = std::chrono::steady_clock::now();
    if (now < reseal_due_) return;
    const Result<bool> step = vault.continue_reseal();
    if (step.ok()) return;
    reseal_due_ = now + kAfterFailure;
    log_warning("vault", "{}: sealing anew waits: {}", name(), api::error_code(step.error().kind));
}

// One pack at most: each has its turn once in 30 days.
void ManagedVault::scrub(Vault& vault) {
    if (vault.replica() == nullptr) return;
    if (!scrub_) {
        const fs::path directory = services_.paths.state_directory / "scrub";
        if (!services_.disk.make_directories(directory).ok()) return;
        scrub_ = std::make_unique<PackScrub>(vault, services_.disk, services_.clock,
                                             directory / vault.id().to_hex());
    }
    for (const std::string& damage : scrub_->next().damaged) tell("vault.damaged", damage);
}

Result<PackScrub::Report> ManagedVault::repair(CheckReport& report) {
    Vault* vault = this->vault();
    if (vault == nullptr || vault->replica() == nullptr)
        return Error{ErrorKind::Locked, "this device has not been in the vault yet: unlock it"};
    PackScrub scrub(*vault, services_.disk, services_.clock, fs::path());
    const PackScrub::Report repaired = scrub.everything();
    const auto is_awaited = [&] {
        vault->note_repairs(report);
        const auto sync = services_.sync.status(vault->id());
        return sync.ok() && !sync->peers.empty() &&
               std::ranges::any_of(report.findings, [](const CheckFinding& finding) {
                   return finding.is_error && finding.repair == CheckFinding::Repair::Asked;
               });
    };
    const auto deadline = std::chrono::steady_clock::now() + kRepairWait;
    while (is_awaited() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(kRepairLook);
    return repaired;
}

}  // namespace lockstep
