#include "tests/daemon/lockstep_home.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/http/client.h"
#include "base/unique_fd.h"

namespace lockstep {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kStartMax{30};

std::string binary(const char* name) {
    return std::string(LOCKSTEP_BIN_DIR) + "/" + name;
}

// In the child: never returns.
[[noreturn]] void execute(std::vector<std::string> words, const fs::path& home) {
    ::setenv("LOCKSTEP_HOME", home.c_str(), 1);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
    std::vector<char*> values;
    for (std::string& word : words) values.push_back(word.data());
    values.push_back(nullptr);
    ::execv(values[0], values.data());
    ::_exit(127);
}

// Waits for a child's end; kills it when it takes too long.
int wait_for(pid_t child, std::chrono::seconds patience) {
    const auto deadline = steady_clock::now() + patience;
    int state = 0;
    while (::waitpid(child, &state, WNOHANG) == 0) {
        if (steady_clock::now() > deadline) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &state, 0);
            return -1;
        }
        ::poll(nullptr, 0, 5);
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

}  // namespace

LockstepHome::LockstepHome() {
    write_text(password_file(), "correct horse\n");
}

LockstepHome::~LockstepHome() {
    if (is_running()) stop();
    // Only what a killed daemon left below this directory.
    std::ifstream mounts("/proc/self/mountinfo");
    std::vector<std::string> left;
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream fields(line);
        std::string field, point;
        for (int i = 0; i < 4; ++i) fields >> field;
        fields >> point;
        if (point.starts_with(path().native() + "/")) left.push_back(point);
    }
    for (const std::string& point : left) ::umount2(point.c_str(), MNT_DETACH);
    if (testing::Test::HasFailure()) std::fprintf(stderr, "---- daemon's log\n%s", log().c_str());
}

bool LockstepHome::start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), binary("lockstepd"));
    daemon_ = ::fork();
    if (daemon_ == 0) {
        UniqueFd log_file(
            ::open((*this / "daemon.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
        ::dup2(log_file.get(), STDOUT_FILENO);
        ::dup2(log_file.get(), STDERR_FILENO);
        execute(std::move(arguments), path());
    }
    const auto deadline = steady_clock::now() + kStartMax;
    while (steady_clock::now() < deadline) {
        int state = 0;
        if (::waitpid(daemon_, &state, WNOHANG) == daemon_) {
            daemon_ = 0;
            return false;
        }
        HttpClient client = HttpClient::over_unix(socket());
        HttpRequest request;
        request.path = "/healthz";
        if (client.request(request, std::chrono::seconds(5)).ok()) return true;
        ::poll(nullptr, 0, 10);
    }
    kill();
    return false;
}

int LockstepHome::stop() {
    ::kill(daemon_, SIGTERM);
    return wait_for(std::exchange(daemon_, 0), std::chrono::seconds(25));
}

void LockstepHome::kill() {
    ::kill(daemon_, SIGKILL);
    ::waitpid(std::exchange(daemon_, 0), nullptr, 0);
}

Ran LockstepHome::run(const std::vector<std::string>& arguments, const std::string& input,
                      std::chrono::seconds patience) const {
    static std::atomic<int> runs = 0;  // several may be under way
    const std::string base = "run-" + std::to_string(++runs);
    const fs::path in = *this / (base + ".in"), out = *this / (base + ".out"),
                   errors = *this / (base + ".err");
    write_text(in, input);
    std::vector<std::string> words = arguments;
    words.insert(words.begin(), binary("lockstep"));
    const pid_t child = ::fork();
    if (child == 0) {
        UniqueFd from(::open(in.c_str(), O_RDONLY));
        UniqueFd to(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
        UniqueFd to_errors(::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
        ::dup2(from.get(), STDIN_FILENO);
        ::dup2(to.get(), STDOUT_FILENO);
        ::dup2(to_errors.get(), STDERR_FILENO);
        execute(std::move(words), path());
    }
    Ran ran;
    ran.exit_code = wait_for(child, patience);
    ran.output = read_text(out);
    ran.errors = read_text(errors);
    return ran;
}

Ran LockstepHome::must(const std::vector<std::string>& arguments, const std::string& input) const {
    Ran ran = run(arguments, input);
    std::string words;
    for (const std::string& word : arguments) words += " " + word;
    EXPECT_EQ(ran.exit_code, 0) << "lockstep" << words << "\n" << ran.output << ran.errors;
    return ran;
}

Ran LockstepHome::create(const std::string& name, const std::string& mount) const {
    std::vector<std::string> arguments = {
        "vault",         "create",       name, "--passphrase-file",
        password_file(), "--kdf-memory", "64", "--json"};
    if (!mount.empty()) {
        arguments.push_back("--mount");
        arguments.push_back(mount);
    }
    return must(arguments);
}

std::string LockstepHome::log() const {
    return read_text(*this / "daemon.log");
}

bool can_mount() {
    if (::access("/dev/fuse", R_OK | W_OK) == 0) return true;
    std::fprintf(stderr, "no access to /dev/fuse: nothing can be mounted here\n");
    return false;
}

std::string read_text(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

void write_text(const fs::path& file, const std::string& text) {
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream << text;
}

}  // namespace lockstep
