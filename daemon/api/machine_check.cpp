#include "daemon/api/machine_check.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <set>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace lockstep::api {

namespace {

constexpr std::uint64_t kMib = 1 << 20;
constexpr std::uint64_t kSpaceMin = 256 * kMib;
constexpr std::uint64_t kInodesMin = 1000;
constexpr std::uint64_t kWatchesWanted = 65536;  // folders of mirrors
// Other programs (editors, desktops) use instances of the same user.
constexpr std::uint64_t kInstancesOfOthers = 64;
constexpr std::uint64_t kDescriptorsWanted = 1024;

// ---- looking ------------------------------------------------------------------------------------

std::uint64_t number_in(const char* file, std::uint64_t fallback) {
    std::ifstream in(file);
    std::uint64_t number = fallback;
    return in >> number ? number : fallback;
}

std::optional<fs::path> program_named(const char* name) {
    const char* path = std::getenv("PATH");
    std::string list = path == nullptr ? std::string() : std::string(path);
    list += ":/usr/bin:/bin:/usr/local/bin";
    for (std::size_t begin = 0; begin <= list.size();) {
        const std::size_t end = std::min(list.find(':', begin), list.size());
        const fs::path candidate = fs::path(list.substr(begin, end - begin)) / name;
        if (candidate.is_absolute() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
        begin = end + 1;
    }
    return std::nullopt;
}

bool gives_privileges(const fs::path& program) {
    struct stat status {};
    if (::stat(program.c_str(), &status) != 0) return false;
    const bool is_setuid = (status.st_mode & S_ISUID) != 0 && status.st_uid == 0;
    return is_setuid || ::getxattr(program.c_str(), "security.capability", nullptr, 0) > 0;
}

bool may_gain_privileges() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("NoNewPrivs:")) return line.ends_with('0');
    return true;
}

void look_at_fuse(MachineFacts& facts) {
    facts.has_fuse_device = ::access("/dev/fuse", F_OK) == 0;
    facts.may_open_fuse_device = ::access("/dev/fuse", R_OK | W_OK) == 0;
    facts.needs_fusermount = ::geteuid() != 0;
    const std::optional<fs::path> program = program_named("fusermount3");
    facts.has_fusermount = program.has_value();
    facts.is_fusermount_setuid = program && gives_privileges(*program);
    facts.may_gain_privileges = may_gain_privileges();
}

void look_at_descriptors(MachineFacts& facts) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptors_max = limit.rlim_cur;
    std::error_code failure;
    for (fs::directory_iterator item("/proc/self/fd", failure), end; !failure && item != end;
         item.increment(failure))
        ++facts.descriptors_open;
}

void look_at_space(MachineFacts& facts, const fs::path& directory, std::set<dev_t>& seen) {
    struct stat status {};
    struct statvfs space {};
    if (::stat(directory.c_str(), &status) != 0 || !seen.insert(status.st_dev).second) return;
    if (::statvfs(directory.c_str(), &space) != 0) return;
    const bool has_inodes = space.f_files > 0;
    facts.spaces.push_back(
        {directory.native(), space.f_bavail * space.f_frsize,
         has_inodes ? space.f_favail : std::numeric_limits<std::uint64_t>::max()});
}

// ---- judging ------------------------------------------------------------------------------------

// One area's findings, collected.
class Findings {
  public:
    void add(const char* severity, std::string id, std::string what, std::string advice,
             std::string fix) {
        out_.push_back(
            {std::move(id), severity, {}, std::move(what), std::move(advice), std::move(fix)});
    }
    std::vector<FindingInfo> take() { return std::move(out_); }

  private:
    std::vector<FindingInfo> out_;
};

void judge_fuse(const MachineFacts& facts, Findings& out) {
    const char* weight = facts.wants_mounts ? severity::kProblem : severity::kNote;
    constexpr const char* kMeans = "Vaults cannot be shown as folders; everything else works.";
    if (!facts.has_fuse_device) {
        return out.add(weight, "fuse.device", "there is no /dev/fuse", kMeans,
                       "sudo modprobe fuse     (a container: start it with --device /dev/fuse)");
    }
    if (!facts.may_open_fuse_device)
        out.add(weight, "fuse.access", "this user may not open /dev/fuse", kMeans,
                "sudo chmod 666 /dev/fuse");
    if (!facts.needs_fusermount) return;
    if (!facts.has_fusermount) {
        return out.add(weight, "fuse.fusermount", "fusermount3 is not installed", kMeans,
                       "sudo apt install fuse3");
    }
    if (!facts.is_fusermount_setuid)
        out.add(weight, "fuse.setuid", "fusermount3 is not setuid root", kMeans,
                "sudo apt install --reinstall fuse3");
    if (!facts.may_gain_privileges)
        out.add(weight, "fuse.privileges",
                "this process may gain no privileges, so fusermount3 cannot mount",
                "A drop-in that hardens the unit implies NoNewPrivileges.",
                "systemctl --user revert lockstepd && systemctl --user restart lockstepd");
}

void judge_limits(const MachineFacts& facts, Findings& out) {
    if (facts.inotify_instances_max < facts.watched_folders + kInstancesOfOthers)
        out.add(severity::kProblem, "inotify.instances",
                fmt::format("{} inotify instances are allowed, and {} folders are watched",
                            facts.inotify_instances_max, facts.watched_folders),
                "Where none is left changes are noticed late.",
                "sudo sysctl -w fs.inotify.max_user_instances=1024");
    if (facts.inotify_watches_max < kWatchesWanted)
        out.add(facts.mirrors > 0 ? severity::kProblem : severity::kNote, "inotify.watches",
                fmt::format("{} inotify watches are allowed: one for each folder of a mirror",
                            facts.inotify_watches_max),
                "Above that changes in mirrors are noticed late.",
                "sudo sysctl -w fs.inotify.max_user_watches=1048576");
    const bool is_nearly_used = facts.descriptors_open * 10 > facts.descriptors_max * 8;
    if (facts.descriptors_max < kDescriptorsWanted || is_nearly_used)
        out.add(severity::kProblem, "files.limit",
                fmt::format("{} of {} open files are used", facts.descriptors_open,
                            facts.descriptors_max),
                "Where none is left connections and reads fail.",
                "systemctl --user edit lockstepd     ([Service], then LimitNOFILE=65536; a shell: "
                "ulimit -n 65536)");
}

void judge_space(const MachineFacts& facts, Findings& out) {
    for (const DirectorySpace& space : facts.spaces) {
        if (space.free_bytes < kSpaceMin)
            out.add(severity::kProblem, "space.bytes",
                    fmt::format("{} MiB are free where {} lies", space.free_bytes / kMib,
                                space.directory),
                    "Where none is left writes to vaults fail, and nothing is fetched.",
                    "lockstep vault gc V     (frees what a vault V does not need; lockstep evict "
                    "V:PATH what other devices keep)");
        if (space.free_inodes < kInodesMin)
            out.add(severity::kProblem, "space.inodes",
                    fmt::format("{} more files can be made where {} lies", space.free_inodes,
                                space.directory),
                    "The file system has run out of inodes, not of bytes.",
                    "df -i " + space.directory + "     (then delete what is many and small)");
    }
}

// Whether somebody else listens there. Only that is an answer: a port we may not have says so when
// the daemon starts.
bool is_taken(std::uint16_t port, int type) {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    if (!fd.ok()) return false;
    const int yes = 1;
    if (type == SOCK_STREAM) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    sockaddr generic{};
    static_assert(sizeof generic == sizeof address);
    std::memcpy(&generic, &address, sizeof address);
    return ::bind(fd.get(), &generic, sizeof generic) != 0 && errno == EADDRINUSE;
}

}  // namespace

MachineFacts look_at_machine(const DataPaths& paths, const Config& config, bool may_mount) {
    MachineFacts facts;
    if (may_mount) look_at_fuse(facts);
    std::set<dev_t> seen;
    for (const fs::path& directory :
         {paths.state_directory, paths.data_directory, paths.config_directory})
        look_at_space(facts, directory, seen);
    for (const VaultConfig& vault : config.vaults) {
        facts.wants_mounts = facts.wants_mounts || (may_mount && !vault.mounts.empty());
        facts.mirrors += vault.mirrors.size();
        look_at_space(facts, vault.directory, seen);
    }
    facts.watched_folders = config.vaults.size() + facts.mirrors;
    facts.inotify_instances_max =
        number_in("/proc/sys/fs/inotify/max_user_instances", facts.inotify_instances_max);
    facts.inotify_watches_max =
        number_in("/proc/sys/fs/inotify/max_user_watches", facts.inotify_watches_max);
    look_at_descriptors(facts);
    timex clock{};
    const int state = ::adjtimex(&clock);
    facts.is_clock_kept = state < 0 || (clock.status & STA_UNSYNC) == 0;
    return facts;
}

std::vector<FindingInfo> judge_machine(const MachineFacts& facts) {
    Findings out;
    judge_fuse(facts, out);
    judge_limits(facts, out);
    judge_space(facts, out);
    if (!facts.is_clock_kept)
        out.add(severity::kNote, "clock.unkept", "nobody keeps this machine's clock right",
                "Of two edits made apart, the clocks say which is newer.",
                "sudo timedatectl set-ntp true");
    return out.take();
}

std::vector<FindingInfo> judge_port(std::uint16_t port) {
    Findings out;
    if (port != 0 && (is_taken(port, SOCK_STREAM) || is_taken(port, SOCK_DGRAM)))
        out.add(severity::kProblem, "port.taken",
                fmt::format("port {} is taken by another program", port),
                "lockstepd cannot listen for other devices there.",
                fmt::format("sudo ss -tulpn 'sport = :{}'     (says who has it; or choose another "
                            "[network] listen_port in config.toml)",
                            port));
    return out.take();
}

FindingInfo missing_daemon(const std::string& message) {
    return {"daemon.missing",
            severity::kProblem,
            {},
            message,
            "Nothing is synced or mounted until it runs.",
            "systemctl --user start lockstepd     (or, in a terminal of its own: lockstepd)"};
}

}  // namespace lockstep::api
