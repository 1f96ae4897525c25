// What can be asked of a managed vault: none of it waits for a verb under way.
#include <algorithm>
#include <ctime>
#include <set>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "daemon/addresses.h"
#include "daemon/api/config.h"
#include "daemon/explain_file.h"
#include "daemon/managed_vault.h"
#include "daemon/vault_paths.h"
#include "vault/presence.h"

namespace lockstep {

std::string_view role_text(MemberRole role) {
    switch (role) {
        case MemberRole::Owner:
            return "owner";
        case MemberRole::Writer:
            return "writer";
        case MemberRole::Reader:
            return "reader";
        case MemberRole::Blind:
            return "blind";
    }
    CHECK(false, "a MemberRole outside its enumeration");
}

api::UndoAnswer undo_answer(UndoReport report) {
    api::UndoAnswer answer;
    for (UndoStep& step : report.done)
        answer.done.push_back(
            {std::move(step.action), std::move(step.path), std::move(step.before)});
    answer.left = std::move(report.left);
    return answer;
}

Vault* ManagedVault::vault() const {
    MutexLock lock(state_);
    return opened_;
}

Error ManagedVault::blind_error() const {
    return {ErrorKind::Refused,
            fmt::format("this device is a blind member of vault {}: it holds ciphertext that it "
                        "cannot open. An owner's device can give it another role",
                        name())};
}

bool ManagedVault::is_blind() const {
    Vault* vault = this->vault();
    return vault != nullptr && vault->is_blind();
}

Status ManagedVault::set_quota(std::uint64_t bytes) {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    if (bytes != 0 && !vault->is_blind())
        TRY_OK(api::check_on_demand_cache(static_cast<std::int64_t>(bytes >> 20)));
    return vault->set_quota(bytes == 0 ? std::nullopt : std::optional(bytes));
}

Result<std::uint64_t> ManagedVault::member_quota() {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    return vault->member_quota();
}

Status ManagedVault::set_member_quota(std::uint64_t bytes) {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    return vault->set_member_quota(bytes);
}

Status ManagedVault::let_in(const DeviceId& device) {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    return vault->let_in(device);
}

Status ManagedVault::begin_reseal(const DeviceId& device) {
    TRY(Vault * vault, unlocked_vault());
    return vault->begin_reseal(device);
}

Result<api::ResealAnswer> ManagedVault::reseal() const {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    const ResealReport report = vault->reseal_report();
    api::ResealAnswer out;
    out.state = report.state == ResealReport::State::None      ? "none"
                : report.state == ResealReport::State::Running ? "running"
                                                               : "done";
    if (report.state != ResealReport::State::None) out.device = report.device.to_hex();
    out.files = report.files;
    out.file_bytes = report.file_bytes;
    out.segments = report.segments;
    out.packs = report.packs;
    out.bytes = report.bytes;
    out.left_packs = report.left_packs;
    out.left_bytes = report.left_bytes;
    out.absent_packs = report.absent_packs;
    out.waiting_packs = report.waiting_packs;
    out.waiting_bytes = report.waiting_bytes;
    out.problem = report.problem;
    return out;
}

Result<Vault*> ManagedVault::unlocked_vault() const {
    Vault* vault = this->vault();
    if (vault != nullptr && vault->is_blind()) return blind_error();
    if (vault == nullptr || !vault->is_unlocked()) {
        return Error{ErrorKind::Locked, fmt::format("vault {} is locked", name())};
    }
    return vault;
}

std::string ManagedVault::name() const {
    MutexLock lock(state_);
    return config_.name;
}

api::VaultConfig ManagedVault::config() const {
    MutexLock lock(state_);
    return config_;
}

std::optional<VaultId> ManagedVault::id() const {
    Vault* vault = this->vault();
    if (vault == nullptr) return std::nullopt;
    return vault->id();
}

bool ManagedVault::is_pause_over() const {
    const api::VaultConfig chosen = config();
    if (!chosen.paused || chosen.paused_until_ms == 0) return false;
    const auto now =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, services_.clock.wall_ms()));
    return chosen.paused_until_ms <= now || chosen.paused_until_ms - now > kPauseMsMax;
}

bool ManagedVault::is_mount_point(const std::string& directory) const {
    MutexLock lock(state_);
    const auto is_there = [&](const api::MountConfig& mount) {
        return mount.directory == directory;
    };
    return std::ranges::any_of(config_.mounts, is_there) || std::ranges::any_of(mounted_, is_there);
}

namespace {

// Those remembered and those that are there now, in the order in which they were made.
std::vector<api::MountInfo> mounts_of(const std::vector<api::MountConfig>& remembered,
                                      const std::vector<api::MountConfig>& mounted,
                                      const std::map<std::string, std::string>& problems) {
    std::vector<api::MountInfo> mounts;
    for (const api::MountConfig& one : remembered) {
        const auto now = std::ranges::find(mounted, one.directory, &api::MountConfig::directory);
        const bool is_mounted = now != mounted.end();
        const api::MountConfig& shown = is_mounted ? *now : one;
        const auto problem = problems.find(one.directory);
        mounts.push_back({.directory = shown.directory,
                          .path = shown.path,
                          .is_read_only = shown.is_read_only,
                          .has_owners = shown.has_owners,
                          .at_ms = shown.at_ms,
                          .is_mounted = is_mounted,
                          .problem = problem == problems.end() ? "" : problem->second});
    }
    return mounts;
}

void add_counts(api::VaultInfo& info, const VaultStatus& status) {
    info.files = status.files;
    info.directories = status.directories;
    info.packs = status.packs;
    info.pack_bytes = status.pack_bytes;
    info.missing_packs = status.missing_packs;
    info.missing_pack_bytes = status.missing_pack_bytes;
    info.left_out_packs = status.left_out_packs;
    info.left_out_pack_bytes = status.left_out_pack_bytes;
    info.pending_records = status.pending_records;
    info.unmerged_segments = status.unmerged_segments;
    info.conflicts = status.conflicts;
    info.alarms = status.alarms;
    info.notes = status.notes;
}

// How a blind member did when it was last asked to show what it holds.
template <typename Info>
void add_audit(Replica& replica, const Member& member, Info& info) {
    if (member.role != MemberRole::Blind || replica.presence() == nullptr) return;
    const auto report = replica.presence()->audit_report(member.device);
    if (!report || report->last_ms == 0) return;
    info.audit = report->has_passed ? "passed" : "failed";
    info.last_audit_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, report->last_ms));
    info.audited_packs = report->shown_packs;
}

bool is_proven_copy(Replica& replica, const api::PeerInfo& peer) {
    const auto device = DeviceId::parse_hex(peer.device);
    if (!device.ok() || replica.presence() == nullptr) return false;
    const auto report = replica.presence()->audit_report(*device);
    return report && report->is_copy();
}

// The other members that are not revoked, with what the swarm knows of them.
std::vector<api::PeerInfo> peers_of(Replica& replica, const VaultSyncStatus& sync,
                                    const Sightings& sightings) {
    std::vector<api::PeerInfo> peers;
    for (const Member& member : replica.members()) {
        if (member.is_revoked || member.device == replica.device()) continue;
        api::PeerInfo peer;
        peer.device = member.device.to_hex();
        peer.label = member.label;
        peer.role = role_text(member.role);
        peer.last_seen_ms = sightings.last_seen_ms(member.device);
        add_audit(replica, member, peer);
        for (const MemberSign& sign : sync.signs) {
            if (sign.device != member.device) continue;
            peer.last_sign_ms = static_cast<std::uint64_t>(sign.time_ms);
            peer.unseen_segments = sign.unseen_segments;
        }
        for (const PeerStatus& status : sync.peers) {
            if (status.device != member.device) continue;
            peer.is_connected = true;
            if (status.relay.empty()) peer.address = format_address(status.address);
            peer.relay = status.relay;
            peer.is_in_step = status.in_step;
            peer.missing_packs = status.missing_packs;
            peer.left_out_packs = status.left_out_packs;
        }
        peers.push_back(std::move(peer));
    }
    return peers;
}

}  // namespace

std::string ManagedVault::status_word(const api::VaultInfo& info,
                                      const VaultSyncStatus& sync) const {
    using api::SyncWord;
    auto text = [](SyncWord word) { return std::string(api::sync_word_text(word)); };
    if (!info.problem.empty() && info.id.empty()) return text(SyncWord::OutOfSync);
    // A blind member is locked for good, and syncs.
    const bool is_locked = info.state == api::vault_state_text(api::VaultState::Locked);
    if (is_locked && info.role != role_text(MemberRole::Blind)) return text(SyncWord::Locked);
    if (info.is_paused || info.is_metered) return text(SyncWord::Paused);
    if (info.conflicts > 0) {
        return fmt::format("{} ({})", api::sync_word_text(SyncWord::Conflict), info.conflicts);
    }
    const auto is_any_mirror = [&](MirrorPhase phase) {
        return std::ranges::count(info.mirrors, mirror_phase_text(phase), &api::MirrorInfo::state) >
               0;
    };
    if (is_any_mirror(MirrorPhase::Held) || !info.rewrites.empty()) return "Frozen (mass change)";
    const bool is_connected = !sync.peers.empty();
    const bool is_behind = sync.missing_segments > 0 || info.missing_packs > 0;
    if (is_behind && !is_connected) return text(SyncWord::OutOfSync);
    const bool is_working = is_behind || info.unmerged_segments > 0 || info.pending_records > 0 ||
                            (is_connected && !sync.in_step);
    if (is_any_mirror(MirrorPhase::Scanning)) return "Scanning";
    if (is_working || is_any_mirror(MirrorPhase::Syncing)) return text(SyncWord::Syncing);
    if (!info.peers.empty() && !is_connected) return text(SyncWord::Disconnected);
    return text(SyncWord::UpToDate);
}

api::VaultInfo ManagedVault::info() {
    api::VaultInfo info;
    bool is_mounted = false;
    Vault* vault = nullptr;
    std::shared_ptr<VaultDropBox> drop_box;
    {
        MutexLock lock(state_);
        drop_box = drop_box_;
        info.name = config_.name;
        info.directory = config_.directory;
        info.mounts = mounts_of(config_.mounts, mounted_, mount_problems_);
        if (!info.mounts.empty()) info.mount = info.mounts.front().directory;
        info.unlock_at_start = config_.unlock_at_start;
        info.is_paused = config_.paused;
        info.is_metered = is_metered_;
        info.paused_until_ms = config_.paused_until_ms;
        info.idle_lock_seconds = config_.idle_lock_seconds;
        info.locks_on_suspend = config_.lock_on_suspend;
        info.problem = problem_;
        if (info.problem.empty() && !mount_problems_.empty()) {
            const auto& [directory, problem] = *mount_problems_.begin();
            info.problem = mount_problem_text(directory, problem);
        }
        is_mounted = !mounted_.empty();
        vault = opened_;
    }
    info.mirrors = mirrors();
    info.rewrites = held_rewrites();
    VaultSyncStatus sync;
    api::VaultState state = api::VaultState::Locked;
    if (vault != nullptr) {
        info.id = vault->id().to_hex();
        if (vault->is_unlocked()) {
            state = is_mounted ? api::VaultState::Mounted : api::VaultState::Unlocked;
        }
        const VaultStatus status = vault->status();
        add_counts(info, status);
        info.quota_bytes = status.quota.value_or(0);
        if (status.is_blind && status.left_out_packs > 0)
            info.notes.push_back(fmt::format(
                "{} packs are not here: the quota of {} bytes is used up (lockstep quota)",
                status.left_out_packs, info.quota_bytes));
        if (std::string problem = drop_box ? drop_box->problem() : ""; !problem.empty())
            info.notes.push_back("the vault directory: " + problem);
        if (Result<VaultSyncStatus> found = services_.sync.status(vault->id()); found.ok()) {
            sync = std::move(*found);
            info.receive_rate = sync.receive_rate;
            info.send_rate = sync.send_rate;
        }
        if (Replica* replica = vault->replica()) {
            info.peers = peers_of(*replica, sync, sightings_);
            for (const Member& member : replica->members())
                if (member.device == replica->device()) info.role = role_text(member.role);
        }
        note_sightings(sync, info.unmerged_segments == 0 && info.pending_records == 0);
        info.last_synced_ms = sightings_.last_synced_ms();
    }
    info.state = api::vault_state_text(state);
    info.status = status_word(info, sync);
    return info;
}

api::VaultInfo ManagedVault::detailed_info() {
    api::VaultInfo info = this->info();
    Vault* vault = this->vault();
    if (vault == nullptr) return info;
    for (FileUnderWay& file : vault->files_under_way(kFilesUnderWayMax)) {
        api::FileUnderWay told;
        if (!api::is_utf8(file.path)) told.path_hex = hex(as_bytes(file.path));
        told.path = std::move(file.path);
        told.size = file.size;
        told.absent_bytes = file.absent_bytes;
        told.rate = file.rate;
        info.files_under_way.push_back(std::move(told));
    }
    return info;
}

void ManagedVault::note_sightings() {
    Vault* vault = this->vault();
    if (vault == nullptr) return;
    Result<VaultSyncStatus> sync = services_.sync.status(vault->id());
    if (!sync.ok()) return;
    const VaultStatus status = vault->status();
    note_sightings(*sync, status.unmerged_segments == 0 && status.pending_records == 0);
}

void ManagedVault::note_sightings(const VaultSyncStatus& sync, bool is_settled) {
    std::set<DeviceId> connected;
    for (const PeerStatus& peer : sync.peers) connected.insert(peer.device);
    const std::int64_t now_ms = std::max<std::int64_t>(0, services_.clock.wall_ms());
    sightings_.look(connected, is_settled && sync.in_step && !connected.empty(),
                    static_cast<std::uint64_t>(now_ms));
}

std::vector<api::DeviceInfo> ManagedVault::members() {
    std::vector<api::DeviceInfo> devices;
    Vault* vault = this->vault();
    Replica* replica = vault == nullptr ? nullptr : vault->replica();
    if (replica == nullptr) return devices;
    std::set<DeviceId> connected;
    const VaultStatus status = vault->status();
    if (Result<VaultSyncStatus> sync = services_.sync.status(vault->id()); sync.ok()) {
        for (const PeerStatus& peer : sync->peers) connected.insert(peer.device);
        note_sightings(*sync, status.unmerged_segments == 0 && status.pending_records == 0);
    }
    for (const Member& member : replica->members()) {
        api::DeviceInfo device;
        device.id = member.device.to_hex();
        device.label = member.label;
        device.vault = name();
        device.role = role_text(member.role);
        device.is_this_device = member.device == replica->device();
        device.is_connected = connected.contains(member.device);
        device.is_revoked = member.is_revoked;
        device.last_seen_ms = sightings_.last_seen_ms(member.device);
        add_audit(*replica, member, device);
        for (const HeldSegments& held : status.held)
            if (held.device == member.device) device.held_segments = held.segments;
        device.is_held_back = std::ranges::count(status.held_back, member.device) > 0;
        devices.push_back(std::move(device));
    }
    return devices;
}

Result<std::vector<ConflictEntry>> ManagedVault::conflicts() {
    TRY(Vault * vault, unlocked_vault());
    return vault->conflicts();
}

Status ManagedVault::resolve_conflict(const std::string& path, ConflictChoice keep) {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    return vault->resolve_conflict(path, keep);
}

Result<api::ExplainAnswer> ManagedVault::explain(const std::string& path) {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    Replica* replica = vault->replica();
    if (vault->is_blind()) return blind_error();
    if (!vault->is_unlocked() || replica == nullptr) return explain_locked(path);
    FileSituation situation;
    situation.path = path;
    TRY(situation.file, vault->explain(path));
    TRY(KeepReport kept, vault->keep(path));
    situation.is_on_demand = kept.keep == Keep::OnDemand;
    const api::VaultConfig chosen = config();
    situation.is_paused = chosen.paused;
    situation.is_metered = is_metered_;
    if (chosen.paused_until_ms != 0) {
        const auto seconds = static_cast<std::time_t>(chosen.paused_until_ms / 1000);
        situation.paused_until = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
    }
    situation.has_unmerged = vault->has_unmerged();
    if (Result<VaultSyncStatus> sync = services_.sync.status(vault->id()); sync.ok())
        situation.sync = std::move(*sync);
    for (const Member& member : replica->members())
        if (!member.is_revoked && member.device != replica->device())
            situation.others.push_back(member);
    situation.frontier = replica->frontier();
    api::ExplainAnswer answer = explain_file(situation);
    answer.type = type_text(situation.file.type);
    return answer;
}

Result<CheckReport> ManagedVault::check(bool rebuilds_index, bool mends_index) {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    TRY(CheckReport report, vault->check());
    if (mends_index && std::ranges::any_of(report.errors, [](const std::string& error) {
            return error.find("--rebuild-index") != std::string::npos || error.starts_with("index");
        }))
        rebuilds_index = true;
    if (!rebuilds_index) return report;
    TRY_OK(vault->rebuild_index());
    report.notes.emplace_back("the index was thrown away; the next unlock makes it anew");
    return report;
}

Result<VaultHistory*> ManagedVault::history() {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    return &vault->history();
}

Result<CollectionReport> ManagedVault::collect(bool is_dry_run) {
    TRY(Vault * vault, unlocked_vault());
    return vault->collect(is_dry_run);
}

Status ManagedVault::revoke(const DeviceId& device) {
    TRY(Vault * vault, unlocked_vault());
    return vault->revoke(device);
}

Status ManagedVault::retire(const DeviceId& device) {
    TRY(Vault * vault, unlocked_vault());
    return vault->retire(device);
}

Result<std::uint64_t> ManagedVault::adopt(const DeviceId& device) {
    TRY(Vault * vault, unlocked_vault());
    return vault->adopt(device);
}

Result<Transfers*> ManagedVault::transfers() {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    static_cast<void>(vault);
    return transfers_.get();
}

Result<FileSystem*> ManagedVault::files() {
    TRY(Vault * vault, unlocked_vault());
    note_use();
    return &vault->files();
}

Result<Bytes> ManagedVault::make_offer() {
    TRY(Vault * vault, unlocked_vault());
    return vault->make_offer(name());
}

Result<Bytes> ManagedVault::admit(ByteView request, MemberRole role) {
    TRY(Vault * vault, unlocked_vault());
    return vault->admit(request, role);
}

// ---- being in step ------------------------------------------------------------------------------

Status ManagedVault::publish(std::chrono::steady_clock::time_point deadline) {
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    if (!vault_ || !vault_->is_unlocked()) return {};
    return runner_->publish_now(deadline);
}

std::vector<std::string> ManagedVault::missing(const api::WaitForVault& request) {
    std::vector<std::string> missing;
    Vault* vault = this->vault();
    if (vault == nullptr) return {fmt::format("vault {} could not be opened", name())};
    for (const api::MirrorInfo& mirror : mirrors()) {
        if (mirror.state == mirror_phase_text(MirrorPhase::Scanning) ||
            mirror.state == mirror_phase_text(MirrorPhase::Syncing)) {
            missing.push_back(
                fmt::format("the mirror in {} is {}", mirror.directory, mirror.state));
        } else if (mirror.state == mirror_phase_text(MirrorPhase::Stopped) ||
                   mirror.state == mirror_phase_text(MirrorPhase::Held)) {
            missing.push_back(fmt::format(
                "the mirror in {} {}", mirror.directory,
                mirror.problem.empty() ? "holds deletes" : "does not run: " + mirror.problem));
        }
    }
    for (const api::HeldRewritesInfo& held : held_rewrites())
        missing.push_back(fmt::format("the brake holds what {} rewrote (lockstep brake show)",
                                      held.is_own ? "this device" : held.label));
    if (vault->publish_due()) missing.push_back("local changes are not published yet");
    if (request.is_published_only || !missing.empty()) return missing;

    Replica* replica = vault->replica();
    Result<VaultSyncStatus> sync = services_.sync.status(vault->id());
    if (replica == nullptr || !sync.ok()) {
        return {"this device has never unlocked the vault, so it does not sync yet"};
    }
    if (vault->is_unlocked() && vault->has_unmerged()) {
        missing.push_back("received changes are not merged yet");
    }
    if (sync->missing_segments > 0) {
        missing.push_back(fmt::format("{} segments are not here yet", sync->missing_segments));
    }
    const std::size_t missing_packs = replica->missing_packs().size();
    if (missing_packs > 0)
        missing.push_back(fmt::format("{} packs are not here yet", missing_packs));

    if (vault->is_unlocked() && vault->status().is_selecting)
        missing.push_back("it is not known yet which packs are to be fetched");

    const std::vector<api::PeerInfo> peers = peers_of(*replica, *sync, sightings_);
    std::uint64_t copies = 0;
    std::string unproven;
    bool is_any_connected = false;
    for (const api::PeerInfo& peer : peers) {
        if (!peer.is_connected) continue;
        is_any_connected = true;
        if (!peer.is_in_step) {
            missing.push_back(peer.missing_packs > 0
                                  ? fmt::format("{} lacks {} packs", peer.label, peer.missing_packs)
                                  : fmt::format("{} is not in step yet", peer.label));
        } else if (peer.left_out_packs == 0) {
            if (peer.role != role_text(MemberRole::Blind) || is_proven_copy(*replica, peer))
                ++copies;
            else
                unproven += (unproven.empty() ? "" : ", ") + peer.label;
        }
    }
    if (!peers.empty() && !is_any_connected) missing.push_back("no other device is connected");
    if (copies < request.copies) {
        missing.push_back(
            fmt::format("{} of {} other devices hold everything", copies, request.copies));
        if (!unproven.empty())
            missing.push_back(fmt::format("{} has not shown yet that it does", unproven));
    }
    if (missing.empty() && vault->is_unlocked()) {
        const VaultStatus status = vault->status();
        if (status.pending_records > 0) {
            missing.push_back(
                fmt::format("{} changes are not published yet", status.pending_records));
        }
    }
    return missing;
}

}  // namespace lockstep
