#include "daemon/mount_users.h"

#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kUsersShownMax = 8;
constexpr std::size_t kProcessesMax = 100'000;
constexpr std::string_view kDeleted = " (deleted)";

bool is_below(const std::string& path, const std::string& directory) {
    return path.starts_with(directory) &&
           (path.size() == directory.size() || path[directory.size()] == '/');
}

// Where a link of /proc leads, when that is below `directory`.
std::optional<std::string> target_below(const fs::path& link, const std::string& directory) {
    std::error_code failure;
    std::string target = fs::read_symlink(link, failure).native();
    if (failure || !is_below(target, directory)) return std::nullopt;
    if (target.ends_with(kDeleted)) target.resize(target.size() - kDeleted.size());
    return target;
}

std::optional<std::string> open_below(const fs::path& process, const std::string& directory) {
    std::error_code failure;
    for (fs::directory_iterator item(process / "fd", failure), end; !failure && item != end;
         item.increment(failure)) {
        if (auto path = target_below(item->path(), directory)) return path;
    }
    return std::nullopt;
}

std::optional<std::string> mapped_below(const fs::path& process, const std::string& directory) {
    std::ifstream maps(process / "maps");
    for (std::string line; std::getline(maps, line);) {
        const std::size_t slash = line.find('/');
        if (slash == std::string::npos) continue;
        std::string path = line.substr(slash);
        if (!is_below(path, directory)) continue;
        if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
        return path;
    }
    return std::nullopt;
}

std::optional<MountUser> use_by(const fs::path& process, const std::string& directory) {
    for (const char* link : {"cwd", "root"}) {
        if (auto path = target_below(process / link, directory))
            return MountUser{.process = 0, .program = {}, .path = *path, .works_there = true};
    }
    std::optional<std::string> path = open_below(process, directory);
    if (!path) path = mapped_below(process, directory);  // its program is mapped, too
    if (!path) return std::nullopt;
    return MountUser{.process = 0, .program = {}, .path = *path, .works_there = false};
}

std::string program_of(const fs::path& process) {
    std::ifstream file(process / "comm");
    std::string name;
    std::getline(file, name);
    return name;
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// File systems that somebody has mounted below this one.
void add_mounts_below(const std::string& directory, std::vector<MountUser>& users) {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line) && users.size() < kUsersShownMax;) {
        std::istringstream fields(line);
        std::string field, point;
        for (int i = 0; i < 4; ++i) fields >> field;
        fields >> point;
        if (point != directory && is_below(point, directory))
            users.push_back({.process = 0, .program = {}, .path = point, .works_there = false});
    }
}

}  // namespace

std::vector<MountUser> users_of(const fs::path& directory) {
    std::vector<MountUser> users;
    add_mounts_below(directory.native(), users);
    const std::string own = std::to_string(::getpid());
    std::size_t seen = 0;
    std::error_code failure;
    for (fs::directory_iterator item("/proc", failure), end;
         !failure && item != end && users.size() < kUsersShownMax && seen < kProcessesMax;
         item.increment(failure), ++seen) {
        const std::string name = item->path().filename().native();
        if (!is_number(name) || name == own) continue;
        std::optional<MountUser> user = use_by(item->path(), directory.native());
        if (!user) continue;
        user->process = static_cast<pid_t>(std::stol(name));
        user->program = program_of(item->path());
        users.push_back(std::move(*user));
    }
    return users;
}

std::string describe(const std::vector<MountUser>& users) {
    std::string text;
    for (const MountUser& user : users) {
        if (!text.empty()) text += ", ";
        if (user.process == 0) {
            text += "something is mounted at " + user.path;
        } else {
            text += fmt::format("{} ({}) ", user.program, user.process);
            text += user.works_there ? "works in " + user.path : "has " + user.path + " open";
        }
    }
    return text;
}

}  // namespace lockstep
