#include "daemon/service_manager.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

namespace lockstep {

namespace {

constexpr int kFirstPassedDescriptor = 3;
constexpr std::uint64_t kPassedDescriptorsMax = 16;

std::optional<std::uint64_t> number_in_environment(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    std::uint64_t number = 0;
    const char* end = value + std::strlen(value);
    auto [stop, failure] = std::from_chars(value, end, number);
    if (failure != std::errc{} || stop != end) return std::nullopt;
    return number;
}

bool is_for_us(const char* pid_name) {
    const auto pid = number_in_environment(pid_name);
    return pid && *pid == static_cast<std::uint64_t>(::getpid());
}

bool is_listening_at(int fd, const std::filesystem::path& path) {
    int listens = 0;
    socklen_t size = sizeof(listens);
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
        return false;
    sockaddr_un address{};
    size = sizeof(address);
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
    return address.sun_family == AF_UNIX && path.native() == address.sun_path;
}

}  // namespace

void notify_service_manager(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
    const std::size_t size = std::strlen(path);
    if (size >= sizeof(address.sun_path)) return;
    std::memcpy(address.sun_path, path, size);
    if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.ok()) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
    if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length) < 0) {
        log_warning("daemon", "the service manager could not be told '{}'", state);
    }
}

std::string reloading_state() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                       now.tv_sec * 1'000'000 + now.tv_nsec / 1000);
}

std::chrono::microseconds watchdog_interval() {
    const auto interval = number_in_environment("WATCHDOG_USEC");
    if (!interval || *interval > std::uint64_t{1} << 50U) return {};
    // Without the number it is for whoever has the variable.
    if (std::getenv("WATCHDOG_PID") != nullptr && !is_for_us("WATCHDOG_PID")) return {};
    return std::chrono::microseconds(*interval);
}

UniqueFd inherited_socket(const std::filesystem::path& path) {
    const std::uint64_t count =
        is_for_us("LISTEN_PID")
            ? std::min(number_in_environment("LISTEN_FDS").value_or(0), kPassedDescriptorsMax)
            : 0;
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    UniqueFd found;
    for (int fd = kFirstPassedDescriptor; fd < kFirstPassedDescriptor + static_cast<int>(count);
         ++fd) {
        UniqueFd passed(fd);
        if (found.ok() || !is_listening_at(fd, path)) {
            log_warning("daemon", "a descriptor passed by the service manager is not {}",
                        path.native());
            continue;
        }
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        found = std::move(passed);
    }
    return found;
}

}  // namespace lockstep
