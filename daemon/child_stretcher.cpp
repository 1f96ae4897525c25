#include "daemon/child_stretcher.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/unique_fd.h"

extern char** environ;

namespace lockstep {

namespace {

constexpr std::size_t kRequestSizeMax = kStretchedPassphraseSizeMax + 64;
constexpr std::size_t kMessageSizeMax = 1024;
constexpr std::size_t kAnswerSizeMax = kMessageSizeMax + 64;
constexpr std::uint8_t kStretched = 0;  // else 1 + the ErrorKind

struct Connection {
    UniqueFd ours, childs;
};

// A socket and not two pipes: writing to a child that is gone is an error there, not a signal.
Result<Connection> connect() {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return Error{ErrorKind::Io, std::string("socketpair: ") + std::strerror(errno)};
    return Connection{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

bool send_all(int fd, ByteView data) {
    while (!data.empty()) {
        const ssize_t size = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return false;
        data = data.subspan(static_cast<std::size_t>(size));
    }
    return true;
}

// Everything up to the end, but not more than `size_max`. Allocated once: no copy of a secret stays
// behind in memory that was given back.
Bytes read_all(int fd, std::size_t size_max) {
    Bytes all(size_max);
    std::size_t used = 0;
    while (used < all.size()) {
        const ssize_t size = ::read(fd, all.data() + used, all.size() - used);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        used += static_cast<std::size_t>(size);
    }
    all.resize(used);
    return all;
}

Bytes encode_request(const SecretBytes& passphrase, const PassphraseSalt& salt,
                     const PassphraseCost& cost) {
    Encoder out;
    out.id(salt).u64(cost.memory_bytes).u32(cost.operations);
    out.bytes(passphrase.reveal());  // last: nothing is copied into a longer buffer after it
    return std::move(out).take();
}

Result<pid_t> start(const std::string& program, int connection) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, connection, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, connection, STDOUT_FILENO);
    // The daemon blocks the signals that stop it; the child is to be stopped by them.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::string name = "lockstepd", argument = kStretchArgument;
    std::array<char*, 3> arguments{name.data(), argument.data(), nullptr};
    pid_t child = 0;
    const int failed =
        ::posix_spawn(&child, program.c_str(), &files, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failed == 0) return child;
    return Error{failed == ENOMEM ? ErrorKind::NoSpace : ErrorKind::Io,
                 std::string("cannot start the process that stretches the passphrase: ") +
                     std::strerror(failed)};
}

int wait_for(pid_t child) {
    int state = 0;
    while (::waitpid(child, &state, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    return state;
}

Error child_died(int state) {
    const std::string who = "the process that stretches the passphrase ";
    // What the kernel does to the largest process when memory runs out.
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL)
        return {ErrorKind::NoSpace, who + "was killed: is there too little memory?"};
    if (WIFSIGNALED(state))
        return {ErrorKind::Io, who + "was ended by signal " + std::to_string(WTERMSIG(state))};
    return {ErrorKind::Io, who + "ended without an answer"};
}

Result<StretchedPassphrase> decode_answer(ByteView answer, int state) {
    if (answer.empty()) return child_died(state);
    Decoder in(answer);
    const std::uint8_t outcome = in.u8();
    if (outcome == kStretched) {
        const ByteView key = in.raw(AnySecretKey::kSize);
        if (!in.finish().ok()) return child_died(state);
        return StretchedPassphrase::from(key);
    }
    std::string message = in.text(kMessageSizeMax);
    if (!in.finish().ok() || outcome > 1 + static_cast<std::uint8_t>(ErrorKind::Loop))
        return child_died(state);
    return Error{static_cast<ErrorKind>(outcome - 1), std::move(message)};
}

Result<StretchedPassphrase> stretch_request(ByteView request) {
    Decoder in(request);
    const auto salt = in.id<PassphraseSalt>();
    PassphraseCost cost;
    cost.memory_bytes = in.u64();
    cost.operations = in.u32();
    const SecretBytes passphrase(in.bytes(kStretchedPassphraseSizeMax));
    TRY_OK(in.finish());
    return stretch_passphrase(passphrase, salt, cost);
}

// No core file, no debugger, gone with its parent, and the first to go when memory runs out.
void prepare_child() {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::prctl(PR_SET_DUMPABLE, 1);  // else /proc/self belongs to root for the next line
    if (UniqueFd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)); score.ok())
        static_cast<void>(::write(score.get(), "1000", 4) == 4);
    ::prctl(PR_SET_DUMPABLE, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

}  // namespace

Result<StretchedPassphrase> ChildStretcher::stretch(const SecretBytes& passphrase,
                                                    const PassphraseSalt& salt,
                                                    const PassphraseCost& cost) {
    if (passphrase.size() > kStretchedPassphraseSizeMax)
        return Error{ErrorKind::TooLarge, "the passphrase is longer than 1 MiB"};
    MutexLock lock(mutex_);
    TRY(Connection connection, connect());
    TRY(const pid_t child, start(program_, connection.childs.get()));
    connection.childs.reset();

    Bytes asked = encode_request(passphrase, salt, cost);
    // A child that does not read says more by its end than by our EPIPE.
    static_cast<void>(send_all(connection.ours.get(), asked));
    wipe(asked);
    ::shutdown(connection.ours.get(), SHUT_WR);
    Bytes answered = read_all(connection.ours.get(), kAnswerSizeMax);
    const WipeAtEnd wiped(answered);
    return decode_answer(answered, wait_for(child));
}

int run_stretch_child() {
    prepare_child();
    Bytes request = read_all(STDIN_FILENO, kRequestSizeMax);
    const Result<StretchedPassphrase> stretched = stretch_request(request);
    wipe(request);
    Encoder out;
    if (stretched.ok()) {
        out.u8(kStretched).raw(stretched->reveal());
    } else {
        const Error& error = stretched.error();
        out.u8(static_cast<std::uint8_t>(1 + static_cast<int>(error.kind)));
        out.text(std::string_view(error.message).substr(0, kMessageSizeMax));
    }
    Bytes answer = std::move(out).take();
    const bool is_told = send_all(STDOUT_FILENO, answer);
    wipe(answer);
    return is_told ? 0 : 1;
}

}  // namespace lockstep
