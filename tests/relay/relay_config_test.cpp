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
    EXPECT_EQ(config->admission.access, RelayAccess::Open);
}

TEST(RelayConfigTest, TakesBothSpellingsOfAValue) {
    auto config =
        parse_relay_config({"--listen=[::1]:0", "--listen", "127.0.0.1:80", "--interval=10",
                            "--log-level", "debug", "--connections", "7", "--access=open-tracker"});
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config->listen, (std::vector<ListenAddress>{{"::1", 0}, {"127.0.0.1", 80}}));
    EXPECT_EQ(config->tracker.interval, 10s);
    EXPECT_EQ(config->tracker.min_interval, 10s);
    EXPECT_EQ(config->log_level, LogLevel::Debug);
    EXPECT_EQ(config->limits.connections_max, 7U);
    EXPECT_EQ(config->admission.access, RelayAccess::OpenTracker);
}

TEST(RelayConfigTest, AnOptionWinsOverItsVariableAndThatOverTheFile) {
    TempDir directory;
    const std::string file = (directory / "relay.toml").native();
    std::ofstream(file) << "listen = [\"127.0.0.1:1\"]\nlog_level = \"error\"\n"
                           "[tracker]\ninterval_seconds = 100\n";
    const RelayEnvironment environment = [&](const char* variable) -> std::string {
        const std::string_view name = variable;
        if (name == "LOCKSTEP_RELAY_CONFIG") return file;
        if (name == "LOCKSTEP_RELAY_LISTEN") return "127.0.0.1:2 [::1]:3";
        if (name == "LOCKSTEP_RELAY_INTERVAL") return "200";
        return "";
    };
    auto config = parse_relay_config({"--interval=300"}, environment);
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config->file, file);
    EXPECT_EQ(config->log_level, LogLevel::Error);
    EXPECT_EQ(config->listen, (std::vector<ListenAddress>{{"127.0.0.1", 2}, {"::1", 3}}));
    EXPECT_EQ(config->tracker.interval, 300s);
    auto typed = parse_relay_config({"--listen=127.0.0.1:4"}, environment);
    ASSERT_TRUE(typed.ok()) << typed.error().message;
    EXPECT_EQ(typed->listen, (std::vector<ListenAddress>{{"127.0.0.1", 4}}));
    EXPECT_EQ(typed->tracker.interval, 200s);
}

TEST(RelayConfigTest, AMistypedOptionIsAnsweredWithTheRightOne) {
    EXPECT_NE(parse_relay_config({"--lisen=127.0.0.1:4"})
                  .error()
                  .message.find("did you mean '--listen'?"),
              std::string::npos);
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
                                               {"--access", "anybody"},
                                               {"--access", "token"},
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

class RelayConfigFileTest : public testing::Test {
  protected:
    Result<RelayConfig> read(const std::string& text, std::vector<std::string> more = {}) {
        std::ofstream(directory / "relay.toml") << text;
        more.insert(more.begin(), {"--config", directory / "relay.toml"});
        return parse_relay_config(more);
    }
    std::string fault(const std::string& text) {
        auto config = read(text);
        return config.ok() ? "" : config.error().message;
    }
    TempDir directory;
};

TEST_F(RelayConfigFileTest, EveryKeyIsRead) {
    std::ofstream(directory / "family") << "secret-1\n";
    auto config = read(fmt::format(R"(
listen = ["[::1]:1"]
listen_plain = ["127.0.0.1:2"]
names = ["relay.example:6970"]
access = "token"
metrics = "operators"
log_level = "warning"
drain_seconds = 3
[tls]
certificate = "a.pem"
key = "a.key"
operator_authorities = "operators.pem"
operator_certificates = "needed"
[openid]
issuer = "https://login.example.org/realms/x"
audience = "relay"
authorities = "ca.pem"
operator_claim = "groups"
operator_value = "admins"
refresh_seconds = 60
rights = ["mailbox"]
mailbox_mib = 21
tunnel_mib_per_day = 22
[tracker]
interval_seconds = 20
[limits]
connections = 5
connections_per_address = 6
requests_per_second = 0
tickets_per_second = 7
announces_per_second = 8
mailbox_kib_per_second = 9
[anybody]
rights = ["tracker"]
[[tokens]]
name = "family"
file = "{}"
rights = ["tracker", "operate"]
mailbox_mib = 9
tunnel_mib_per_day = 10
[tunnel]
on = false
members = 11
members_per_address = 12
tunnels = 13
tunnels_per_swarm = 14
idle_seconds = 15
[mailbox]
directory = "/var/lib/relay"
mib = 16
objects_per_swarm = 17
object_mib = 18
days = 19
)",
                                   (directory / "family").string()));
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config->listen,
              (std::vector<ListenAddress>{{"::1", 1, false}, {"127.0.0.1", 2, true}}));
    EXPECT_EQ(config->tls, (TlsFiles{"a.pem", "a.key", "operators.pem"}));
    EXPECT_EQ(config->admission.operator_certificates, OperatorCertificates::Needed);
    EXPECT_EQ(config->admission.open_id,
              (OpenIdOptions{"https://login.example.org/realms/x", "relay", "ca.pem", "groups",
                             "admins", 60s}));
    EXPECT_EQ(config->admission.open_id_account.rights, (RelayRights{.mailbox = true}));
    EXPECT_EQ(config->admission.open_id_account.mailbox_bytes_max, 21U << 20);
    EXPECT_EQ(config->admission.open_id_account.tunnel_bytes_per_day, 22U << 20);
    EXPECT_EQ(config->admission.access, RelayAccess::Token);
    EXPECT_EQ(config->admission.anybody.rights, (RelayRights{.tracker = true}));
    EXPECT_EQ(config->admission.accounts,
              (std::vector<RelayAccount>{
                  {"family", "secret-1", {.tracker = true, .operate = true}, 9 << 20, 10 << 20}}));
    EXPECT_EQ(config->metrics, MetricsAccess::Operators);
    EXPECT_EQ(config->tracker.interval, 20s);
    EXPECT_EQ(config->limits.requests.per_second, 0);
    EXPECT_EQ(config->limits.announces.per_second, 8);
    EXPECT_EQ(config->limits.mailbox_bytes.per_second, 9 << 10);
    EXPECT_EQ(config->tunnel.idle_timeout, 15s);
    EXPECT_EQ(config->mailbox.bytes_max, 16U << 20);
    EXPECT_EQ(config->mailbox.lifetime, 19 * 24h);
    EXPECT_EQ(config->drain_time, 3s);
}

TEST_F(RelayConfigFileTest, FaultsAreNamedWithTheirLines) {
    EXPECT_NE(fault("access = \"opne\"\nnope = 1\n").find("relay.toml:1: 'access'"),
              std::string::npos);
    EXPECT_NE(fault("access = \"open\"\nnope = 1\n").find(":2: unknown key 'nope'"),
              std::string::npos);
    EXPECT_NE(fault("[tracker]\ninterval_seconds = 5\n").find(":2: "), std::string::npos);
    EXPECT_NE(fault("[tls]\nkey = \"x\"\n").find("[tls] needs"), std::string::npos);
    EXPECT_NE(fault("access = \"token\"\n").find("needs at least one"), std::string::npos);
    EXPECT_NE(fault("[[tokens]]\nname = \"a\"\n").find("needs 'name' and 'file'"),
              std::string::npos);
    EXPECT_NE(fault("listen = [\"nowhere\"]\n").find("no port"), std::string::npos);
    EXPECT_NE(fault("= 1\n"), "");
    EXPECT_FALSE(parse_relay_config({"--config", "/nonexistent"}).ok());
}

TEST_F(RelayConfigFileTest, AProviderMustBeAskedSecurely) {
    auto fault_with = [&](const std::string& issuer, const std::string& more = "") {
        return fault("access = \"token\"\n[openid]\nissuer = \"" + issuer +
                     "\"\naudience = \"relay\"\n" + more);
    };
    EXPECT_EQ(fault_with("https://login.example.org"), "");
    EXPECT_EQ(fault_with("http://127.0.0.1:8080"), "");
    for (const char* bad : {"", "http://login.example.org", "login.example.org",
                            "https://login.example.org/?x", "https://user@login.example.org"})
        EXPECT_NE(fault_with(bad), "") << bad;
    EXPECT_NE(fault_with("https://a", "operator_claim = \"groups\"\n"), "");
    EXPECT_NE(fault_with("https://a", "rights = [\"operate\"]\n"), "");
    EXPECT_NE(fault("[openid]\nissuer = \"https://a\"\n"), "");
    EXPECT_NE(
        fault("[tls]\ncertificate = \"a\"\nkey = \"b\"\noperator_certificates = \"needed\"\n"), "");
}

TEST_F(RelayConfigFileTest, WhatIsTypedWins) {
    auto config = read("listen = [\"127.0.0.1:1\"]\nlog_level = \"error\"\n",
                       {"--listen", "127.0.0.1:2", "--listen", "127.0.0.1:3"});
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config->listen, (std::vector<ListenAddress>{{"127.0.0.1", 2}, {"127.0.0.1", 3}}));
    EXPECT_EQ(config->log_level, LogLevel::Error);
}

TEST_F(RelayConfigFileTest, CheckConfigReadsTheFileAndNothingElse) {
    std::ofstream(directory / "good") << "access = \"open\"\n";
    auto good = parse_relay_config({"check-config", directory / "good"});
    ASSERT_TRUE(good.ok()) << good.error().message;
    EXPECT_EQ(good->action, RelayConfig::Action::CheckConfig);
    EXPECT_FALSE(parse_relay_config({"check-config"}).ok());
    EXPECT_FALSE(parse_relay_config({"check-config", directory / "none"}).ok());
}

}  // namespace
}  // namespace lockstep
