// Files of a vault through `lockstep ls`, `get`, `put`; waiting and pausing.
#include <functional>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/http/client.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

class FilesBinariesTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(home_.start());
        home_.create("papers");
    }
    LockstepHome home_;
};

TEST_F(FilesBinariesTest, WhatIsPutIsListedAndGot) {
    std::string content;
    for (int i = 0; i < 300'000; ++i) content += std::to_string(i);
    write_text(home_ / "in.bin", content);
    fs::permissions(home_ / "in.bin", fs::perms(0640));
    home_.must({"put", "papers:", home_ / "in.bin"});
    home_.must({"put", home_ / "in.bin", "papers:second.bin"});
    const nlohmann::json list = home_.must({"ls", "papers:", "--json"}).json();
    ASSERT_EQ(list["entries"].size(), 2U);
    EXPECT_EQ(list["entries"][0]["name"], "in.bin");
    EXPECT_EQ(list["entries"][0]["size"], content.size());
    EXPECT_EQ(list["entries"][0]["type"], "file");
    EXPECT_EQ(list["entries"][0]["mode"], 0640);

    home_.must({"get", "papers:in.bin", home_ / "out.bin"});
    EXPECT_EQ(read_text(home_ / "out.bin"), content);
    struct stat in {
    }, out{};
    ASSERT_EQ(::stat((home_ / "in.bin").c_str(), &in), 0);
    ASSERT_EQ(::stat((home_ / "out.bin").c_str(), &out), 0);
    EXPECT_EQ(in.st_mode, out.st_mode);
    EXPECT_EQ(in.st_mtim.tv_sec, out.st_mtim.tv_sec);
    EXPECT_EQ(in.st_mtim.tv_nsec, out.st_mtim.tv_nsec);
}

TEST_F(FilesBinariesTest, AnEmptyFileAndAReplacementWork) {
    home_.must({"put", "papers:a", "-"}, "");
    EXPECT_EQ(home_.must({"get", "papers:a", "-"}).output, "");
    home_.must({"put", "papers:a", "-"}, "now full");
    EXPECT_EQ(home_.must({"get", "papers:a", "-"}).output, "now full");
    EXPECT_EQ(home_.must({"ls", "papers:", "--json"}).json()["entries"].size(), 1U);
}

TEST_F(FilesBinariesTest, EventsNameTheFilesThatChangedUntilTheVaultIsLocked) {
    home_.must({"config", "set", "log.level", "debug"});
    home_.must({"put", "papers:letter.txt", "-"}, "x");
    // All events from the first that is kept to the one that `is_last` says.
    const auto events_until = [&](const std::function<bool(const nlohmann::json&)>& is_last) {
        nlohmann::json events = nlohmann::json::array();
        HttpRequest request;
        request.path = "/v1/events";
        request.query = {{"since", "0"}};
        HttpClient client = HttpClient::over_unix(home_.socket());
        const Status ended = client.stream_events(request, [&](const HttpEvent& event) {
            events.push_back(nlohmann::json::parse(event.data));
            return !is_last(events.back());
        });
        EXPECT_TRUE(ended.ok());
        return events;
    };
    const nlohmann::json added = events_until([](const nlohmann::json& event) {
                                     return event["type"] == "vault.files";
                                 }).back();
    const nlohmann::json self = home_.must({"device", "list", "--json"}).json()["devices"][0];
    EXPECT_EQ(added["vault"], "papers");
    EXPECT_EQ(added["kind"], "added");
    EXPECT_EQ(added["subject"], self["id"]);
    EXPECT_EQ(added["deviceLabel"], self["label"]);
    EXPECT_EQ(added["files"], nlohmann::json::parse(R"([{"path":"letter.txt","pathHex":""}])"));
    EXPECT_EQ(added["more"], 0);

    home_.must({"put", "papers:written just before.txt", "-"}, "x");
    home_.must({"vault", "lock", "papers"});
    const nlohmann::json after =
        events_until([](const nlohmann::json& event) { return event["type"] == "vault.locked"; });
    bool is_told = false;
    for (const nlohmann::json& event : after) {
        if (event["type"] != "vault.files") continue;
        EXPECT_TRUE(event["files"].empty()) << event;
        EXPECT_GE(event["more"], 1);
        is_told = true;
    }
    EXPECT_TRUE(is_told);
    EXPECT_EQ(after.dump().find(".txt"), std::string::npos);
    EXPECT_EQ(home_.log().find(".txt"), std::string::npos) << "the log names files";
}

TEST_F(FilesBinariesTest, OfAnUploadThatTheDaemonDidNotSurviveNothingStays) {
    const std::chrono::seconds patience(60);
    HttpClient client = HttpClient::over_unix(home_.socket());
    auto begun = client.request(
        {.method = "POST", .path = "/v1/vaults/papers/uploads", .body = R"({"path":"a"})"},
        patience);
    ASSERT_TRUE(begun.ok()) << begun.error().message;
    const std::string id = nlohmann::json::parse(begun->body)["id"];
    auto written = client.request({.method = "PUT",
                                   .path = "/v1/vaults/papers/transfers/" + id,
                                   .body = std::string(1 << 20, 'x')},
                                  patience);
    ASSERT_TRUE(written.ok());
    ASSERT_EQ(written->status, 200) << written->body;
    home_.kill();
    ASSERT_TRUE(home_.start());
    home_.must({"vault", "unlock", "papers", "--passphrase-file", home_.password_file()});
    EXPECT_EQ(home_.must({"ls", "papers:", "--json"}).json()["entries"].size(), 0U);
    EXPECT_EQ(home_.run({"history", "papers:a"}).exit_code, 10);
}

TEST_F(FilesBinariesTest, MistakesHaveTheirExitCodes) {
    EXPECT_EQ(home_.run({"get", "papers:nothing", "-"}).exit_code, 10);
    EXPECT_EQ(home_.run({"get", "nothing:a", "-"}).exit_code, 10);
    EXPECT_EQ(home_.run({"get", "papers", "-"}).exit_code, 2);
    EXPECT_EQ(home_.run({"put", "papers:no/such/a", "-"}, "x").exit_code, 10);
    EXPECT_EQ(home_.run({"put", "papers:a", home_ / "nowhere"}).exit_code, 10);
    const Ran missing = home_.run({"put", home_ / "nowhere", "papers:a"});
    EXPECT_EQ(missing.exit_code, 10);
    EXPECT_NE(missing.errors.find("nowhere: No such file"), std::string::npos) << missing.errors;
    const Ran slip = home_.run({"config", "set", "netwrok.listen_port", "1"});
    EXPECT_NE(slip.errors.find("did you mean 'network.listen_port'?"), std::string::npos)
        << slip.errors;
    EXPECT_EQ(home_.run({"put", "papers:a", home_.path()}).exit_code, 2);
    EXPECT_EQ(home_.must({"ls", "papers:", "--json"}).json()["entries"].size(), 0U);
}

TEST_F(FilesBinariesTest, AVaultAloneIsInStepOnceItsChangesArePublished) {
    home_.must({"put", "papers:a", "-"}, "x");
    const nlohmann::json answer = home_.must({"wait", "papers", "--json"}).json();
    EXPECT_EQ(answer["done"], true);
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["pendingRecords"], 0);
}

TEST_F(FilesBinariesTest, AWaitThatCannotEndSaysWhatIsMissingAndExits15) {
    Ran ran = home_.run({"wait", "papers", "--copies", "1", "--timeout", "50ms"});
    EXPECT_EQ(ran.exit_code, 15);
    EXPECT_NE(ran.errors.find("0 of 1 other devices hold everything"), std::string::npos);
    EXPECT_EQ(home_.run({"wait", "papers", "--timeout", "soon"}).exit_code, 2);
}

TEST_F(FilesBinariesTest, PausingIsShownAndKept) {
    home_.must({"pause", "papers"});
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["status"], "Paused");
    EXPECT_EQ(home_.stop(), 0);
    ASSERT_TRUE(home_.start());
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["paused"], true);
    home_.must({"resume"});
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["paused"], false);
}

TEST_F(FilesBinariesTest, APauseForATimeOutlivesARestartAndEndsByItself) {
    const auto shown = [&] { return home_.must({"vault", "show", "papers", "--json"}).json(); };
    home_.must({"pause", "--for", "2h"});
    const std::uint64_t until = shown()["pausedUntilMs"];
    EXPECT_GT(until, 0U);
    EXPECT_EQ(home_.stop(), 0);
    ASSERT_TRUE(home_.start());
    EXPECT_EQ(shown()["paused"], true);
    EXPECT_EQ(shown()["pausedUntilMs"], until);
    EXPECT_NE(home_.must({"status"}).output.find(", until "), std::string::npos);
    home_.must({"pause", "papers"});
    EXPECT_EQ(shown()["pausedUntilMs"], 0) << "now until somebody resumes it";
    home_.must({"pause", "papers", "--for", "1s"});
    EXPECT_EQ(home_.stop(), 0);
    ASSERT_TRUE(home_.start());
    for (int round = 0; round < 1000 && shown()["paused"] == true; ++round) {
    }
    EXPECT_EQ(shown()["paused"], false);
    EXPECT_EQ(home_.run({"pause", "papers", "--for", "400d"}).exit_code, 2);
}

TEST_F(FilesBinariesTest, WithoutConflictsThereAreNone) {
    EXPECT_EQ(home_.must({"conflicts", "list", "--json"}).json()["conflicts"].size(), 0U);
    home_.must({"status", "--exit-code"});
    home_.must({"put", "papers:a", "-"}, "x");
    EXPECT_EQ(home_.run({"conflicts", "resolve", "papers:a", "--keep", "mine"}).exit_code, 10);
    EXPECT_EQ(home_.run({"conflicts", "resolve", "papers:a", "--keep", "none"}).exit_code, 2);
    EXPECT_EQ(home_.run({"conflicts", "resolve", "papers:a"}).exit_code, 2);
}

TEST_F(FilesBinariesTest, ExplainSaysWhyAFileIsNotInStep) {
    home_.must({"put", "papers:letters.txt", "-"}, "hello");
    home_.must({"wait", "papers"});
    nlohmann::json answer = home_.must({"explain", "papers:letters.txt", "--json"}).json();
    EXPECT_EQ(answer["inStep"], true);
    EXPECT_EQ(answer["size"], 5);
    EXPECT_EQ(answer["type"], "file");
    home_.must({"pause", "papers"});
    EXPECT_NE(home_.must({"explain", "papers:letters.txt"}).output.find("is paused"),
              std::string::npos);
    EXPECT_EQ(home_.run({"explain", "papers:none"}).exit_code, 10);
    EXPECT_EQ(home_.run({"explain", "papers"}).exit_code, 2);
    home_.must({"vault", "lock", "papers"});
    answer = home_.must({"explain", "papers:letters.txt", "--json"}).json();
    EXPECT_EQ(answer["reasons"][0]["code"], "locked");
    EXPECT_EQ(answer["inStep"], false);
}

TEST_F(FilesBinariesTest, NoNameAndNoContentReachesALogOrTheState) {
    const std::string name = "very-secret-name.txt", content = "very-secret-content";
    home_.must({"put", "papers:" + name, "-"}, content);
    EXPECT_EQ(home_.run({"get", "papers:" + name + "x", "-"}).exit_code, 10);
    home_.must({"wait", "papers"});
    EXPECT_EQ(home_.stop(), 0);
    for (const char* place : {"state", "data", "config", "runtime", "daemon.log"}) {
        for (const auto& item : fs::recursive_directory_iterator(home_.path())) {
            if (!item.is_regular_file() ||
                !item.path().native().starts_with((home_ / place).native())) {
                continue;
            }
            const std::string text = read_text(item.path());
            EXPECT_EQ(text.find("very-secret"), std::string::npos) << item.path();
        }
    }
}

}  // namespace
}  // namespace lockstep
