// Two daemons on this machine: a ticket, an approval, and then both are in step.
#include <future>
#include <random>

#include <gtest/gtest.h>

#include "base/http/client.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

class PairingBinariesTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(laptop_.start());
        ASSERT_TRUE(desk_.start());
        laptop_.must({"device", "rename", "self", "laptop"});
        desk_.must({"device", "rename", "self", "desk"});
        laptop_.create("papers");
    }
    std::string ticket(std::vector<std::string> more = {}) {
        std::vector<std::string> arguments = {"invite", "papers", "--yes"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        std::string text = laptop_.must(arguments).output;
        if (text.ends_with('\n')) text.pop_back();
        return text;
    }
    // An invite that waits for somebody to decide, without a CLI that would ask.
    nlohmann::json create_invite() {
        HttpClient client = HttpClient::over_unix(laptop_.socket());
        HttpRequest request;
        request.method = "POST";
        request.path = "/v1/vaults/papers/invites";
        auto response = client.request(request, std::chrono::seconds(10));
        EXPECT_TRUE(response.ok());
        return nlohmann::json::parse(response->body);
    }
    // The device that asks, once it does.
    nlohmann::json asking() {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (std::chrono::steady_clock::now() < deadline) {
            const nlohmann::json list = laptop_.must({"device", "list", "--json"}).json();
            for (const auto& device : list["devices"]) {
                if (device["pending"] == true) return device;
            }
        }
        return {};
    }

    LockstepHome laptop_, desk_;
};

TEST_F(PairingBinariesTest, TheFirstComerIsAdmittedAndBothAreInStep) {
    laptop_.must({"put", "papers:a.txt", "-"}, "from laptop");
    desk_.must({"join", "-", "--name", "shared"}, ticket());
    desk_.must({"wait", "shared", "--copies", "1", "--timeout", "60s"});
    EXPECT_EQ(desk_.must({"get", "shared:a.txt", "-"}).output, "from laptop");
    desk_.must({"put", "shared:b.txt", "-"}, "from desk");
    desk_.must({"wait", "shared", "--copies", "1"});
    laptop_.must({"wait", "papers", "--copies", "1"});
    EXPECT_EQ(laptop_.must({"get", "papers:b.txt", "-"}).output, "from desk");
    const nlohmann::json shown = laptop_.must({"vault", "show", "papers", "--json"}).json();
    ASSERT_EQ(shown["peers"].size(), 1U);
    EXPECT_EQ(shown["peers"][0]["label"], "desk");
    EXPECT_EQ(shown["peers"][0]["inStep"], true);
    EXPECT_EQ(shown["status"], "Up to Date");
}

TEST_F(PairingBinariesTest, FilesUnderWayAreNamedUntilTheyAreHere) {
    desk_.must({"config", "set", "network.limit_lan", "true"});
    desk_.must({"config", "set", "network.limit_down", "64"});
    desk_.must({"join", "-", "--name", "shared"}, ticket());
    std::mt19937_64 random(1);
    std::string film(6'000'000, '\0');
    for (char& byte : film) byte = static_cast<char>(random());
    laptop_.must({"put", "papers:film.mp4", "-"}, film);
    nlohmann::json under_way;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (under_way.empty() && std::chrono::steady_clock::now() < deadline)
        under_way = desk_.must({"status", "shared", "--json"}).json()["vaults"][0]["filesUnderWay"];
    ASSERT_EQ(under_way.size(), 1U);
    EXPECT_EQ(under_way[0]["path"], "film.mp4");
    EXPECT_EQ(under_way[0]["size"], film.size());
    EXPECT_GT(under_way[0]["absentBytes"], 0);
    EXPECT_NE(desk_.must({"status", "shared"}).output.find("film.mp4: "), std::string::npos);
    // Only where one vault is asked for.
    const nlohmann::json all = desk_.must({"status", "--json"}).json();
    EXPECT_TRUE(all["vaults"][0]["filesUnderWay"].empty());
    desk_.must({"config", "set", "network.limit_down", "0"});
    desk_.must({"wait", "shared", "--copies", "1", "--timeout", "60s"});
    const nlohmann::json after = desk_.must({"vault", "show", "shared", "--json"}).json();
    EXPECT_TRUE(after["filesUnderWay"].empty()) << after;
}

TEST_F(PairingBinariesTest, BothSidesShowTheSameDigitsAndTheHostDecides) {
    const nlohmann::json invite = create_invite();
    EXPECT_EQ(laptop_.run({"device", "accept", "nobody"}).exit_code, 10);
    EXPECT_EQ(laptop_.run({"device", "accept", invite["id"]}).exit_code, 1);  // nobody asks yet
    auto joining = std::async(std::launch::async, [&] {
        return desk_.run({"join", invite["ticket"], "--name", "shared", "--json"});
    });
    const nlohmann::json device = asking();
    EXPECT_EQ(device["label"], "desk");
    const std::string digits = device["digits"];
    EXPECT_EQ(digits.size(), 6U);
    laptop_.must({"device", "accept", digits});
    Ran joined = joining.get();
    EXPECT_EQ(joined.exit_code, 0) << joined.output << joined.errors;
    EXPECT_NE(joined.output.find("\"digits\":\"" + digits + "\""), std::string::npos);
}

TEST_F(PairingBinariesTest, ARejectedDeviceIsToldAndHasNoVault) {
    const nlohmann::json invite = create_invite();
    auto joining = std::async(std::launch::async, [&] {
        return desk_.run({"join", invite["ticket"], "--name", "x"});
    });
    laptop_.must({"device", "reject", asking()["id"]});
    Ran joined = joining.get();
    EXPECT_EQ(joined.exit_code, 1);
    EXPECT_NE(joined.errors.find("rejected"), std::string::npos) << joined.errors;
    EXPECT_EQ(desk_.must({"vault", "list", "--json"}).json()["vaults"].size(), 0U);
}

TEST_F(PairingBinariesTest, ARemovedDeviceReadsNothingNewAndTheOthersGoOn) {
    laptop_.must({"put", "papers:old", "-"}, "before");
    desk_.must({"join", "-", "--name", "shared"}, ticket());
    desk_.must({"wait", "shared", "--copies", "1", "--timeout", "60s"});
    EXPECT_EQ(laptop_.run({"device", "revoke", "nobody", "--yes"}).exit_code, 10);
    EXPECT_EQ(laptop_.run({"device", "adopt", "desk"}).exit_code, 10);
    const auto answer = laptop_.must({"device", "revoke", "desk", "--yes", "--json"}).json();
    EXPECT_EQ(answer["vaults"], nlohmann::json::array({"papers"}));
    laptop_.must({"put", "papers:new", "-"}, "after");
    laptop_.must({"wait", "papers", "--published"});
    bool is_revoked = false;
    const auto list = laptop_.must({"device", "list", "--json"}).json();
    for (const auto& device : list["devices"])
        if (device["label"] == "desk") is_revoked = device["revoked"];
    EXPECT_TRUE(is_revoked) << list;
    EXPECT_EQ(desk_.must({"get", "shared:old", "-"}).output, "before");
    EXPECT_NE(desk_.run({"get", "shared:new", "-"}).exit_code, 0);
    EXPECT_EQ(laptop_.must({"get", "papers:new", "-"}).output, "after");
    EXPECT_EQ(laptop_.must({"vault", "gc", "papers", "--dry-run"}).output, "nothing to free\n");
    EXPECT_EQ(laptop_.stop(), 0);
    ASSERT_TRUE(laptop_.start());
}

TEST_F(PairingBinariesTest, ATicketIsUsedOnce) {
    const std::string text = ticket();
    desk_.must({"join", text, "--name", "one"});
    // Nobody hosts it any more, so the second use finds nobody.
    EXPECT_NE(desk_.run({"join", text, "--name", "two"}, {}, std::chrono::seconds(3)).exit_code, 0);
    EXPECT_EQ(desk_.must({"vault", "list", "--json"}).json()["vaults"].size(), 1U);
}

TEST_F(PairingBinariesTest, WhatIsNoTicketIsRefused) {
    EXPECT_NE(desk_.run({"join", "lockstep:NONSENSE"}).exit_code, 0);
    EXPECT_EQ(laptop_.run({"invite", "papers", "--role", "king"}).exit_code, 2);
    EXPECT_EQ(laptop_.run({"invite", "papers", "--expires", "31d", "--yes"}).exit_code, 2);
    EXPECT_EQ(laptop_.run({"invite", "nothing", "--yes"}).exit_code, 10);
}

TEST_F(PairingBinariesTest, AfterARestartTheyFindEachOtherAgain) {
    desk_.must({"join", "-", "--name", "shared"}, ticket());
    EXPECT_EQ(laptop_.stop(), 0);
    EXPECT_EQ(desk_.stop(), 0);
    ASSERT_TRUE(laptop_.start());
    ASSERT_TRUE(desk_.start());
    // Both are locked, and in step all the same: only ciphertext moves.
    desk_.must({"wait", "shared", "--copies", "1", "--timeout", "60s"});
    EXPECT_EQ(desk_.must({"vault", "show", "shared", "--json"}).json()["status"], "Locked");
}

}  // namespace
}  // namespace lockstep
