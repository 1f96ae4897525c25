// ManagedVault: events about the files of a vault.
#include <fmt/format.h>

#include "daemon/api/config.h"
#include "daemon/managed_vault.h"

namespace lockstep {

namespace {

// What goes on for long is told in longer and longer pauses: a tree of 100,000 files that comes in
// makes tens of events, not thousands.
constexpr std::chrono::seconds kPauseMin{1}, kPauseMax{30};

std::string_view verb_of(DifferenceKind kind) {
    switch (kind) {
        case DifferenceKind::Added:
            return "added";
        case DifferenceKind::Removed:
            return "removed";
        case DifferenceKind::Changed:
            return "changed";
        case DifferenceKind::Renamed:
            return "renamed or moved";
        case DifferenceKind::Attributes:
            return "changed attributes of";
    }
    CHECK(false, "a DifferenceKind outside its enumeration");
}

api::ChangedFile changed_file(std::string path) {
    api::ChangedFile file;
    if (!api::is_utf8(path)) file.path_hex = hex(as_bytes(path));
    file.path = std::move(path);
    return file;
}

}  // namespace

std::string_view difference_kind_text(DifferenceKind kind) {
    switch (kind) {
        case DifferenceKind::Added:
            return "added";
        case DifferenceKind::Removed:
            return "removed";
        case DifferenceKind::Changed:
            return "changed";
        case DifferenceKind::Renamed:
            return "renamed";
        case DifferenceKind::Attributes:
            return "attributes";
    }
    CHECK(false, "a DifferenceKind outside its enumeration");
}

void ManagedVault::tell_changes(Vault& vault) {
    const auto now = services_.clock.steady();
    if (now < changes_due_) return;
    // A lock that comes in between takes the names away afterwards.
    MutexLock lock(telling_);
    std::vector<ChangeNews> news = vault.take_news();
    if (news.empty()) {
        changes_pause_ = kPauseMin;
        return;
    }
    changes_due_ = now + changes_pause_;
    changes_pause_ = std::min(changes_pause_ * 2, kPauseMax);
    std::map<DeviceId, std::string> labels;
    if (Replica* replica = vault.replica())
        for (const Member& member : replica->members()) labels[member.device] = member.label;
    for (ChangeNews& one : news) {
        const std::uint64_t count = one.paths.size() + one.more;
        EventLog::Happened event{
            .type = "vault.files", .vault = name(), .subject = one.device.to_hex(), .message = {}};
        event.device_label = labels[one.device];
        event.kind = difference_kind_text(one.kind);
        event.more = one.more;
        for (std::string& path : one.paths) event.files.push_back(changed_file(std::move(path)));
        event.message = fmt::format("{} {} {} {}", event.device_label, verb_of(one.kind), count,
                                    count == 1 ? "file or folder" : "files and folders");
        services_.events.add(std::move(event));
    }
}

void ManagedVault::forget_changes() {
    MutexLock lock(telling_);
    services_.events.forget_files(name());
}

}  // namespace lockstep
