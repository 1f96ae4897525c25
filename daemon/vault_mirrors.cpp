#include "daemon/vault_mirrors.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace lockstep {

namespace {

std::filesystem::path state_file(const std::filesystem::path& directory,
                                 const api::MirrorConfig& mirror) {
    return directory / (mirror.identity + ".db");
}

}  // namespace

std::string_view mirror_phase_text(MirrorPhase phase) {
    switch (phase) {
        case MirrorPhase::Scanning:
            return "scanning";
        case MirrorPhase::Syncing:
            return "syncing";
        case MirrorPhase::UpToDate:
            return "up to date";
        case MirrorPhase::Held:
            return "held";
        case MirrorPhase::Stopped:
            return "stopped";
    }
    CHECK(false, "a MirrorPhase outside its enumeration");
}

FolderMirror* VaultMirrors::find(const std::string& directory) const {
    const auto at = std::ranges::find(running_, directory, &Running::directory);
    return at == running_.end() ? nullptr : at->mirror.get();
}

bool VaultMirrors::is_running(const std::string& directory) const {
    MutexLock lock(mutex_);
    return find(directory) != nullptr;
}

Status VaultMirrors::start(const api::MirrorConfig& mirror) {
    if (is_running(mirror.directory)) return {};
    Result<std::unique_ptr<FolderMirror>> started = FolderMirror::start(
        files_, environment_.clock, environment_.random,
        MirrorOptions{.directory = mirror.directory,
                      .vault_path = mirror.path,
                      .identity = mirror.identity,
                      .state_file = state_file(environment_.state_directory, mirror),
                      .device_label = environment_.device_label,
                      .has_brake = mirror.has_brake,
                      .begin_meeting = environment_.begin_meeting});
    MutexLock lock(mutex_);
    if (!started.ok()) {
        failures_[mirror.directory] = started.error().message;
        return std::move(started).error();
    }
    failures_.erase(mirror.directory);
    (*started)->set_listener(on_news_);
    running_.push_back({mirror.directory, std::move(*started)});
    return {};
}

void VaultMirrors::stop(const std::string& directory) {
    std::unique_ptr<FolderMirror> stopped;  // ends without the lock: that may take a while
    MutexLock lock(mutex_);
    failures_.erase(directory);
    const auto at = std::ranges::find(running_, directory, &Running::directory);
    if (at == running_.end()) return;
    stopped = std::move(at->mirror);
    running_.erase(at);
}

void VaultMirrors::stop_all() {
    std::vector<Running> stopped;
    MutexLock lock(mutex_);
    stopped.swap(running_);
    failures_.clear();
}

void VaultMirrors::clean_up(const std::filesystem::path& state_directory,
                            const api::MirrorConfig& mirror) {
    FolderMirror::remove_marker(mirror.directory, mirror.identity);
    MirrorState::remove_files(state_file(state_directory, mirror));
}

api::MirrorInfo VaultMirrors::info(const api::MirrorConfig& mirror) const {
    api::MirrorInfo info;
    info.directory = mirror.directory;
    info.path = mirror.path;
    info.has_brake = mirror.has_brake;
    info.state = mirror_phase_text(MirrorPhase::Stopped);
    MutexLock lock(mutex_);
    const FolderMirror* running = find(mirror.directory);
    if (running == nullptr) {
        const auto failure = failures_.find(mirror.directory);
        if (failure != failures_.end()) info.problem = failure->second;
        return info;
    }
    const MirrorStatus status = running->status();
    info.state = mirror_phase_text(status.phase);
    info.problem = status.problem;
    info.files = status.files;
    info.pending = status.pending;
    info.imported = status.counts.imported;
    info.exported = status.counts.exported;
    info.renamed = status.counts.renamed;
    info.deleted = status.counts.deleted;
    info.conflicts = status.counts.conflicts;
    info.held_in_vault = status.held.in_vault;
    info.held_in_folder = status.held.in_folder;
    info.held_examples = status.held.examples;
    for (const auto& [path, problem] : status.problems)
        info.problems.push_back(fmt::format("{}: {}", path, problem));
    // A folder may hold names that are no UTF-8, and JSON may not.
    for (std::vector<std::string>* texts : {&info.held_examples, &info.problems})
        std::erase_if(*texts, [](const std::string& text) { return !api::is_utf8(text); });
    return info;
}

void VaultMirrors::release_brake() {
    MutexLock lock(mutex_);
    for (const Running& each : running_) each.mirror->release_brake();
}

Result<IgnoreRules::Verdict> VaultMirrors::ignore_verdict(const std::string& directory,
                                                          const std::string& path) const {
    MutexLock lock(mutex_);
    const FolderMirror* running = find(directory);
    if (running == nullptr) return Error{ErrorKind::Locked, "the mirror does not run"};
    return running->ignore_verdict(path);
}

}  // namespace lockstep
