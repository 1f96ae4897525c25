// The control API over TCP, its figures, and what the log says, of a real daemon.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/http/client.h"
#include "base/http/listen_socket.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 30s;

class ApiBinariesTest : public testing::Test {
  protected:
    void write_config(const std::string& text) const {
        std::filesystem::create_directories(home_ / "config");
        write_text(home_ / "config" / "config.toml", text);
    }

    // A daemon that listens over TCP, at a port that was free a moment ago.
    void serve_tcp() {
        for (int attempt = 0; attempt < 5 && !home_.is_running(); ++attempt) {
            port_ = open_tcp_listen_socket("127.0.0.1", 0).value().port;
            write_config("[api]\nlisten = \"127.0.0.1:" + std::to_string(port_) + "\"\n");
            home_.start();
        }
        ASSERT_TRUE(home_.is_running());
        token_ = read_text(home_ / "state" / "api.token");
        ASSERT_EQ(token_.size(), 65U);
        token_.pop_back();
    }

    std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    HttpFields good() const { return {{"Host", host()}, {"Authorization", "Bearer " + token_}}; }

    HttpResponse ask(HttpFields headers, const std::string& path = "/v1/status",
                     const std::string& method = "GET") const {
        HttpClient client = HttpClient::over_tcp("127.0.0.1", port_);
        auto response = client.request(
            {.method = method, .path = path, .headers = std::move(headers)}, kPatience);
        EXPECT_TRUE(response.ok()) << path;
        return response.ok() ? std::move(*response) : HttpResponse{.status = 0};
    }

    LockstepHome home_;
    std::uint16_t port_ = 0;
    std::string token_;
};

// Goal: neither another user's program nor a web page, also one whose name was made to resolve to
// this machine (DNS rebinding), gets an answer; who has the token does.
TEST_F(ApiBinariesTest, OverTcpOnlyTheTokensHolderIsAnswered) {
    serve_tcp();
    struct stat status {};
    ASSERT_EQ(::stat((home_ / "state" / "api.token").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(ask(good()).status, 200);

    const HttpField token{"Authorization", "Bearer " + token_};
    for (const char* path : {"/v1/status", "/healthz", "/metrics", "/v1/events", "/nothing"}) {
        EXPECT_EQ(ask({{"Host", host()}}, path).status, 401) << path;
        EXPECT_EQ(ask({{"Host", "evil.example:" + std::to_string(port_)}, token}, path).status,
                  403);
        EXPECT_EQ(ask({{"Host", host()}, {"Origin", "http://evil.example"}, token}, path).status,
                  403);
    }
    const HttpResponse preflight = ask({{"Host", host()},
                                        {"Origin", "http://evil.example"},
                                        {"Access-Control-Request-Method", "PUT"}},
                                       "/v1/config", "OPTIONS");
    EXPECT_EQ(preflight.status, 403);
    EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), nullptr);

    // A large body is refused before it is read.
    HttpClient client = HttpClient::over_tcp("127.0.0.1", port_);
    HttpRequest large{.method = "POST", .path = "/v1/vaults", .headers = {{"Host", host()}}};
    large.body.assign(1 << 20, 'x');
    auto answer = client.request(large, kPatience);
    EXPECT_EQ(answer.ok() ? answer->status : 401, 401);  // it may be cut off while it sends

    // The socket's clients need no token.
    home_.must({"status"});
}

TEST_F(ApiBinariesTest, OverTcpEventsAreFollowedAndReplayed) {
    serve_tcp();
    const std::uint64_t since = home_.must({"status", "--json"}).json()["sequence"];
    home_.must({"config", "set", "network.limit_up", "500"});
    home_.must({"config", "set", "network.limit_up", "0"});
    HttpClient client = HttpClient::over_tcp("127.0.0.1", port_);
    HttpRequest request{.path = "/v1/events", .headers = good()};
    request.query = {{"since", std::to_string(since)}};
    std::vector<std::string> types;
    const Status ended = client.stream_events(request, [&](const HttpEvent& event) {
        types.push_back(event.event);
        return types.size() < 2;
    });
    EXPECT_TRUE(ended.ok());
    EXPECT_EQ(types, (std::vector<std::string>{"config.changed", "config.changed"}));
}

TEST_F(ApiBinariesTest, NoAddressThatOthersReachIsTaken) {
    for (const char* listen : {"0.0.0.0:6980", "192.0.2.1:6980", "[::]:6980", "localhost:6980"}) {
        write_config(std::string("[api]\nlisten = \"") + listen + "\"\n");
        EXPECT_FALSE(home_.start()) << listen;
        const Ran check = home_.run({"config", "check"});
        EXPECT_EQ(check.exit_code, 26);
        EXPECT_NE(check.errors.find("config.toml:2"), std::string::npos) << check.errors;
    }
}

TEST_F(ApiBinariesTest, PromtoolAcceptsTheMetrics) {
    ASSERT_TRUE(home_.start());
    home_.create("papers");
    home_.must({"relay", "add", "http://127.0.0.1:1"});
    HttpClient client = HttpClient::over_unix(home_.socket());
    auto metrics = client.request({.path = "/metrics"}, kPatience);
    ASSERT_TRUE(metrics.ok());
    ASSERT_EQ(metrics->status, 200);
    EXPECT_NE(metrics->body.find("\nlockstepd_vault_unlocked{vault=\"papers\"} 1\n"),
              std::string::npos)
        << metrics->body;
    EXPECT_EQ(metrics->body.find(home_.path().native()), std::string::npos);
    if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "no promtool";
    write_text(home_ / "metrics", metrics->body);
    const std::string command = "promtool check metrics < '" + (home_ / "metrics").native() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << metrics->body;
}

TEST_F(ApiBinariesTest, LogLevelsCountAtOnceAndAfterAReload) {
    ASSERT_TRUE(home_.start());
    // Each refused request is a line of the area control at debug level.
    const auto debug_lines = [&] {
        HttpClient client = HttpClient::over_unix(home_.socket());
        const auto answer = client.request({.path = "/v1/log"}, kPatience);
        const auto log = nlohmann::json::parse(answer.value().body);
        std::size_t count = 0;
        for (const auto& line : log["lines"])
            count += line["area"] == "control" && line["level"] == "debug" ? 1U : 0U;
        return count;
    };
    const auto adds_a_line = [&] {
        const std::size_t before = debug_lines();
        home_.run({"vault", "show", "nothing"});
        return debug_lines() > before;
    };
    EXPECT_FALSE(adds_a_line());
    home_.must({"config", "set", "log.levels", "control=debug"});
    EXPECT_TRUE(adds_a_line());
    EXPECT_EQ(home_.must({"config", "get", "log.levels"}).output, "control=debug\n");
    EXPECT_EQ(home_.run({"config", "set", "log.levels", "contrl=debug"}).exit_code, 2);

    write_config("[log]\nlevel = \"error\"\n");
    ::kill(home_.daemon(), SIGHUP);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (adds_a_line() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(home_.must({"config", "get", "log.level"}).output, "error\n");
    EXPECT_FALSE(adds_a_line());
}

// Goal: what is secret or names something is in no part of the bundle, though the log is at its
// most talkative. Every needle is one that the daemon knows.
TEST_F(ApiBinariesTest, DiagnosticsHoldNoNameNoAddressAndNoSecret) {
    LockstepHome desk;
    const std::string canary = "zebrafinch";
    write_config("[device]\nname = \"" + canary + "-laptop\"\n[network]\nlan_discovery = false\n" +
                 "relays = [\"http://127.0.0.1:1/announce/" + canary + "\"]\n" +
                 "relay_tokens = [\"http://127.0.0.1:1 " + canary + "-token\"]\n");
    ASSERT_TRUE(home_.start({"--log-level", "debug"}));
    ASSERT_TRUE(desk.start());
    home_.create(canary + "-vault");
    home_.must({"put", canary + "-vault:" + canary + "-file.txt", "-"}, canary + " content");
    const std::string ticket = home_.must({"invite", canary + "-vault", "--yes"}).output;
    desk.must({"device", "rename", "self", canary + "-desk"});
    desk.must({"join", "-", "--name", "shared"}, ticket);
    desk.must({"wait", "shared", "--timeout", "60s"});
    home_.must({"wait", canary + "-vault", "--copies", "1", "--timeout", "60s"});
    home_.run({"vault", "unlock", canary + "-vault", "--passphrase-stdin"}, canary + " wrong\n");
    std::filesystem::create_directories(home_ / canary);
    home_.must({"mirror", "add", canary + "-vault", (home_ / canary / "mirror").native()});
    write_text(home_ / "data" / (canary + "-vault.vault") / "log" / (canary + "-foreign"), "x");

    const auto file = home_ / "bundle.tar.gz";
    const Ran made = home_.must({"diagnostics", file.native()});
    for (const char* part : {"README.txt", "versions.txt", "config.json", "status.json",
                             "findings.json", "metrics.txt", "log.txt"})
        EXPECT_NE(made.output.find(part), std::string::npos) << part;
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(home_.run({"diagnostics", file.native()}).exit_code, 1);  // nothing is replaced

    std::filesystem::create_directories(home_ / "opened");
    const std::string open =
        "tar -xzf '" + file.native() + "' -C '" + (home_ / "opened").native() + "'";
    ASSERT_EQ(std::system(open.c_str()), 0);
    const auto status_json = home_.must({"status", "--json"}).json();
    const std::vector<std::string> needles = {canary,
                                              "correct horse",
                                              "127.0.0.1",
                                              home_.path().native(),
                                              ticket.substr(0, 30),
                                              status_json["device"]["id"],
                                              status_json["vaults"][0]["id"]};
    std::size_t log_lines = 0;
    for (const auto& entry : std::filesystem::directory_iterator(home_ / "opened")) {
        const std::string text = read_text(entry.path());
        for (const std::string& needle : needles)
            EXPECT_EQ(text.find(needle), std::string::npos) << entry.path() << ": " << needle;
        if (entry.path().filename() == "log.txt")
            log_lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
        if (entry.path().filename() == "status.json") {
            const auto told = nlohmann::json::parse(text);
            EXPECT_EQ(told["vaults"][0]["state"], status_json["vaults"][0]["state"]);
            EXPECT_EQ(told["vaults"][0]["peers"].size(), 1U);
        }
    }
    EXPECT_GT(log_lines, 0U);
    // What is looked for is found where it is.
    EXPECT_NE(home_.log().find(home_.path().native()), std::string::npos);
}

TEST_F(ApiBinariesTest, WithoutADaemonDiagnosticsHoldWhatThereIs) {
    const Ran made = home_.must({"diagnostics", (home_ / "bundle.tar.gz").native(), "--json"});
    EXPECT_EQ(made.json()["daemon"], false);
    EXPECT_EQ(made.json()["entries"],
              nlohmann::json({"README.txt", "versions.txt", "findings.json"}));
}

}  // namespace
}  // namespace lockstep
