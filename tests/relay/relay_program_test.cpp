// The lockstep-relay binary: starts, answers, stops on a signal, says nothing of addresses.
#include <csignal>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/http/client.h"
#include "base/unique_fd.h"
#include "relay/protocol/announce.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

constexpr std::chrono::seconds kTestPatience{20};

// A child process whose stderr is a pipe that the test reads.
class Program {
  public:
    explicit Program(std::vector<std::string> arguments) {
        int ends[2] = {};
        CHECK(::pipe2(ends, O_CLOEXEC) == 0);
        out_ = UniqueFd(ends[0]);
        UniqueFd in(ends[1]);
        arguments.insert(arguments.begin(), LOCKSTEP_RELAY_PROGRAM);
        std::vector<char*> argv;
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        pid_ = ::fork();
        CHECK(pid_ >= 0);
        if (pid_ == 0) {
            ::dup2(in.get(), STDERR_FILENO);
            ::dup2(in.get(), STDOUT_FILENO);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~Program() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    // Reads up to and with the first `text`, or to the end.
    std::string read_until(std::string_view text) {
        std::string got;
        char byte = 0;
        while (got.find(text) == std::string::npos && ::read(out_.get(), &byte, 1) == 1)
            got += byte;
        return got;
    }
    std::string read_to_end() { return read_until(std::string_view("\0\0never", 7)); }
    void signal(int number) const { ::kill(pid_, number); }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

  private:
    pid_t pid_ = -1;
    UniqueFd out_;
};

std::uint16_t port_in(const std::string& log) {
    std::size_t at = log.find(" port ");
    CHECK(at != std::string::npos);
    return static_cast<std::uint16_t>(std::stoi(log.substr(at + 6)));
}

TEST(RelayProgramTest, ServesUntilASignalAndExitsCleanly) {
    for (int number : {SIGTERM, SIGINT}) {
        Program relay({"--listen", "127.0.0.1:0"});
        std::uint16_t port = port_in(relay.read_until("\n"));
        HttpClient client = HttpClient::over_tcp("127.0.0.1", port);
        EXPECT_EQ(client.request({.path = "/healthz"}, kTestPatience)->body, "ok\n");
        relay.signal(number);
        EXPECT_NE(relay.read_to_end().find("stopping"), std::string::npos);
        EXPECT_EQ(relay.wait(), 0);
    }
}

TEST(RelayProgramTest, LogsNoAddressesOfPeersByDefault) {
    for (bool is_debug : {false, true}) {
        Program relay(
            {"--listen", "127.0.0.1:0", is_debug ? "--log-level=debug" : "--log-level=info"});
        HttpClient client = HttpClient::over_tcp("127.0.0.1", port_in(relay.read_until("\n")));
        HttpFields query = encode_announce_query({.port = 6881});
        ASSERT_TRUE(client.request({.path = "/announce", .query = query}, kTestPatience).ok());
        relay.signal(SIGTERM);
        EXPECT_EQ(relay.read_to_end().find("127.0.0.1") != std::string::npos, is_debug);
    }
}

TEST(RelayProgramTest, SaysWhatIsWrongAndExits2ForUsage1ForTheWorld) {
    Program usage({"--nope"});
    EXPECT_NE(usage.read_to_end().find("unknown option '--nope'"), std::string::npos);
    EXPECT_EQ(usage.wait(), 2);
    Program first({"--listen", "127.0.0.1:0"});
    std::string port = std::to_string(port_in(first.read_until("\n")));
    Program second({"--listen", "127.0.0.1:" + port});
    EXPECT_NE(second.read_to_end().find("cannot listen"), std::string::npos);
    EXPECT_EQ(second.wait(), 1);
}

TEST(RelayProgramTest, HelpShowsExamplesAndVersionAVersion) {
    Program help({"--help"});
    EXPECT_NE(help.read_to_end().find("Examples:"), std::string::npos);
    EXPECT_EQ(help.wait(), 0);
    Program version({"--version"});
    EXPECT_TRUE(version.read_to_end().starts_with("lockstep-relay "));
    EXPECT_EQ(version.wait(), 0);
}

}  // namespace
}  // namespace lockstep
