// network.proxy: what is told of it, what it is changed to, and what the command line takes.
#include <gtest/gtest.h>

#include "daemon/daemon_arguments.h"
#include "daemon/settings.h"
#include "daemon/vault_services.h"

namespace lockstep {
namespace {

const std::string kProxy = "socks5://ana:secret@proxy:1080";

std::string shown(const api::Config& config) {
    for (const Setting& setting : settings())
        if (setting.key == "network.proxy") return setting.show(config);
    return "no such setting";
}

TEST(ProxySettingTest, IsToldWithoutItsPassword) {
    api::Config config;
    EXPECT_EQ(shown(config), "");
    ASSERT_TRUE(change_setting(config, "network.proxy", kProxy).ok());
    EXPECT_EQ(config.proxy, kProxy);
    EXPECT_EQ(shown(config), "socks5://ana:***@proxy:1080");
    ASSERT_TRUE(change_setting(config, "network.proxy", "none").ok());
    EXPECT_EQ(config, api::Config{});
}

TEST(ProxySettingTest, StarsStandForThePasswordThatIsSetAndForNoOther) {
    api::Config config;
    config.proxy = kProxy;
    ASSERT_TRUE(change_setting(config, "network.proxy", shown(config)).ok());
    EXPECT_EQ(config.proxy, kProxy);
    for (const char* other : {"socks5://ana:***@elsewhere:1080", "socks5://eve:***@proxy:1080",
                              "http://ana:***@proxy:1080", "socks5://ana:***@proxy:1081"}) {
        auto refused = change_setting(config, "network.proxy", other);
        ASSERT_FALSE(refused.ok()) << other;
        EXPECT_EQ(refused.error().kind, ErrorKind::Invalid);
        EXPECT_EQ(config.proxy, kProxy) << "nothing has changed";
    }
    api::Config none;
    EXPECT_FALSE(change_setting(none, "network.proxy", "socks5://ana:***@proxy:1080").ok());
}

TEST(ProxySettingTest, WhatIsNoneIsRefusedAndNotRepeated) {
    api::Config config;
    auto refused = change_setting(config, "network.proxy", "socks5://ana:secret@proxy");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
    EXPECT_EQ(config, api::Config{});
}

TEST(ProxySettingTest, OfAUrlComesTheProxyAndOfNothingNone) {
    EXPECT_EQ(proxy_of(""), nullptr);
    const auto proxy = proxy_of(kProxy);
    ASSERT_NE(proxy, nullptr);
    EXPECT_EQ(proxy->password, "secret");
}

Result<DaemonArguments> parsed(const std::vector<std::string_view>& words,
                               const std::string& variable = "") {
    return parse_daemon_arguments(words,
                                  [variable](const char* name) -> std::optional<std::string> {
                                      if (std::string_view(name) != "LOCKSTEP_PROXY") return {};
                                      return variable;
                                  });
}

TEST(ProxySettingTest, TheFlagWinsOverTheVariableAndNoneIsNone) {
    EXPECT_FALSE(parsed({})->proxy.has_value());
    EXPECT_EQ(parsed({}, kProxy)->proxy, kProxy);
    EXPECT_EQ(parsed({"--proxy", "http://other:3128"}, kProxy)->proxy, "http://other:3128");
    EXPECT_EQ(parsed({"--proxy=none"}, kProxy)->proxy, "");
}

TEST(ProxySettingTest, APasswordIsTakenFromTheVariableAndNotFromTheCommandLine) {
    auto refused = parsed({"--proxy", kProxy});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
    auto wrong = parsed({}, "socks5://ana:secret@proxy");
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(wrong.error().message,
              "LOCKSTEP_PROXY cannot be used: the proxy's port is missing: HOST:PORT");
}

}  // namespace
}  // namespace lockstep
