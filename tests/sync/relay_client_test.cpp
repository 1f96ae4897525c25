// Tickets from the device's side, asked of a real relay over TCP.
#include "sync/relay_client.h"

#include <condition_variable>
#include <mutex>

#include "base/http/url.h"
#include "relay/protocol/announce.h"
#include "tests/relay/relay_world.h"

namespace lockstep {
namespace {

class RelayClientTest : public RelayWorld {
  protected:
    RelayClientTest() {
        clock.set_wall_ns(system_clock().wall_ns());
        loop.run([&] {
            tickets = std::make_unique<RelayClient>(
                loop, 6881, proxy,
                RelayClient::Events{
                    [this](SwarmNumber, const std::vector<std::string>& now) {
                        std::lock_guard lock(mutex);
                        urls = now;
                        wake.notify_all();
                    },
                    [this](SwarmNumber, const std::string&, const std::string& why) {
                        std::lock_guard lock(mutex);
                        refusals.push_back(why);
                        wake.notify_all();
                    },
                    [](SwarmNumber, const std::string&, const std::string&) {},
                    [this](SwarmNumber, const std::string&, const std::vector<PeerAddress>&) {
                        std::lock_guard lock(mutex);
                        ++own_announces;
                        wake.notify_all();
                    }});
        });
        signer.public_key = members.key.bytes;
        signer.sign = [this](ByteView message) -> Result<Bytes> {
            Bytes bytes = admission_preimage(message);
            Bytes out(crypto_sign_BYTES);
            crypto_sign_detached(u8(MutableByteView(out)), nullptr, u8(ByteView(bytes)),
                                 bytes.size(), u8(ByteView(members.secret)));
            return out;
        };
    }
    ~RelayClientTest() override {
        loop.run([&] { tickets->stop(); });
        tickets.reset();
    }
    std::string relay_url() const {
        return "http://127.0.0.1:" + std::to_string(port) + "/announce";
    }
    void open(const std::vector<std::string>& relays) {
        loop.post([this, relays] { tickets->open(1, hash_number(1).bytes, signer, relays); });
    }
    std::vector<std::string> wait_for_urls(std::size_t count) {
        std::unique_lock lock(mutex);
        wake.wait_for(lock, kRelayPatience, [&] { return urls.size() == count; });
        return urls;
    }
    std::string wait_for_refusal() {
        std::unique_lock lock(mutex);
        wake.wait_for(lock, kRelayPatience, [&] { return !refusals.empty(); });
        return refusals.empty() ? "" : refusals.front();
    }
    // As a BitTorrent library announces: its own fields behind those of the URL.
    int announce_status(const std::string& url) {
        std::string query = format_query(encode_announce_query(announce_of(1)));
        std::string target = url.substr(url.find("/announce")) +
                             (url.find('?') == std::string::npos ? "?" : "&") + query;
        return send({.target = target}).status;
    }

    SwarmSigner members;
    RelaySigner signer;
    SyncLoop loop;
    std::shared_ptr<ProxyChoice> proxy = std::make_shared<ProxyChoice>();
    std::unique_ptr<RelayClient> tickets;
    std::mutex mutex;
    std::condition_variable wake;
    std::vector<std::string> urls;
    std::vector<std::string> refusals;
    int own_announces = 0;
};

TEST_F(RelayClientTest, AnnouncesCarryATicketThatTheRelayTakes) {
    serve(with_access(RelayAccess::Open));
    open({relay_url()});
    auto got = wait_for_urls(1);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(announce_status(relay_url()), 403);
    EXPECT_EQ(announce_status(got[0]), 200);
    EXPECT_EQ(RelayClient::without_ticket(got[0]), relay_url());
}

TEST_F(RelayClientTest, AWrongClockIsSetRightByTheRelays) {
    clock.jump_wall(std::chrono::hours(240));
    serve(with_access(RelayAccess::Open));
    open({relay_url()});
    auto got = wait_for_urls(1);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(announce_status(got[0]), 200);
}

TEST_F(RelayClientTest, ARefusalIsToldAndNothingIsAnnounced) {
    serve(with_access(RelayAccess::Token));
    open({relay_url()});
    EXPECT_EQ(wait_for_refusal(), "this relay wants a token");
    EXPECT_TRUE(wait_for_urls(0).empty());
}

TEST_F(RelayClientTest, APlainTrackerIsAnnouncedToAsItIsAndADeadRelayHoldsUpNoOther) {
    server = std::make_unique<HttpServer>(HttpServerOptions{.inline_handlers = true},
                                          [](const HttpRequest&, HttpResponder responder) {
                                              responder.respond(HttpResponse::text(404, "what?\n"));
                                          });
    port = server->listen_tcp("127.0.0.1", 0).value();
    open({"http://127.0.0.1:1/announce", relay_url()});
    EXPECT_EQ(wait_for_urls(1), std::vector{relay_url()});
    EXPECT_NE(wait_for_refusal(), "");
}

TEST_F(RelayClientTest, BehindAProxyThatIsAwayNothingIsAskedAndTheProxyIsNamed) {
    serve(with_access(RelayAccess::Open));
    proxy->set(std::make_shared<const Proxy>(Proxy{Proxy::Kind::Socks5, "127.0.0.1", 1, "", ""}));
    open({relay_url()});
    EXPECT_TRUE(wait_for_refusal().starts_with("proxy socks5://127.0.0.1:1: "));
    EXPECT_TRUE(wait_for_urls(0).empty());
    // And when there is none any more all is asked anew.
    proxy->set(nullptr);
    loop.post([&] { tickets->start_over(); });
    EXPECT_EQ(wait_for_urls(1).size(), 1U);
    std::lock_guard lock(mutex);
    EXPECT_EQ(own_announces, 0);
}

TEST_F(RelayClientTest, RelaysThatAreTakenAwayAreNoLongerAnnouncedTo) {
    serve(with_access(RelayAccess::Open));
    open({relay_url()});
    ASSERT_EQ(wait_for_urls(1).size(), 1U);
    loop.post([&] { tickets->set_relays(1, {}); });
    EXPECT_TRUE(wait_for_urls(0).empty());
}

}  // namespace
}  // namespace lockstep
