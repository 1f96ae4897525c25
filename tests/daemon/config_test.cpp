#include "daemon/api/config.h"

#include <gtest/gtest.h>

namespace lockstep::api {
namespace {

Config full_config() {
    Config config;
    config.device_name = "lap\"top\\ \xc3\xa9";
    config.listen_port = 22100;
    config.lan_discovery = false;
    config.dht = config.port_mapping = true;
    config.content_cache_mib = 512;
    config.proxy = "socks5://ana:p%40ss@[::1]:1080";
    config.bandwidth = {.usual = {.up_kib = 500, .down_kib = 0},
                        .counts_in_lan = true,
                        .alternative = {.up_kib = 0, .down_kib = 64},
                        .hours = {{510, 30, 0x1f}, {0, 1440, 0x40}},
                        .choice = LimitChoice::Alternative};
    config.relays = {"http://relay.example.org:7070", "https://other.example.org"};
    VaultConfig papers;
    papers.name = "papers";
    papers.directory = "/home/ana/pa\tpers.vault";
    papers.mounts = {{"/home/ana/papers", "", false}};
    papers.unlock_at_start = true;
    papers.passphrase_command = "pass show \"papers\"";
    papers.paused = true;
    papers.paused_until_ms = 1'764'000'000'000;
    papers.idle_lock_seconds = 900;
    papers.lock_on_suspend = true;
    papers.addresses = {"192.0.2.7:22100", "[2001:db8::1]:22100"};
    VaultConfig photos;
    photos.name = "photos";
    photos.directory = "/srv/photos";
    photos.mounts = {{"/home/ana/photos", "", true},
                     {"/home/ana/2026", "by year/2026", false, true}};
    config.vaults = {papers, photos};
    config.api_listen = "[::1]:6980";
    config.log = {LogLevel::Warning, {{"sync", LogLevel::Debug}}};
    return config;
}

std::string fault_of(std::string_view text) {
    Result<Config> config = parse_config(text);
    return config.ok() ? "accepted" : config.error().message;
}

TEST(ConfigTest, WhatIsWrittenIsReadBack) {
    const Config config = full_config();
    Result<Config> again = parse_config(format_config(config));
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(*again, config);
}

TEST(ConfigTest, AnEmptyFileIsTheDefault) {
    Result<Config> config = parse_config("");
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(*config, Config{});
    EXPECT_TRUE(config->lan_discovery);
}

TEST(ConfigTest, TheControlApiListensOnThisMachineAlone) {
    for (const char* good : {"127.0.0.1:6980", "127.0.0.2:1", "[::1]:65535"})
        EXPECT_TRUE(parse_api_listen(good).ok()) << good;
    EXPECT_EQ(parse_api_listen("[::1]:80").value().host, "::1");
    for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000",
                            "0.0.0.0:80", "10.0.0.1:80", "[::]:80", "::1:80", "[fe80::1]:80",
                            "localhost:80", "[::ffff:127.0.0.1]:80", "127.0.0.1:8x"})
        EXPECT_EQ(parse_api_listen(bad).error().kind, ErrorKind::Invalid) << bad;
    EXPECT_NE(fault_of("[api]\nlisten = \"0.0.0.0:80\"\n").find("config.toml:2"),
              std::string::npos);
}

TEST(ConfigTest, LogLevelsNameKnownAreas) {
    EXPECT_NE(fault_of("[log]\nlevel = \"loud\"\n").find("config.toml:2"), std::string::npos);
    EXPECT_NE(fault_of("[log.levels]\nsnyc = \"debug\"\n").find("did you mean 'sync'"),
              std::string::npos);
    EXPECT_NE(fault_of("[log.levels]\nsync = \"loud\"\n").find("config.toml:2"), std::string::npos);
}

TEST(ConfigTest, AnUnknownKeyIsNamedWithItsLine) {
    EXPECT_EQ(fault_of("[network]\nrelais = []\n"),
              "config.toml:2: unknown key 'relais' in [network]; did you mean 'relays'?");
    EXPECT_EQ(fault_of("\n\ncolour = 1\n"),
              "config.toml:3: unknown key 'colour'; known are api, cache, device, keys, log, "
              "network, vault");
    EXPECT_EQ(fault_of("[[vault]]\nname='a'\ndirectory='/a'\nmont='/m'\n"),
              "config.toml:4: unknown key 'mont' in [[vault]]; did you mean 'mount'?");
}

TEST(ConfigTest, MountsAreAPathOrAListOfTables) {
    const std::string vault = "[[vault]]\nname = 'a'\ndirectory = '/a'\n";
    const Result<Config> one = parse_config(vault + "mount = '/m'\n");
    ASSERT_TRUE(one.ok());
    EXPECT_EQ(one->vaults[0].mounts, (std::vector<MountConfig>{{"/m", "", false}}));
    const Result<Config> two =
        parse_config(vault +
                     "[[vault.mount]]\ndirectory = '/m'\n"
                     "[[vault.mount]]\ndirectory = '/n'\npath = '/x//y/'\nread_only = true\n");
    ASSERT_TRUE(two.ok()) << two.error().message;
    EXPECT_EQ(two->vaults[0].mounts,
              (std::vector<MountConfig>{{"/m", "", false}, {"/n", "x/y", true}}));
    EXPECT_EQ(fault_of(vault + "mount = 7\n"),
              "config.toml:4: 'mount' must be a path, or a list of tables: [[vault.mount]]");
    EXPECT_EQ(fault_of(vault + "[[vault.mount]]\ndirectory = 'm'\n"),
              "config.toml:5: 'directory' must be an absolute path");
    EXPECT_EQ(fault_of(vault + "[[vault.mount]]\ndirectory = '/m'\npath = '../x'\n"),
              "config.toml:6: 'path': '..' is not taken in paths of a vault");
    EXPECT_EQ(fault_of(vault + "[[vault.mount]]\npath = 'x'\n"),
              "config.toml:4: a [[vault.mount]] needs a 'directory'");
    EXPECT_NE(fault_of(vault + "[[vault.mount]]\ndirectory = '/m'\n"
                               "[[vault.mount]]\ndirectory = '/m'\n")
                  .find("two mounts are at '/m'"),
              std::string::npos);
}

TEST(ConfigTest, ACacheHasBounds) {
    EXPECT_EQ(fault_of("[cache]\ncontent_mib = 1\n"),
              "config.toml:2: 'content_mib': a cache has between 4 and 65536 MiB");
    EXPECT_EQ(fault_of("[cache]\ncontent_mib = 4\n"), "accepted");
}

TEST(ConfigTest, EveryFaultIsNamedAtOnce) {
    const std::string faults = fault_of("[network]\nlisten_port = 70000\nlan_discovery = 'no'\n");
    EXPECT_NE(faults.find("config.toml:2: 'listen_port' must be between 0 and 65535"),
              std::string::npos);
    EXPECT_NE(faults.find("config.toml:3: 'lan_discovery' must be true or false"),
              std::string::npos);
}

TEST(ConfigTest, SyntaxErrorsHaveALine) {
    EXPECT_TRUE(fault_of("[network]\nrelays = [\n").starts_with("config.toml:"));
    EXPECT_NE(fault_of("[network]\nrelays = [\n"), "accepted");
    EXPECT_NE(fault_of("a = \xff\n"), "accepted");
}

TEST(ConfigTest, WrongTypesAndShapesAreRefused) {
    EXPECT_EQ(fault_of("[network]\nlisten_port = '1'\n"),
              "config.toml:2: 'listen_port' must be a number");
    EXPECT_EQ(fault_of("[network]\nrelays = 'http://a'\n"),
              "config.toml:2: 'relays' must be a list of strings");
    EXPECT_EQ(fault_of("[network]\nrelays = [1]\n"),
              "config.toml:2: 'relays' must be a list of strings");
    EXPECT_EQ(fault_of("network = 3\n"), "config.toml:1: 'network' must be a table: [network]");
    EXPECT_NE(fault_of("vault = 3\n"), "accepted");
    EXPECT_NE(fault_of("vault = [1]\n"), "accepted");
}

TEST(ConfigTest, AVaultNeedsANameAndAnAbsoluteDirectory) {
    EXPECT_NE(fault_of("[[vault]]\ndirectory = '/a'\n").find("needs a 'name'"), std::string::npos);
    EXPECT_NE(fault_of("[[vault]]\nname = 'a'\n").find("needs a 'directory'"), std::string::npos);
    EXPECT_EQ(fault_of("[[vault]]\nname = 'a'\ndirectory = 'a'\n"),
              "config.toml:3: 'directory' must be an absolute path");
    EXPECT_EQ(fault_of("[[vault]]\nname = 'a'\ndirectory = '/a'\nmount = 'm'\n"),
              "config.toml:4: 'mount' must be an absolute path");
}

TEST(ConfigTest, NamesDirectoriesAndMountsAreUnique) {
    EXPECT_NE(fault_of("[[vault]]\nname='a'\ndirectory='/a'\n[[vault]]\nname='a'\ndirectory='/b'\n")
                  .find("two vaults are named 'a'"),
              std::string::npos);
    EXPECT_NE(fault_of("[[vault]]\nname='a'\ndirectory='/a'\n[[vault]]\nname='b'\ndirectory='/a'\n")
                  .find("two vaults lie in '/a'"),
              std::string::npos);
    EXPECT_NE(fault_of("[[vault]]\nname='a'\ndirectory='/a'\nmount='/m'\n"
                       "[[vault]]\nname='b'\ndirectory='/b'\nmount='/m'\n")
                  .find("two mounts are at '/m'"),
              std::string::npos);
}

TEST(ConfigTest, LimitsHoldAtAndOnePast) {
    auto relays = [](std::size_t count) {
        std::string text = "[network]\nrelays = [";
        for (std::size_t i = 0; i < count; ++i) text += "'http://r" + std::to_string(i) + "',";
        return text + "]\n";
    };
    EXPECT_TRUE(parse_config(relays(kRelaysMax)).ok());
    EXPECT_FALSE(parse_config(relays(kRelaysMax + 1)).ok());
    EXPECT_TRUE(parse_config(std::string(kConfigSizeMax, '\n')).ok());
    EXPECT_FALSE(parse_config(std::string(kConfigSizeMax + 1, '\n')).ok());
    EXPECT_TRUE(check_vault_name(std::string(64, 'a')).ok());
    EXPECT_FALSE(check_vault_name(std::string(65, 'a')).ok());
    EXPECT_TRUE(check_device_name(std::string(64, 'a')).ok());
    EXPECT_FALSE(check_device_name(std::string(65, 'a')).ok());
}

TEST(ConfigTest, VaultNamesCannotBeMistakenForPathsOrFlags) {
    for (const char* name : {"", "-a", ".a", "a/b", "a:b", "a\nb", "\xff"}) {
        EXPECT_FALSE(check_vault_name(name).ok()) << name;
    }
    for (const char* name : {"a", "Papers 2026", "\xc3\xa9", "a-b.c"}) {
        EXPECT_TRUE(check_vault_name(name).ok()) << name;
    }
}

TEST(ConfigTest, RelayUrlsAndAddressesAreChecked) {
    for (const char* url : {"http://a", "https://a.b:1/x", "http://[::1]:7070"}) {
        EXPECT_TRUE(check_relay_url(url).ok()) << url;
    }
    for (const char* url :
         {"", "a", "ftp://a", "http://", "http:///x", "http://a b", "http://u@h"}) {
        EXPECT_FALSE(check_relay_url(url).ok()) << url;
    }
    const std::string pin(64, 'a');
    EXPECT_TRUE(check_relay_url("https://a.b#pin=" + pin).ok());
    EXPECT_FALSE(check_relay_url("http://a.b#pin=" + pin).ok());
    EXPECT_FALSE(check_relay_url("https://a.b#pin=" + pin + "a").ok());
    EXPECT_FALSE(check_relay_url("https://a.b#" + pin).ok());
    EXPECT_TRUE(check_relay_token("https://a.b:1 family-token").ok());
    for (const char* line : {"", "token", "https://a.b ", "https://a.b two words", "a.b token"}) {
        EXPECT_FALSE(check_relay_token(line).ok()) << line;
    }
    for (const char* address : {"1.2.3.4:5", "[::1]:65535"}) {
        EXPECT_TRUE(check_address(address).ok()) << address;
    }
    for (const char* address : {"", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "::1:5",
                                "host:5", "1.2.3.4:5x", "[1.2.3.4]:5"}) {
        EXPECT_FALSE(check_address(address).ok()) << address;
    }
}

TEST(ConfigTest, RelaysWithPinsAndTokensComeBackTheSame) {
    Config config;
    config.relays = {"https://a.b#pin=" + std::string(64, '0'), "http://c"};
    config.relay_tokens = {"https://a.b family-token"};
    EXPECT_EQ(parse_config(format_config(config)).value(), config);
}

TEST(ConfigTest, StrategiesWeightsAndDomainsOfRelaysComeBackTheSame) {
    Config config;
    config.relays = {"srv:example.org", "srv+http:home", "http://c:1"};
    config.relay_weights = {"http://c:1 3"};
    for (std::string_view strategy : kRelayStrategies) {
        config.relay_strategy = strategy;
        EXPECT_EQ(parse_config(format_config(config)).value(), config);
    }
    EXPECT_EQ(fault_of("[network]\nrelay_strategy = 'best'\n"),
              "config.toml:2: a strategy is one of failover, round-robin, weighted, "
              "least-latency, hash");
    for (const char* line : {"", "http://c", "http://c 0", "http://c 1001", "http://c x", "c 1"})
        EXPECT_FALSE(check_relay_weight(line).ok()) << line;
    for (const char* url : {"srv:", "srv:a b", "srv:a#pin=0", "srv://a"})
        EXPECT_FALSE(check_relay_url(url).ok()) << url;
}

TEST(ConfigTest, AProxyThatIsNoneIsNamedWithoutItsPassword) {
    EXPECT_EQ(fault_of("[network]\nproxy = 'socks5://ana:secret@proxy'\n"),
              "config.toml:2: 'proxy': the proxy's port is missing: HOST:PORT");
    EXPECT_EQ(fault_of("[network]\nproxy = ''\n"), "accepted");
}

TEST(ConfigTest, Utf8IsJudgedStrictly) {
    EXPECT_TRUE(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const char* wrong :
         {"\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
        EXPECT_FALSE(is_utf8(wrong));
    }
}

}  // namespace
}  // namespace lockstep::api
