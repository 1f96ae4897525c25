#include "relay/relay_config.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

TEST(RelayConfigTest, DefaultsServeAllIpv4Addresses) {
    auto config = parse_relay_config({});
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config->listen, (std::vector<ListenAddress>{{"0.0.0.0", 6970}}));
    EXPECT_EQ(config->tracker.interval, 300s);
    EXPECT_EQ(config->log_level, LogLevel::Info);
}

TEST(RelayConfigTest, TakesBothSpellingsOfAValue) {
    auto config =
        parse_relay_config({"--listen=[::1]:0", "--listen", "127.0.0.1:80", "--interval=10",
                            "--log-level", "debug", "--connections", "7"});
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config->listen, (std::vector<ListenAddress>{{"::1", 0}, {"127.0.0.1", 80}}));
    EXPECT_EQ(config->tracker.interval, 10s);
    EXPECT_EQ(config->tracker.min_interval, 10s);
    EXPECT_EQ(config->log_level, LogLevel::Debug);
    EXPECT_EQ(config->connections_max, 7U);
}

TEST(RelayConfigTest, HelpAndVersionWin) {
    EXPECT_EQ(parse_relay_config({"--help"})->action, RelayConfig::Action::ShowHelp);
    EXPECT_EQ(parse_relay_config({"--interval", "60", "-h"})->action,
              RelayConfig::Action::ShowHelp);
    EXPECT_EQ(parse_relay_config({"--version"})->action, RelayConfig::Action::ShowVersion);
}

TEST(RelayConfigTest, MistakesAreNamed) {
    for (const auto& bad :
         std::vector<std::vector<std::string>>{{"--nope"},
                                               {"stray"},
                                               {"--listen"},
                                               {"--listen", "127.0.0.1"},
                                               {"--listen", ":80"},
                                               {"--listen", "::1:80"},
                                               {"--listen", "1.2.3.4:65536"},
                                               {"--listen", "1.2.3.4:x"},
                                               {"--interval", "9"},
                                               {"--interval", "3601"},
                                               {"--connections", "0"},
                                               {"--log-level", "loud"},
                                               {"--path-token-file", "/nonexistent/token"}}) {
        auto config = parse_relay_config(bad);
        ASSERT_FALSE(config.ok()) << bad[0];
        EXPECT_EQ(config.error().kind, ErrorKind::Invalid);
    }
    EXPECT_NE(parse_relay_config({"--nope"}).error().message.find("unknown option '--nope'"),
              std::string::npos);
}

TEST(RelayConfigTest, ThePathTokenIsAFilesFirstLine) {
    TempDir dir;
    std::ofstream(dir / "good") << "Abc-123_\nsecond line\n";
    std::ofstream(dir / "slash") << "a/b\n";
    std::ofstream(dir / "empty") << "";
    std::ofstream(dir / "long") << std::string(129, 'x');
    EXPECT_EQ(parse_relay_config({"--path-token-file", dir / "good"})->path_token, "Abc-123_");
    for (auto name : {"slash", "empty", "long"})
        EXPECT_FALSE(parse_relay_config({"--path-token-file", dir / name}).ok()) << name;
}

}  // namespace
}  // namespace lockstep
