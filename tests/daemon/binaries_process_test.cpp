// lockstepd as a process: starting, refusing, stopping; and what the CLI says without it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/http/client.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

TEST(ProcessTest, WithoutADaemonTheCliSaysHowToStartItAndExits4) {
    LockstepHome home;
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {"status"}, {"vault", "list"}, {"wait", "v"}, {"events"}, {"ls", "v:"}}) {
        Ran ran = home.run(arguments);
        EXPECT_EQ(ran.exit_code, 4) << arguments[0];
        EXPECT_NE(ran.errors.find("systemctl --user start lockstepd"), std::string::npos);
    }
    EXPECT_EQ(home.run({"status", "--json"}).json()["error"]["code"], "daemon_not_running");
}

TEST(ProcessTest, UsageMistakesExit2AndHelpHasExamples) {
    LockstepHome home;
    EXPECT_EQ(home.run({"nonsense"}).exit_code, 2);
    EXPECT_EQ(home.run({"vault", "create"}).exit_code, 2);
    EXPECT_EQ(home.run({}).exit_code, 2);
    Ran help = home.must({"--help"});
    EXPECT_NE(help.output.find("Examples:"), std::string::npos);
    for (const char* verb : {"mount", "invite", "join", "status", "wait", "get"}) {
        EXPECT_NE(home.must({verb, "--help"}).output.find("Examples:"), std::string::npos) << verb;
    }
    EXPECT_EQ(home.must({"--version"}).output, "lockstep 0.1.0\n");
}

TEST(ProcessTest, AMistypedWordIsAnsweredWithWhatMayHaveBeenMeant) {
    LockstepHome home;
    const std::vector<std::pair<std::vector<std::string>, std::string>> slips = {
        {{"statsu"}, "'status'"},
        {{"vault", "unlcok", "papers"}, "'unlock'"},
        {{"status", "--jsno"}, "'--json'"},
        {{"mount", "papers", "--raed-only"}, "'--read-only'"}};
    for (const auto& [words, meant] : slips) {
        Ran ran = home.run(words);
        EXPECT_EQ(ran.exit_code, 2);
        EXPECT_NE(ran.errors.find("did you mean " + meant), std::string::npos) << ran.errors;
    }
    EXPECT_EQ(home.run({"nonsense"}).errors.find("did you mean"), std::string::npos);
}

TEST(ProcessTest, AFreshDaemonHasAStatusAndPrivateFiles) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    const nlohmann::json status = home.must({"status", "--json"}).json();
    EXPECT_EQ(status["vaults"].size(), 0U);
    EXPECT_EQ(status["device"]["id"].get<std::string>().size(), 64U);
    EXPECT_GT(status["listenPort"].get<int>(), 0);
    auto mode = [](const fs::path& path) {
        struct stat found {};
        EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
        return found.st_mode & 0777U;
    };
    EXPECT_EQ(mode(home.socket()), 0600U);
    EXPECT_EQ(mode(home.socket().parent_path()), 0700U);
    EXPECT_EQ(mode(home / "state" / "device.key"), 0600U);
    EXPECT_EQ(home.stop(), 0);
    EXPECT_FALSE(fs::exists(home.socket()));
}

TEST(ProcessTest, IdentityAndPortSurviveARestart) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    const nlohmann::json before = home.must({"status", "--json"}).json();
    EXPECT_EQ(home.stop(), 0);
    ASSERT_TRUE(home.start());
    const nlohmann::json after = home.must({"status", "--json"}).json();
    EXPECT_EQ(before["device"]["id"], after["device"]["id"]);
    EXPECT_EQ(before["listenPort"], after["listenPort"]);
}

TEST(ProcessTest, ASecondDaemonForOneHomeIsRefused) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    const std::string command = "LOCKSTEP_HOME=" + home.path().native() +
                                " " LOCKSTEP_BIN_DIR "/lockstepd 2>" + (home / "second").native();
    const int state = std::system(command.c_str());
    EXPECT_EQ(WEXITSTATUS(state), 11);
    EXPECT_NE(read_text(home / "second").find("another lockstepd runs"), std::string::npos);
    home.must({"status"});
}

TEST(ProcessTest, AKilledDaemonLeavesNothingInTheWay) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    home.kill();
    EXPECT_EQ(home.run({"status"}).exit_code, 4);
    ASSERT_TRUE(home.start());
    home.must({"status"});
}

TEST(ProcessTest, ABrokenConfigurationIsNamedByBothBinaries) {
    LockstepHome home;
    fs::create_directories(home / "config");
    write_text(home / "config" / "config.toml", "[network]\nrelais = []\n");
    EXPECT_FALSE(home.start());
    EXPECT_NE(home.log().find("config.toml:2: unknown key 'relais'"), std::string::npos);
    Ran check = home.run({"config", "check"});
    EXPECT_EQ(check.exit_code, 26);
    EXPECT_NE(check.errors.find("config.toml:2"), std::string::npos);
}

TEST(ProcessTest, OtherLimitsAreSwitchedByHandUntilTheHoursSayTheSame) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    home.must({"config", "set", "network.alternative.limit_up", "100"});
    EXPECT_EQ(home.must({"status", "--json"}).json()["alternativeLimits"], false);
    home.must({"config", "set", "network.alternative.now", "on"});
    const auto status = [&] { return home.must({"status", "--json"}).json(); };
    EXPECT_EQ(status()["alternativeLimits"], true);
    EXPECT_EQ(status()["limitUp"], 100 * 1024);
    EXPECT_EQ(home.stop(), 0);
    ASSERT_TRUE(home.start());
    EXPECT_EQ(status()["limitUp"], 100 * 1024);
    EXPECT_NE(home.must({"status"}).output.find("the alternative ones"), std::string::npos);
    home.must({"config", "set", "network.alternative.now", "off"});
    EXPECT_EQ(status()["limitUp"], 0);
    EXPECT_EQ(status()["alternativeUp"], 100 * 1024);
    EXPECT_EQ(home.must({"config", "get", "network.alternative.now"}).output, "schedule\n");
    home.must({"config", "set", "network.alternative.hours", "mon-sun 00:00-24:00"});
    EXPECT_EQ(status()["alternativeLimits"], true);
    EXPECT_EQ(home.run({"config", "set", "network.alternative.hours", "always"}).exit_code, 2);
    EXPECT_EQ(home.run({"config", "set", "network.alternative.now", "yes"}).exit_code, 2);
}

TEST(ProcessTest, SettingsAndRelaysAreKept) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    home.must({"config", "set", "device.name", "laptop"});
    home.must({"relay", "add", "http://127.0.0.1:9"});
    EXPECT_EQ(home.run({"relay", "add", "http://127.0.0.1:9/"}).exit_code, 1);
    EXPECT_EQ(home.run({"relay", "add", "nonsense"}).exit_code, 2);
    EXPECT_EQ(home.run({"relay", "test", "http://127.0.0.1:9"}).exit_code, 1);
    EXPECT_EQ(home.run({"config", "set", "device.colour", "x"}).exit_code, 2);
    home.must({"relay", "add", "srv:relays.example"});
    home.must({"relay", "add", "http://127.0.0.1:9", "--weight", "3"});
    EXPECT_EQ(home.run({"relay", "add", "http://127.0.0.1:9", "--weight", "0"}).exit_code, 2);
    home.must({"config", "set", "network.relay_strategy", "weighted"});
    EXPECT_EQ(home.run({"config", "set", "network.relay_strategy", "best"}).exit_code, 2);
    EXPECT_EQ(home.stop(), 0);
    ASSERT_TRUE(home.start());
    EXPECT_EQ(home.must({"config", "get", "device.name"}).output, "laptop\n");
    auto relays = home.must({"relay", "list", "--json"}).json();
    EXPECT_EQ(relays["strategy"], "weighted");
    EXPECT_EQ(relays["relays"][0]["url"], "srv:relays.example");
    EXPECT_EQ(relays["relays"][1]["url"], "http://127.0.0.1:9");
    EXPECT_EQ(relays["relays"][1]["weight"], 3);
    EXPECT_EQ(relays["relays"][1]["state"], "unknown");
    EXPECT_NE(home.must({"relay", "list"}).output.find("weight 3"), std::string::npos);
    home.must({"relay", "remove", "srv:relays.example"});
    home.must({"relay", "remove", "http://127.0.0.1:9"});
    EXPECT_EQ(home.run({"relay", "remove", "http://127.0.0.1:9"}).exit_code, 10);
    home.must({"config", "check"});
    EXPECT_EQ(home.must({"config", "path"}).output,
              (home / "config" / "config.toml").native() + "\n");
}

TEST(ProcessTest, TheDaemonAnswersFailuresAsTheContractSays) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    HttpClient client = HttpClient::over_unix(home.socket());
    auto ask = [&](const std::string& method, const std::string& path,
                   const std::string& body = {}) {
        HttpRequest request;
        request.method = method;
        request.path = path;
        request.body = body;
        auto response = client.request(request, seconds(10));
        EXPECT_TRUE(response.ok());
        return std::move(response).value();
    };
    EXPECT_EQ(ask("GET", "/v1/nothing").status, 404);
    HttpResponse wrong_method = ask("POST", "/v1/status");
    EXPECT_EQ(wrong_method.status, 405);
    EXPECT_EQ(*wrong_method.header("Allow"), "GET");
    HttpResponse unknown_key = ask("POST", "/v1/vaults", R"({"nome":"x"})");
    EXPECT_EQ(unknown_key.status, 400);
    const auto error = nlohmann::json::parse(unknown_key.body)["error"];
    EXPECT_EQ(error["code"], "invalid");
    EXPECT_EQ(error["message"], "unknown key 'nome'");
    EXPECT_EQ(error["resource"], "/v1/vaults");
    EXPECT_FALSE(error["requestId"].get<std::string>().empty());
    EXPECT_EQ(ask("GET", "/v1/vaults/none").status, 404);
    EXPECT_EQ(ask("GET", "/v1/events?since=x").status, 404);  // '?' is part of this path
}

TEST(ProcessTest, EventsAreReplayedFromANumberAndResyncedAfterAGap) {
    LockstepHome home;
    ASSERT_TRUE(home.start());
    const auto since = home.must({"status", "--json"}).json()["sequence"].get<std::uint64_t>();
    home.must({"config", "set", "device.name", "a"});
    home.must({"config", "set", "device.name", "b"});
    HttpClient client = HttpClient::over_unix(home.socket());
    auto first_events = [&](std::uint64_t after, std::size_t count) {
        HttpRequest request;
        request.path = "/v1/events";
        request.query = {{"since", std::to_string(after)}};
        std::vector<HttpEvent> events;
        Status ended = client.stream_events(request, [&](const HttpEvent& event) {
            events.push_back(event);
            return events.size() < count;
        });
        EXPECT_TRUE(ended.ok());
        return events;
    };
    auto events = first_events(since, 2);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].id, std::to_string(since + 1));
    EXPECT_EQ(events[1].id, std::to_string(since + 2));
    EXPECT_EQ(events[0].event, "config.changed");
    auto lost = first_events(1, 1);
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].event, "resync");
}

TEST(ProcessTest, AnotherUserIsNotServed) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    LockstepHome home;
    ASSERT_TRUE(home.start());
    // Let everybody reach the socket, so that only the check of the peer's user is left.
    for (fs::path path = home.socket(); path != home.path().parent_path();
         path = path.parent_path()) {
        ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
    }
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
        HttpClient client = HttpClient::over_unix(home.socket());
        HttpRequest request;
        request.path = "/healthz";
        ::_exit(client.request(request, seconds(10)).ok() ? 1 : 0);
    }
    int state = 0;
    ASSERT_EQ(::waitpid(child, &state, 0), child);
    EXPECT_EQ(WEXITSTATUS(state), 0);
    home.must({"status"});
}

}  // namespace
}  // namespace lockstep
