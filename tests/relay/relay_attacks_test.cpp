// THREATS T51, T52 and T59 against the program itself: what strangers may cost it, and what it
// never does.
#include <fstream>
#include <sstream>
#include <thread>

#include <sys/resource.h>

#include "base/http/url.h"
#include "tests/base/http_test_peer.h"
#include "tests/relay/relay_program.h"
#include "tests/relay/relay_world.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

class RelayAttacksTest : public testing::Test {
  protected:
    void start(const std::string& config, std::vector<std::string> more = {}) {
        std::ofstream(directory / "relay.toml") << config;
        std::vector<std::string> arguments{"--config", directory / "relay.toml", "--listen",
                                           "127.0.0.1:0"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        relay.emplace(arguments);
        port = port_in(relay->read_until("\n"));
    }
    // A whole conversation: what `bytes` are answered with until the relay closes.
    std::string exchange(std::string_view bytes) {
        RawPeer peer = RawPeer::to_tcp(port);
        peer.send(bytes);
        return peer.read_to_end();
    }
    std::string proc(const std::string& file) {
        std::ifstream in("/proc/" + std::to_string(relay->pid()) + "/" + file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::uint64_t resident_kib() {
        std::string status = proc("status");
        return std::stoull(status.substr(status.find("VmRSS:") + 6));
    }
    bool is_well() {
        HttpClient client = HttpClient::over_tcp("127.0.0.1", port);
        auto response = client.request({.path = "/healthz"}, kTestPatience);
        return response.ok() && response->status == 200;
    }

    TempDir directory;
    std::optional<Program> relay;
    std::uint16_t port = 0;
};

// T51: before he has shown a ticket, nobody gets more bytes than he sent, and there is no UDP.
TEST_F(RelayAttacksTest, T51_StrangersGetNoMoreBytesThanTheySend) {
    start("access = \"open\"\n");
    HttpFields query = encode_announce_query(announce_of(1));
    std::string announce = "GET /announce?" + format_query(query) +
                           " HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
    std::string scrape =
        "GET /scrape?" + format_query(encode_scrape_query({hash_number(1)})) +
        " HTTP/1.1\r\nHost: relay.example:6970\r\nUser-Agent: x\r\nConnection: close\r\n\r\n";
    for (const std::string& request : {announce, scrape}) {
        std::string answer = exchange(request);
        EXPECT_NE(answer.find("403"), std::string::npos);
        EXPECT_LE(answer.size(), request.size()) << answer;
    }
    SwarmSigner signer;
    AdmissionRequest wrong = signer.request(hash_number(1), member_number(1), 1);
    std::string body = encode_admission_request(wrong);
    std::string ask = "POST /v1/tickets HTTP/1.1\r\nConnection: close\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body;
    EXPECT_LE(exchange(ask).size(), ask.size());
    for (const char* table : {"net/udp", "net/udp6"}) {
        // Sockets of this process: their inodes are among its descriptors.
        std::ifstream in(std::string("/proc/self/") + table);
        std::string line;
        std::getline(in, line);
        while (std::getline(in, line)) {
            std::istringstream words(line);
            std::string word, inode;
            for (int i = 0; i < 10 && words >> word; ++i) inode = word;
            for (const auto& fd : std::filesystem::directory_iterator(
                     "/proc/" + std::to_string(relay->pid()) + "/fd")) {
                std::error_code gone;
                auto target = std::filesystem::read_symlink(fd.path(), gone);
                EXPECT_NE(target.string(), "socket:[" + inode + "]") << "a UDP socket";
            }
        }
    }
}

// T52: it passes on between members only; nothing a request says makes it dial.
TEST_F(RelayAttacksTest, T52_NothingMakesItDialOut) {
    start("access = \"open\"\n");
    RawServer victim;
    std::string where = "127.0.0.1:" + std::to_string(victim.port());
    EXPECT_NE(exchange("CONNECT " + where + " HTTP/1.1\r\nConnection: close\r\n\r\n")
                  .find("HTTP/1.1 400"),
              std::string::npos);
    EXPECT_NE(
        exchange("GET http://" + where + "/ HTTP/1.1\r\nConnection: close\r\n\r\n").find("404"),
        std::string::npos);
    for (std::string path : {"/v1/tunnel?token=" + where, "/v1/control?host=" + where,
                             "/v1/mailbox/http:%2F%2F" + where, std::string("/../../etc/passwd"),
                             std::string("/v1/mailbox/..%2f..%2fetc%2fpasswd")}) {
        std::string answer = exchange("GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 40")) << answer;
    }
    EXPECT_FALSE(victim.has_visitor());
}

// T59: ten thousand idle connections, half of them in the middle of a request, cost little and do
// not keep others out.
TEST_F(RelayAttacksTest, T59_ThousandsOfIdleAndSlowConnectionsKeepNobodyOut) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 12'000) GTEST_SKIP() << "too few descriptors allowed";
    start("[limits]\nconnections = 11000\n");
    std::uint64_t before = resident_kib();
    std::vector<RawPeer> slow;
    for (int i = 0; i < 10'000; ++i) {
        slow.push_back(RawPeer::to_tcp(port));
        if (i % 2 == 0) slow.back().send("GET /announce?info_hash=");
    }
    EXPECT_TRUE(is_well());
    EXPECT_LT(resident_kib() - before, 200U << 10);
    // The slow ones are cut when their time is over (10 s), the idle ones a little later.
    EXPECT_NE(slow[0].read_to_end().find("408"), std::string::npos);
    EXPECT_EQ(slow[1].read_to_end(), "");
    EXPECT_TRUE(is_well());
}

TEST_F(RelayAttacksTest, T59_OneAddressHasItsShareOfConnections) {
    start("[limits]\nconnections_per_address = 3\n");
    std::vector<RawPeer> some;
    for (int i = 0; i < 3; ++i) {
        some.push_back(RawPeer::to_tcp(port));
        some.back().send("GET /healthz HTTP/1.1\r\n\r\n");
        EXPECT_NE(some.back().read_until("ok\n").find("200"), std::string::npos);
    }
    EXPECT_EQ(exchange("GET /healthz HTTP/1.1\r\n\r\n"), "");
    some.pop_back();
    EXPECT_TRUE(eventually([&] { return is_well(); }));
}

// Headers and bodies beyond their bounds, and bodies that nobody asked for.
TEST_F(RelayAttacksTest, T59_WhatIsTooLargeIsRefusedBeforeItIsRead) {
    start("[mailbox]\ndirectory = \"" + (directory / "mail").string() + "\"\n");
    auto status = [&](const std::string& bytes) { return exchange(bytes).substr(0, 12); };
    EXPECT_EQ(status("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n"), "HTTP/1.1 431");
    EXPECT_EQ(status("POST /v1/tickets HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n"),
              "HTTP/1.1 413");
    EXPECT_EQ(status("GET /announce HTTP/1.1\r\nContent-Length: 1025\r\n\r\n"), "HTTP/1.1 413");
    EXPECT_EQ(status("PUT /v1/mailbox/x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"),
              "HTTP/1.1 403");
    EXPECT_EQ(status("POST /v1/tickets HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" +
                     std::string(2048, 'x') + "\r\n"),
              "HTTP/1.1 413");
    EXPECT_TRUE(is_well());
}

}  // namespace
}  // namespace lockstep
