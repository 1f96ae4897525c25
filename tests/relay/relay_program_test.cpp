// The lockstep-relay binary: starts, answers, stops on a signal, says nothing of addresses.
#include "tests/relay/relay_program.h"

#include <csignal>
#include <fstream>
#include <latch>
#include <set>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/http/client.h"
#include "base/unique_fd.h"
#include "relay/protocol/announce.h"
#include "relay/protocol/mailbox.h"
#include "tests/relay/relay_world.h"
#include "tests/support/certificate.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

constexpr std::chrono::seconds kTestPatience{20};

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
        Program relay({"--listen", "127.0.0.1:0", "--access=open-tracker",
                       is_debug ? "--log-level=debug" : "--log-level=info"});
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

TEST(RelayProgramTest, CheckConfigSaysWhatIsWrongOrThatItIsGood) {
    TempDir directory;
    std::ofstream(directory / "good.toml") << "access = \"open\"\n";
    std::ofstream(directory / "bad.toml") << "access = \"open\"\nlisten = 1\n";
    Program good({"check-config", directory / "good.toml"});
    EXPECT_NE(good.read_to_end().find("good.toml: good"), std::string::npos);
    EXPECT_EQ(good.wait(), 0);
    Program bad({"check-config", directory / "bad.toml"});
    EXPECT_NE(bad.read_to_end().find("bad.toml:2: 'listen' must be a list"), std::string::npos);
    EXPECT_EQ(bad.wait(), 2);
}

TEST(RelayProgramTest, AHangupReloadsTheCertificateAndTheFileAndABadOneChangesNothing) {
    TempDir directory;
    auto old_files = TestCertificate::make(directory.path(), "relay");
    TlsPin old_pin = (*TlsContext::server(old_files.certificate, old_files.key))->own_pin();
    auto write = [&](const std::string& access) {
        std::ofstream(directory / "relay.toml")
            << "listen = [\"127.0.0.1:0\"]\naccess = \"" << access << "\"\n[tls]\ncertificate = \""
            << old_files.certificate.string() << "\"\nkey = \"" << old_files.key.string() << "\"\n";
    };
    write("open-tracker");
    Program relay({"--config", directory / "relay.toml"});
    std::uint16_t port = port_in(relay.read_until(", TLS\n"));
    auto announce = [&](const TlsPin& pin) {
        HttpClient client =
            HttpClient::over_tls("127.0.0.1", port, *TlsContext::client({.pin = &pin}));
        return client.request({.path = "/announce", .query = encode_announce_query({.port = 1})},
                              kTestPatience);
    };
    EXPECT_EQ(announce(old_pin)->status, 200);
    write("nonsense");
    relay.signal(SIGHUP);
    EXPECT_NE(relay.read_until("\n").find("nothing was reloaded"), std::string::npos);
    EXPECT_EQ(announce(old_pin)->status, 200);

    auto next_files = TestCertificate::make(directory.path(), "next");
    std::filesystem::rename(next_files.certificate, old_files.certificate);
    std::filesystem::rename(next_files.key, old_files.key);
    TlsPin new_pin = (*TlsContext::server(old_files.certificate, old_files.key))->own_pin();
    write("open");
    relay.signal(SIGHUP);
    (void)relay.read_until("reloaded\n");
    EXPECT_FALSE(announce(old_pin).ok());
    EXPECT_EQ(announce(new_pin)->status, 403);
}

// Goal: operators are those with a certificate of the operators' authority, if so wanted beside a
// token; devices, which have none, are served as ever.
TEST(RelayProgramTest, OperatorsShowACertificate) {
    TempDir directory;
    auto files = TestCertificate::make(directory.path(), "relay");
    auto authority = TestCertificate::make(directory.path(), "operators");
    auto boss = TestCertificate::signed_by(authority, directory.path(), "boss");
    auto stranger = TestCertificate::make(directory.path(), "stranger");
    std::ofstream(directory / "token") << "secret\n";
    TlsPin pin = (*TlsContext::server(files.certificate, files.key))->own_pin();
    for (const char* worth : {"enough", "needed"}) {
        std::ofstream(directory / "relay.toml")
            << "metrics = \"operators\"\nlisten = [\"127.0.0.1:0\"]\n[tls]\ncertificate = \""
            << files.certificate.string() << "\"\nkey = \"" << files.key.string()
            << "\"\noperator_authorities = \"" << authority.certificate.string()
            << "\"\noperator_certificates = \"" << worth
            << "\"\n[[tokens]]\nname = \"boss\"\nrights = [\"operate\"]\nfile = \""
            << (directory / "token").string() << "\"\n";
        Program relay({"--config", directory / "relay.toml"});
        std::uint16_t port = port_in(relay.read_until(", TLS\n"));
        auto status = [&](const TestCertificate* certificate, HttpFields headers,
                          std::string path) {
            TlsClientOptions options{.pin = &pin};
            if (certificate != nullptr) options.certificate = certificate->certificate;
            if (certificate != nullptr) options.key = certificate->key;
            HttpClient client =
                HttpClient::over_tls("127.0.0.1", port, *TlsContext::client(options));
            HttpRequest request{.path = std::move(path), .headers = std::move(headers)};
            auto response = client.request(request, kTestPatience);
            return response.ok() ? response->status : 0;
        };
        HttpFields token{{"Authorization", "Bearer secret"}};
        bool is_enough = worth == std::string("enough");
        for (const char* path : {"/metrics", "/v1/stats", "/v1/peers"}) {
            EXPECT_EQ(status(&boss, {}, path), is_enough ? 200 : 401) << path;
            EXPECT_EQ(status(nullptr, token, path), is_enough ? 200 : 401) << path;
            EXPECT_EQ(status(&boss, token, path), 200) << path;
            EXPECT_EQ(status(nullptr, {}, path), 401) << path;
        }
        EXPECT_EQ(status(nullptr, {}, "/healthz"), 200);
        EXPECT_EQ(status(&stranger, {}, "/healthz"), 0);
    }
}

TEST(RelayProgramTest, PromtoolAcceptsTheMetrics) {
    if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "no promtool";
    TempDir directory;
    Program relay({"--listen", "127.0.0.1:0", "--access", "open-tracker"});
    HttpClient client = HttpClient::over_tcp("127.0.0.1", port_in(relay.read_until("\n")));
    ASSERT_TRUE(client.request({.path = "/announce"}, kTestPatience).ok());
    auto metrics = client.request({.path = "/metrics"}, kTestPatience);
    ASSERT_EQ(metrics->status, 200);
    EXPECT_NE(
        metrics->body.find("lockstep_relay_answers_total{kind=\"announce\",status=\"200\"} 1"),
        std::string::npos);
    std::ofstream(directory / "metrics") << metrics->body;
    std::string command = "promtool check metrics < '" + (directory / "metrics").string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << metrics->body;
}

// Goal: what was answered as stored is there after a kill -9, and nothing half stored.
TEST(RelayProgramTest, TheMailboxSurvivesAKill) {
    TempDir directory;
    std::ofstream(directory / "relay.toml")
        << "listen = [\"127.0.0.1:0\"]\n[limits]\nmailbox_kib_per_second = 0\n[mailbox]\ndirectory "
           "= \""
        << (directory / "mail").string() << "\"\n";
    SwarmSigner signer;
    TrackerHash hash;
    std::set<std::string> stored;
    for (int round = 0; round < 3; ++round) {
        Program relay({"--config", directory / "relay.toml"});
        HttpClient client = HttpClient::over_tcp("127.0.0.1", port_in(relay.read_until("\n")));
        auto now = static_cast<std::uint64_t>(system_clock().wall_ms() / 1000);
        std::string body = encode_admission_request(signer.request(hash, {}, now));
        auto ticket = decode_admission_answer(
            client.request({.method = "POST", .path = "/v1/tickets", .body = body}, kTestPatience)
                ->body);
        ASSERT_TRUE(ticket.ok()) << ticket.error().message;
        HttpFields shown{{"info_hash", std::string(as_text(hash.view()))},
                         {"ticket", ticket->ticket}};
        auto list = client.request({.path = "/v1/mailbox", .query = shown}, kTestPatience);
        std::set<std::string> found;
        auto items = decode_mailbox_list(list->body).value();
        for (const MailboxItem& item : items) {
            found.insert(item.name);
            auto data =
                client.request({.path = "/v1/mailbox/" + item.name, .query = shown}, kTestPatience);
            EXPECT_EQ(data->body.size(), item.size_bytes);
        }
        for (const std::string& name : stored) EXPECT_TRUE(found.contains(name)) << name;
        // Dies while it stores: in another process's view, at any point.
        const int stored_before = 20 + 10 * round;
        std::latch some_are_stored(1);
        std::jthread killer([&] {
            some_are_stored.wait();
            relay.signal(SIGKILL);
        });
        for (int i = 0; i < 100'000; ++i) {
            std::string name = std::to_string(round) + "-" + std::to_string(i);
            auto put = client.request({.method = "PUT",
                                       .path = "/v1/mailbox/" + name,
                                       .query = shown,
                                       .body = std::string(i % 10 == 0 ? 100'000 : 4096, 'x')},
                                      kTestPatience);
            if (!put.ok()) break;
            if (put->status == 201) stored.insert(name);
            if (i == stored_before) some_are_stored.count_down();
        }
        if (!some_are_stored.try_wait()) some_are_stored.count_down();
        relay.wait();
    }
    EXPECT_FALSE(stored.empty());
}

}  // namespace
}  // namespace lockstep
