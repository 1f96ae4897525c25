#include "gui/models/vault_view.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <optional>

#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

struct VaultText {
    Q_DECLARE_TR_FUNCTIONS(VaultText)
};

const api::MirrorInfo* mirror_in_state(const api::VaultInfo& vault, std::string_view state) {
    const auto found = std::ranges::find(vault.mirrors, state, &api::MirrorInfo::state);
    return found == vault.mirrors.end() ? nullptr : &*found;
}

const api::MountInfo* failed_mount(const api::VaultInfo& vault) {
    const auto found = std::ranges::find_if(
        vault.mounts, [](const api::MountInfo& mount) { return !mount.problem.empty(); });
    return found == vault.mounts.end() ? nullptr : &*found;
}

QString lines_of(const std::vector<std::string>& sentences) {
    QStringList lines;
    for (const std::string& sentence : sentences) lines += text_of(sentence);
    return lines.join(QLatin1Char('\n'));
}

Look vault_look(const api::VaultInfo& vault) {
    if (vault.id.empty() || !vault.problem.empty() || !vault.alarms.empty()) return Look::Error;
    if (vault.state == "locked" && !is_blind(vault)) return Look::Locked;
    if (failed_mount(vault) != nullptr || mirror_in_state(vault, "stopped") != nullptr)
        return Look::Error;
    if (mirror_in_state(vault, "held") != nullptr || !vault.rewrites.empty()) return Look::Frozen;
    if (vault.conflicts > 0) return Look::Conflict;
    if (vault.is_paused) return Look::Paused;
    if (vault.status == "Syncing" || vault.status == "Scanning") return Look::Syncing;
    if (vault.status == "Disconnected" || vault.status == "Out of Sync") return Look::Disconnected;
    return Look::UpToDate;
}

void describe_error(const api::VaultInfo& vault, VaultView& view) {
    if (vault.id.empty()) {
        view.headline = VaultText::tr("Missing");
        view.explanation =
            VaultText::tr(
                "%1\nConnect the disk that it lies on and start the service again, or "
                "take the vault off the list; its files stay where they are.")
                .arg(text_of(vault.problem));
        view.action = VaultAction::Remove;
        return;
    }
    view.headline = VaultText::tr("Error");
    view.action = VaultAction::CheckVault;
    view.explanation = lines_of(vault.alarms);
    if (!vault.alarms.empty()) return;
    view.explanation = text_of(vault.problem);
    if (const api::MountInfo* mount = failed_mount(vault)) {
        view.explanation = text_of(mount->problem.empty() ? vault.problem : mount->problem);
        view.action = VaultAction::Remount;
    } else if (const api::MirrorInfo* mirror = mirror_in_state(vault, "stopped")) {
        view.explanation = VaultText::tr("The mirror in %1 has stopped: %2")
                               .arg(text_of(mirror->directory), text_of(mirror->problem));
    }
}

void describe_disconnected(const api::VaultInfo& vault, VaultView& view) {
    const bool is_behind = vault.status == "Out of Sync";
    view.headline = is_behind ? VaultText::tr("Out of sync") : VaultText::tr("Disconnected");
    view.explanation =
        is_behind
            ? VaultText::tr(
                  "Content is missing here, and no other device can be reached. It goes on by "
                  "itself when one is.")
            : VaultText::tr(
                  "No other device can be reached. What changes here is sent when one is.");
    view.action = is_blind(vault)              ? VaultAction::SetQuota
                  : folder_of(vault).isEmpty() ? VaultAction::Mount
                                               : VaultAction::OpenFolder;
}

void describe_blind(const api::VaultInfo& vault, VaultView& view) {
    view.headline = VaultText::tr("Holds for others");
    view.explanation =
        VaultText::tr("This device holds its content for others, and cannot read it.");
    view.action = VaultAction::SetQuota;
    if (vault.left_out_pack_bytes > 0)
        view.explanation +=
            QLatin1Char(' ') +
            VaultText::tr("%1 have no room here.").arg(size_text(vault.left_out_pack_bytes));
}

void describe_rewrites(const api::VaultInfo& vault, VaultView& view) {
    view.headline = VaultText::tr("Frozen (mass change)");
    view.explanation =
        VaultText::tr(
            "%1 rewrote many files to noise, as ransomware does. What it writes is held until you "
            "decide whether it goes through or is taken back.")
            .arg(text_of(vault.rewrites.front().label));
    view.action = VaultAction::ReviewDeletes;
}

void describe_up_to_date(const api::VaultInfo& vault, VaultView& view) {
    view.headline = VaultText::tr("Up to date");
    view.explanation =
        view.members == 0
            ? VaultText::tr("It is on this device only. Invite another one to have a second copy.")
            : VaultText::tr("All connected devices hold the same.");
    if (folder_of(vault).isEmpty())
        view.action = VaultAction::Mount;
    else
        view.action = view.members == 0 ? VaultAction::Invite : VaultAction::OpenFolder;
}

void describe(const api::VaultInfo& vault, VaultView& view) {
    switch (view.look) {
        case Look::Error:
            return describe_error(vault, view);
        case Look::Frozen: {
            const api::MirrorInfo* mirror = mirror_in_state(vault, "held");
            if (mirror == nullptr) return describe_rewrites(vault, view);
            const std::uint64_t held = mirror->held_in_vault + mirror->held_in_folder;
            view.headline = VaultText::tr("Frozen (mass change)");
            view.explanation = VaultText::tr(
                "%n file(s) would be deleted. Nothing is deleted before you agree; "
                "everything else goes on.",
                "", static_cast<int>(held));
            view.action = VaultAction::ReviewDeletes;
            return;
        }
        case Look::Conflict:
            view.headline = VaultText::tr("%n conflict(s)", "", static_cast<int>(vault.conflicts));
            view.explanation = VaultText::tr(
                "Two devices have changed the same file. Both versions are kept until "
                "you choose.");
            view.action = VaultAction::ResolveConflicts;
            return;
        case Look::Locked:
            view.headline = VaultText::tr("Locked");
            view.explanation = VaultText::tr(
                "Its files cannot be read on this device until it is unlocked. It is "
                "kept in step all the same.");
            view.action = VaultAction::Unlock;
            return;
        case Look::Paused:
            view.headline = VaultText::tr("Paused");
            view.explanation =
                vault.paused_until_ms == 0
                    ? VaultText::tr("Nothing is sent or received until you resume.")
                    : VaultText::tr("Nothing is sent or received until %1.")
                          .arg(moment_text(static_cast<std::int64_t>(vault.paused_until_ms),
                                           now_ms()));
            view.action = VaultAction::Resume;
            return;
        case Look::Syncing:
            view.headline =
                vault.status == "Scanning" ? VaultText::tr("Scanning") : VaultText::tr("Syncing");
            view.explanation = VaultText::tr("%1 down, %2 up.")
                                   .arg(rate_text(vault.receive_rate), rate_text(vault.send_rate));
            if (vault.pending_records > 0)
                view.explanation +=
                    QLatin1Char(' ') + VaultText::tr("%n change(s) wait to be published.", "",
                                                     static_cast<int>(vault.pending_records));
            view.action = VaultAction::Pause;
            return;
        case Look::Disconnected:
            return describe_disconnected(vault, view);
        case Look::UpToDate:
            if (is_blind(vault)) return describe_blind(vault, view);
            return describe_up_to_date(vault, view);
    }
}

}  // namespace

VaultView view_of(const api::VaultInfo& vault) {
    VaultView view;
    view.look = vault_look(vault);
    view.members = static_cast<int>(vault.peers.size());
    view.online =
        static_cast<int>(std::ranges::count(vault.peers, true, &api::PeerInfo::is_connected));
    const std::uint64_t total = vault.pack_bytes + vault.missing_pack_bytes;
    if (vault.missing_pack_bytes > 0) {
        view.permille = static_cast<int>(static_cast<double>(vault.pack_bytes) * 1000.0 /
                                         static_cast<double>(total));
        view.progress =
            VaultText::tr("%1 of %2").arg(size_text(vault.pack_bytes), size_text(total));
        const QString left = time_left_text(vault.missing_pack_bytes, vault.receive_rate);
        if (!left.isEmpty()) view.progress += QStringLiteral(", ") + left;
    }
    describe(vault, view);
    if (view.look == Look::UpToDate || view.look == Look::Disconnected)
        if (const QString stale = stale_text(vault, now_ms()); !stale.isEmpty())
            view.explanation += QLatin1Char('\n') + stale;
    return view;
}

bool is_blind(const api::VaultInfo& vault) {
    return vault.role == "blind";
}

QString member_text(const api::PeerInfo& peer, std::int64_t now_ms) {
    QString how = !peer.is_connected ? VaultText::tr("not connected")
                  : peer.is_in_step  ? VaultText::tr("in step")
                                     : VaultText::tr("syncing");
    if (!peer.is_connected)
        how += QStringLiteral(", ") +
               (peer.last_seen_ms == 0
                    ? VaultText::tr("no news yet")
                    : VaultText::tr("last news %1 ago")
                          .arg(age_text(now_ms - static_cast<std::int64_t>(peer.last_seen_ms))));
    if (peer.audit == "passed")
        how += QStringLiteral(", ") + VaultText::tr("has shown that it holds its copy");
    if (peer.audit == "failed")
        how += QStringLiteral(", ") + VaultText::tr("could not show its copy");
    return VaultText::tr("%1 (%2): %3").arg(text_of(peer.label), role_text(peer.role), how);
}

QString stale_text(const api::VaultInfo& vault, std::int64_t now_ms) {
    constexpr std::int64_t kDayMs = 86'400'000;
    QStringList lines;
    for (const api::PeerInfo& peer : vault.peers) {
        const std::int64_t age = now_ms - static_cast<std::int64_t>(peer.last_seen_ms);
        if (peer.is_connected || peer.last_seen_ms == 0 || age < kDayMs) continue;
        lines +=
            VaultText::tr("Last news from %1: %2 ago.").arg(text_of(peer.label), age_text(age));
    }
    return lines.join(QLatin1Char(' '));
}

Look look_of(const std::vector<api::VaultInfo>& vaults) {
    Look look = Look::UpToDate;
    for (const api::VaultInfo& vault : vaults) look = std::min(look, vault_look(vault));
    return look;
}

QString icon_name(Look look) {
    switch (look) {
        case Look::Error:
            return QStringLiteral("state-error");
        case Look::Frozen:
            return QStringLiteral("state-frozen");
        case Look::Conflict:
            return QStringLiteral("state-conflict");
        case Look::Locked:
            return QStringLiteral("state-locked");
        case Look::Paused:
            return QStringLiteral("state-paused");
        case Look::Syncing:
            return QStringLiteral("state-syncing");
        case Look::Disconnected:
            return QStringLiteral("state-disconnected");
        case Look::UpToDate:
            return QStringLiteral("state-up-to-date");
    }
    return {};
}

QString look_text(Look look) {
    switch (look) {
        case Look::Error:
            return VaultText::tr("Something needs your attention");
        case Look::Frozen:
            return VaultText::tr("A mass of changes waits for you");
        case Look::Conflict:
            return VaultText::tr("There are conflicts");
        case Look::Locked:
            return VaultText::tr("A vault is locked");
        case Look::Paused:
            return VaultText::tr("Paused");
        case Look::Syncing:
            return VaultText::tr("Syncing");
        case Look::Disconnected:
            return VaultText::tr("No other device can be reached");
        case Look::UpToDate:
            return VaultText::tr("Up to date");
    }
    return {};
}

QString action_text(VaultAction action) {
    switch (action) {
        case VaultAction::Remove:
            return VaultText::tr("&Take off the list…");
        case VaultAction::Remount:
            return VaultText::tr("&Mount again");
        case VaultAction::CheckVault:
            return VaultText::tr("&Check the vault");
        case VaultAction::ReviewDeletes:
            return VaultText::tr("&Review what is held…");
        case VaultAction::ResolveConflicts:
            return VaultText::tr("Resolve &conflicts…");
        case VaultAction::Unlock:
            return VaultText::tr("&Unlock…");
        case VaultAction::Resume:
            return VaultText::tr("&Resume");
        case VaultAction::Pause:
            return VaultText::tr("&Pause");
        case VaultAction::Invite:
            return VaultText::tr("&Invite a device…");
        case VaultAction::Mount:
            return VaultText::tr("Show as a &folder…");
        case VaultAction::SetQuota:
            return VaultText::tr("&Room for it…");
        case VaultAction::OpenFolder:
            return VaultText::tr("&Open folder");
    }
    return {};
}

QString folder_of(const api::VaultInfo& vault) {
    for (const api::MountInfo& mount : vault.mounts)
        if (mount.is_mounted) return text_of(mount.directory);
    if (vault.state == "locked" || vault.mirrors.empty()) return {};
    return text_of(vault.mirrors.front().directory);
}

QString folder_of(const api::VaultInfo& vault, const std::string& path) {
    if (vault.state == "locked") return {};
    const auto below = [&](const std::string& directory,
                           const std::string& shown) -> std::optional<QString> {
        const bool is_all = shown.empty();
        if (!is_all && path != shown && !path.starts_with(shown + '/')) return std::nullopt;
        const std::string rest =
            is_all ? path : path.substr(std::min(path.size(), shown.size() + 1));
        return text_of(rest.empty() ? directory : directory + '/' + rest);
    };
    for (const api::MountInfo& mount : vault.mounts)
        if (mount.is_mounted && mount.at_ms == 0)
            if (const auto found = below(mount.directory, mount.path)) return *found;
    for (const api::MirrorInfo& mirror : vault.mirrors)
        if (const auto found = below(mirror.directory, mirror.path)) return *found;
    return {};
}

}  // namespace lockstep::gui
