#include "daemon/api/passphrase_command.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "daemon/api/config.h"

extern char** environ;

namespace lockstep::api {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Error errno_error(std::string_view what) {
    return {ErrorKind::Io, fmt::format("{}: {}", what, std::strerror(errno))};
}

// What poll(2) waits, in milliseconds; -1: for any time.
int time_left(std::optional<steady_clock::time_point> deadline) {
    if (!deadline) return -1;
    const auto left = std::chrono::ceil<milliseconds>(*deadline - steady_clock::now()).count();
    return left <= 0 ? 0 : static_cast<int>(left);
}

// The daemon blocks the signals that stop it, and both programs ignore some: the command is to have
// them as usual.
Result<pid_t> start(const std::string& command, int output, bool may_ask) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    if (!may_ask) posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    const int flags =
        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (may_ask ? 0 : POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
    std::string shell = "sh", flag = "-c", text = command;
    std::array<char*, 4> arguments{shell.data(), flag.data(), text.data(), nullptr};
    pid_t child = 0;
    const int failed =
        ::posix_spawn(&child, "/bin/sh", &files, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failed == 0) return child;
    return Error{ErrorKind::Io, fmt::format("/bin/sh: {}", std::strerror(failed))};
}

}  // namespace

Result<SecretText> checked_passphrase(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    const bool is_valid = is_utf8(text) && text.find('\0') == std::string::npos;
    SecretText secret(std::move(text));
    if (secret.empty()) return Error{ErrorKind::Invalid, "the passphrase is empty"};
    if (!is_valid) return Error{ErrorKind::Invalid, "a passphrase must be UTF-8 without NUL"};
    return secret;
}

// Allocated once, so that no copy stays behind in memory that was given back.
Result<std::string> read_passphrase_text(int fd, std::optional<steady_clock::time_point> deadline) {
    std::string text(kPassphraseSizeMax + 1, '\0');
    std::size_t used = 0;
    while (true) {
        pollfd wait{fd, POLLIN, 0};
        const int ready = ::poll(&wait, 1, time_left(deadline));
        if (ready < 0 && errno == EINTR) continue;
        ssize_t size = -1;
        if (ready > 0) size = ::read(fd, text.data() + used, text.size() - used);
        if (ready > 0 && size < 0 && errno == EINTR) continue;
        if (size > 0) used += static_cast<std::size_t>(size);
        if (size > 0 && used < text.size()) continue;
        if (size == 0) {
            text.resize(used);
            return text;
        }
        const Error error = ready == 0 ? Error{ErrorKind::Timeout, "it took too long"}
                            : size < 0 ? errno_error("read")
                                       : Error{ErrorKind::TooLarge, "longer than 4096 bytes"};
        wipe(text);
        return error;
    }
}

Result<SecretText> passphrase_of_command(const std::string& command, const CommandManner& manner) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe");
    UniqueFd reading(ends[0]), writing(ends[1]);
    TRY(const pid_t child, start(command, writing.get(), manner.may_ask));
    writing.reset();
    std::optional<steady_clock::time_point> deadline;
    if (manner.patience) deadline = steady_clock::now() + *manner.patience;
    Result<std::string> text = read_passphrase_text(reading.get(), deadline);
    // Whatever it has left behind in its group ends with it.
    if (!text.ok()) ::kill(manner.may_ask ? child : -child, SIGKILL);
    int state = 0;
    while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    TRY(std::string output, std::move(text));
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        wipe(output);
        return Error{ErrorKind::Invalid, "it failed"};
    }
    return checked_passphrase(std::move(output));
}

}  // namespace lockstep::api
