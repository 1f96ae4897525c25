// Relays share nothing: rendezvous hashing spreads swarms over any number of them. Five relay
// processes and a thousand swarms, one relay killed and one added: only its share moves.
#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>

#include <gtest/gtest.h>
#include <sodium.h>

#include "base/http/client.h"
#include "sync/relay_client.h"
#include "sync/relay_watch.h"
#include "tests/relay/relay_program.h"
#include "tests/relay/relay_signer.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;
using Places = std::vector<std::string>;

constexpr std::size_t kSwarms = 1000;

// One relay process without limits of rates.
class RunningRelay {
  public:
    explicit RunningRelay(const std::filesystem::path& config)
        : program_({"--config", config.string(), "--listen", "127.0.0.1:0"}) {
        std::string log = program_.read_until(" port ");
        log += program_.read_until("\n");
        port_ = port_in(log);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    std::string announce() const { return url() + "/announce"; }
    // How many swarms it has given tickets for.
    std::uint64_t tickets() {
        HttpClient client = HttpClient::over_tcp("127.0.0.1", port_);
        std::string text = client.request({.path = "/metrics"}, 30s).value().body;
        const std::string name = "\nlockstep_relay_tickets_total{result=\"given\"} ";
        std::size_t at = text.find(name);
        CHECK(at != std::string::npos);
        return std::stoull(text.substr(at + name.size()));
    }
    void kill() {
        program_.signal(SIGKILL);
        (void)program_.wait();
    }

  private:
    Program program_;
    std::uint16_t port_ = 0;
};

class RelayScaleTest : public testing::Test {
  protected:
    RelayScaleTest() {
        std::ofstream(directory / "relay.toml")
            << "[limits]\nrequests_per_second = 0\ntickets_per_second = 0\n";
        for (int i = 0; i < 5; ++i) add_relay();
        signer.public_key = members.key.bytes;
        signer.sign = [this](ByteView message) -> Result<Bytes> {
            Bytes bytes = admission_preimage(message), out(crypto_sign_BYTES);
            crypto_sign_detached(u8(MutableByteView(out)), nullptr, u8(ByteView(bytes)),
                                 bytes.size(), u8(ByteView(members.secret)));
            return out;
        };
        loop.run([&] {
            client = std::make_unique<RelayClient>(
                loop, 6881, std::make_shared<ProxyChoice>(),
                RelayClient::Events{
                    .announce_to = [this](SwarmNumber swarm,
                                          const Places& urls) { announced(swarm, urls); },
                    .refused = [](SwarmNumber, const std::string&, const std::string&) {},
                    .admitted = [](SwarmNumber, const std::string&, const std::string&) {},
                    .announced = [](SwarmNumber, const std::string&,
                                    const std::vector<PeerAddress>&) {},
                    .may_ask =
                        [this](const std::string& relay) { return watch->pool().is_usable(relay); },
                    .asked =
                        [this](const std::string& relay, const Status& status,
                               std::chrono::microseconds took) {
                            watch->on_asked(relay, status, took);
                        }});
            watch = std::make_unique<RelayWatch>(
                loop, RelayWatch::questions({}, std::make_shared<ProxyChoice>()),
                RelayWatch::Events{[this] { settle_places(); },
                                   [this](const std::string&) { settle_places(); }});
        });
        use_relays();
        loop.run([&] {
            tick();
            for (SwarmNumber i = 0; i < kSwarms; ++i)
                client->open(i, hash(i), signer, watch->pool().places_of(hash(i)));
        });
    }
    ~RelayScaleTest() override {
        loop.run([&] {
            is_over = true;
            watch->stop();
            client->stop();
        });
        client.reset();
        watch.reset();
    }

    static RelayInfoHash hash(SwarmNumber number) {
        RelayInfoHash out{};
        std::memcpy(out.data(), &number, sizeof(number));
        return out;
    }
    void add_relay() { relays.push_back(std::make_unique<RunningRelay>(directory / "relay.toml")); }
    void use_relays() {
        RelaySettings settings;
        settings.strategy = RelayStrategy::Hash;
        for (const auto& relay : relays) settings.urls.push_back(relay->url());
        loop.run([&] { watch->set(settings); });
    }
    // As the engine does once a second.
    void tick() {
        if (is_over) return;
        Places urls = watch->urls();
        watch->tick(std::chrono::steady_clock::now(), true, {urls.begin(), urls.end()});
        loop.post_after(50ms, [this] { tick(); });
    }
    // As the engine does when relays, or their health, have changed.
    void settle_places() {
        for (SwarmNumber i = 0; i < kSwarms; ++i)
            client->set_relays(i, watch->pool().places_of(hash(i)));
    }
    void announced(SwarmNumber swarm, const Places& urls) {
        std::lock_guard lock(mutex);
        Places& places = at[swarm];
        places.clear();
        for (const std::string& url : urls) places.push_back(RelayClient::without_ticket(url));
        std::sort(places.begin(), places.end());
        wake.notify_all();
    }
    // Until each swarm has tickets of two relays, none of which is `dead`.
    std::map<SwarmNumber, Places> wait_until_settled(const std::string& dead = "") {
        std::unique_lock lock(mutex);
        bool is_settled = wake.wait_for(lock, 120s, [&] {
            return at.size() == kSwarms &&
                   std::all_of(at.begin(), at.end(), [&](const auto& swarm) {
                       return swarm.second.size() == 2 &&
                              std::count(swarm.second.begin(), swarm.second.end(), dead) == 0;
                   });
        });
        EXPECT_TRUE(is_settled);
        return at;
    }
    static std::size_t count_at(const std::map<SwarmNumber, Places>& places,
                                const std::string& relay) {
        return static_cast<std::size_t>(
            std::count_if(places.begin(), places.end(), [&](const auto& swarm) {
                return std::count(swarm.second.begin(), swarm.second.end(), relay) != 0;
            }));
    }

    TempDir directory;
    std::vector<std::unique_ptr<RunningRelay>> relays;
    SwarmSigner members;
    RelaySigner signer;
    std::mutex mutex;
    std::condition_variable wake;
    std::map<SwarmNumber, Places> at;
    bool is_over = false;
    SyncLoop loop;
    std::unique_ptr<RelayWatch> watch;
    std::unique_ptr<RelayClient> client;
};

TEST_F(RelayScaleTest, OfFiveRelaysAndAThousandSwarmsOneKilledAndOneAddedMoveOnlyTheirShare) {
    auto before = wait_until_settled();
    // A device is at two relays of five with each swarm: 400 of 1000.
    for (const auto& relay : relays) {
        EXPECT_NEAR(static_cast<double>(count_at(before, relay->announce())), 400, 80);
        EXPECT_EQ(relay->tickets(), count_at(before, relay->announce()));
    }

    const std::string dead = relays[2]->announce();
    relays[2]->kill();
    // Its control connections have ended: it is looked at, and left alone after three failures.
    loop.run([&] { watch->pool().check_soon(dead, std::chrono::steady_clock::now()); });
    auto without = wait_until_settled(dead);
    for (const auto& [swarm, places] : before) {
        if (std::count(places.begin(), places.end(), dead) == 0) {
            EXPECT_EQ(without[swarm], places) << "a swarm that was not there moved";
            continue;
        }
        Places kept;
        std::set_intersection(places.begin(), places.end(), without[swarm].begin(),
                              without[swarm].end(), std::back_inserter(kept));
        EXPECT_EQ(kept.size(), 1U) << "its other place stays";
    }

    relays.erase(relays.begin() + 2);
    add_relay();
    const std::string added = relays.back()->announce();
    use_relays();
    std::map<SwarmNumber, Places> with;
    loop.run([&] {
        for (SwarmNumber i = 0; i < kSwarms; ++i) {
            with[i] = watch->pool().places_of(hash(i));
            std::sort(with[i].begin(), with[i].end());
        }
    });
    {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(wake.wait_for(lock, 120s, [&] { return at == with; }));
    }
    for (const auto& [swarm, places] : with) {
        bool is_at_new = std::count(places.begin(), places.end(), added) != 0;
        EXPECT_TRUE(is_at_new || places == without[swarm]) << swarm;
        Places kept;
        std::set_intersection(places.begin(), places.end(), without[swarm].begin(),
                              without[swarm].end(), std::back_inserter(kept));
        EXPECT_GE(kept.size(), is_at_new ? 1U : 2U);
    }
    EXPECT_NEAR(static_cast<double>(count_at(with, added)), 400, 80);
    EXPECT_EQ(relays.back()->tickets(), count_at(with, added));
    RecordProperty("moved_when_one_was_killed", static_cast<int>(count_at(before, dead)));
    RecordProperty("moved_when_one_was_added", static_cast<int>(count_at(with, added)));
}

}  // namespace
}  // namespace lockstep
