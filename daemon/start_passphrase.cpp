#include "daemon/start_passphrase.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"

extern char** environ;

namespace lockstep {

namespace {

using api::SecretText;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

Error errno_error(std::string_view what) {
    return {ErrorKind::Io, fmt::format("{}: {}", what, std::strerror(errno))};
}

Result<SecretText> checked(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    const bool is_valid = api::is_utf8(text) && text.find('\0') == std::string::npos;
    SecretText secret(std::move(text));
    if (secret.empty()) return Error{ErrorKind::Invalid, "the passphrase is empty"};
    if (!is_valid) return Error{ErrorKind::Invalid, "a passphrase must be UTF-8 without NUL"};
    return secret;
}

// To the end. Allocated once, so that no copy stays behind in memory that was given back.
Result<std::string> read_all(int fd, steady_clock::time_point deadline) {
    std::string text(kStartPassphraseSizeMax + 1, '\0');
    std::size_t used = 0;
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        pollfd wait{fd, POLLIN, 0};
        const int ready = left <= 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left));
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
                                       : Error{ErrorKind::Invalid, "longer than 4096 bytes"};
        api::wipe(text);
        return error;
    }
}

// In a process group of its own, so that all of it can be ended. The daemon blocks the signals that
// stop it and ignores some: the command is to have them as usual.
Result<pid_t> start(const std::string& command, int output) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
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

Result<SecretText> from_command(const std::string& command, milliseconds patience) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe");
    UniqueFd reading(ends[0]), writing(ends[1]);
    TRY(const pid_t child, start(command, writing.get()));
    writing.reset();
    Result<std::string> text = read_all(reading.get(), steady_clock::now() + patience);
    // Whatever it has left behind in its group ends with it.
    if (!text.ok()) ::kill(-child, SIGKILL);
    int state = 0;
    while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    TRY(std::string output, std::move(text));
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        api::wipe(output);
        return Error{ErrorKind::Invalid, "it failed"};
    }
    return checked(std::move(output));
}

// The service manager's directory holds files that only this service may read.
Result<std::optional<SecretText>> from_credential(const std::string& vault) {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr || *directory != '/') return std::optional<SecretText>();
    for (const std::string& name : {"passphrase." + vault, std::string("passphrase")}) {
        // A vault's name has no '/': it names no file elsewhere.
        const std::string path = fmt::format("{}/{}", directory, name);
        UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!file.ok() && errno == ENOENT) continue;
        if (!file.ok()) return errno_error(path);
        Result<std::string> text =
            read_all(file.get(), steady_clock::now() + kPassphraseCommandTime);
        if (!text.ok()) return std::move(text).error().in(path);
        Result<SecretText> secret = checked(std::move(*text));
        if (!secret.ok()) return std::move(secret).error().in(path);
        return std::optional<SecretText>(std::move(*secret));
    }
    return std::optional<SecretText>();
}

}  // namespace

Result<std::optional<SecretText>> start_passphrase(const api::VaultConfig& vault,
                                                   milliseconds patience) {
    if (vault.passphrase_command.empty()) return from_credential(vault.name);
    Result<SecretText> secret = from_command(vault.passphrase_command, patience);
    if (!secret.ok()) return std::move(secret).error().in("passphrase_command");
    return std::optional<SecretText>(std::move(*secret));
}

}  // namespace lockstep
