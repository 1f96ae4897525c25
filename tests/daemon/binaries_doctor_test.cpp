// `lockstep doctor` with a real daemon, and without one.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/http/http_date.h"
#include "base/http/listen_socket.h"
#include "base/http/server.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

// The finding of that kind; null when there is none.
nlohmann::json finding(const Ran& ran, const std::string& id) {
    const nlohmann::json report = ran.json();
    for (const auto& each : report["findings"])
        if (each["id"] == id) return each;
    return nullptr;
}

// A relay that is well, with a clock of its own.
class Relay {
  public:
    explicit Relay(std::int64_t clock_ahead_s)
        : server_({}, [clock_ahead_s](const HttpRequest&, HttpResponder responder) {
              HttpResponse response = HttpResponse::text(200, "ok\n");
              response.headers.push_back(
                  {"Date", format_http_date(system_clock().wall_ms() / 1000 + clock_ahead_s)});
              responder.respond(std::move(response));
          }) {
        port_ = server_.listen_tcp("127.0.0.1", 0).value();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  private:
    HttpServer server_;
    std::uint16_t port_ = 0;
};

TEST(DoctorBinariesTest, WithoutADaemonItSaysSoAndLooksAtTheMachine) {
    LockstepHome home;
    std::filesystem::create_directories(home / "config");
    auto other = open_tcp_listen_socket("127.0.0.1", 0);
    ASSERT_TRUE(other.ok());
    write_text(home / "config" / "config.toml",
               "[network]\nlisten_port = " + std::to_string(other->port) + "\n");
    const Ran told = home.run({"doctor", "--json"});
    EXPECT_EQ(told.exit_code, 4);
    EXPECT_NE(finding(told, "daemon.missing")["fix"].get<std::string>().find("systemctl --user"),
              std::string::npos);
    EXPECT_EQ(finding(told, "port.taken")["severity"], "problem") << told.output;

    write_text(home / "config" / "config.toml", "[network]\nlisten_prot = 1\n");
    const Ran broken = home.run({"doctor"});
    EXPECT_EQ(broken.exit_code, 4);
    EXPECT_NE(broken.output.find("listen_prot"), std::string::npos) << broken.output;
    EXPECT_NE(broken.output.find("fix: lockstep config check"), std::string::npos);
}

TEST(DoctorBinariesTest, ARelayThatIsAwayOrWhoseClockIsOtherIsAProblem) {
    Relay good(0), late(-3600);
    std::uint16_t nobody = 0;
    {
        auto gone = open_tcp_listen_socket("127.0.0.1", 0);
        ASSERT_TRUE(gone.ok());
        nobody = gone->port;
    }
    LockstepHome home;
    ASSERT_TRUE(home.start());
    home.must({"relay", "add", good.url()});
    const Ran well = home.run({"doctor", "--json"});
    for (const char* id : {"relay.unreachable", "relay.key", "clock.off", "clock.unkept",
                           "port.silent", "daemon.missing"})
        EXPECT_TRUE(finding(well, id).is_null()) << well.output;

    home.must({"relay", "add", late.url()});
    home.must({"relay", "add", "http://127.0.0.1:" + std::to_string(nobody)});
    const Ran told = home.run({"doctor", "--json"});
    EXPECT_EQ(told.exit_code, 26);
    const auto clock = finding(told, "clock.off");
    EXPECT_EQ(clock["where"], late.url()) << told.output;
    EXPECT_NE(clock["what"].get<std::string>().find("ahead of the relay's"), std::string::npos);
    EXPECT_FALSE(clock["fix"].get<std::string>().empty());
    EXPECT_EQ(finding(told, "relay.unreachable")["where"],
              "http://127.0.0.1:" + std::to_string(nobody));
    const nlohmann::json report = told.json();
    for (const auto& each : report["findings"])
        EXPECT_FALSE(each["fix"].get<std::string>().empty()) << each.dump();
}

// Whether a relay answers behind a proxy that is not there is not asked.
TEST(DoctorBinariesTest, AProxyThatIsAwayIsNamedWithItsCure) {
    std::uint16_t nobody = 0;
    {
        auto gone = open_tcp_listen_socket("127.0.0.1", 0);
        ASSERT_TRUE(gone.ok());
        nobody = gone->port;
    }
    Relay good(0);
    LockstepHome home;
    ASSERT_TRUE(home.start());
    home.must({"relay", "add", good.url()});
    const std::string place = "127.0.0.1:" + std::to_string(nobody);
    home.must({"config", "set", "network.proxy", "-"}, "socks5://ana:secret@" + place + "\n");
    EXPECT_EQ(home.must({"config", "get", "network.proxy"}).output,
              "socks5://ana:***@" + place + "\n");
    const Ran told = home.run({"doctor", "--json"});
    EXPECT_EQ(told.exit_code, 26);
    EXPECT_EQ(finding(told, "proxy.unreachable")["where"], "socks5://" + place) << told.output;
    EXPECT_FALSE(finding(told, "proxy.unreachable")["fix"].get<std::string>().empty());
    EXPECT_TRUE(finding(told, "relay.unreachable").is_null()) << told.output;
    EXPECT_EQ(home.run({"relay", "test", good.url()}).exit_code, 1);
    EXPECT_EQ(home.run({"config", "set", "network.proxy", "socks5://nowhere"}).exit_code, 2);
    home.must({"config", "set", "network.proxy", "none"});
    EXPECT_TRUE(finding(home.run({"doctor", "--json"}), "proxy.unreachable").is_null());
    EXPECT_EQ(home.must({"relay", "test", good.url()}).exit_code, 0);
    EXPECT_EQ(home.log().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace lockstep
