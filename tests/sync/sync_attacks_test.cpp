// THREATS T50, T54 and T55 against engines: what a peer, a stranger or a tracker may make a device
// do.
#include <set>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/http/server.h"
#include "relay/protocol/announce.h"
#include "sync/torrent_session.h"
#include "tests/sync/sync_fixture.h"
#include "tests/sync/tiny_tracker.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out.sin_port = htons(port);
    return out;
}

// Speaks BitTorrent by hand.
class RawPeer {
  public:
    // Connected, and its handshake answered: a torrent of that info hash runs there.
    RawPeer(std::uint16_t port, ByteView info_hash) {
        bool is_answered = eventually([&] {
            fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in to = loopback(port);
            CHECK(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
            std::string reserved("\0\0\0\0\0\x10\0\0", 8);
            send(
                "\x13"
                "BitTorrent protocol" +
                reserved + std::string(as_text(info_hash.first(20))) + "-XX0000-attacker1234");
            char answer[68];
            return ::recv(fd_.get(), answer, sizeof(answer), MSG_WAITALL) == sizeof(answer);
        });
        EXPECT_TRUE(is_answered);
    }
    void send(const std::string& bytes) {
        (void)::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    void offer(const std::string& extensions) { message(std::string("\x14\0", 2) + extensions); }
    void message(const std::string& body) {
        std::string length(4, '\0');
        for (std::size_t i = 0; i < 4; ++i)
            length[i] = static_cast<char>(body.size() >> (24 - 8 * i));
        send(length + body);
    }
    // All that the other end says until it ends the connection, or has said `text`.
    std::string read_to_end() { return read_until("\1 nobody says this"); }
    std::string read_until(const std::string& text) {
        std::string got;
        char piece[4096];
        pollfd wait{fd_.get(), POLLIN, 0};
        while (::poll(&wait, 1, 30'000) == 1) {
            ssize_t size = ::recv(fd_.get(), piece, sizeof(piece), 0);
            if (size <= 0) return got;
            got.append(piece, static_cast<std::size_t>(size));
            if (got.find(text) != std::string::npos) return got;
        }
        ADD_FAILURE() << "the connection was not ended";
        return got;
    }
    // Kinds of the BitTorrent messages in what read_to_end() gave.
    static std::set<int> kinds_in(const std::string& got) {
        std::set<int> out;
        auto u8_at = [&](std::size_t at) { return static_cast<unsigned char>(got[at]); };
        for (std::size_t at = 0; at + 5 <= got.size();) {
            std::size_t length = 0;
            for (std::size_t i = 0; i < 4; ++i) length = length << 8 | u8_at(at + i);
            if (length > 0) out.insert(u8_at(at + 4));
            at += 4 + length;
        }
        return out;
    }

  private:
    UniqueFd fd_;
};

// Somebody who waits to be called.
class Canary {
  public:
    Canary() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_in at = loopback(0);
        socklen_t size = sizeof(at);
        auto* generic = reinterpret_cast<sockaddr*>(&at);
        CHECK(::bind(fd_.get(), generic, size) == 0 && ::listen(fd_.get(), 8) == 0);
        CHECK(::getsockname(fd_.get(), generic, &size) == 0);
        port = ntohs(at.sin_port);
    }
    bool was_called() { return UniqueFd(::accept(fd_.get(), nullptr, nullptr)).ok(); }
    std::uint16_t port = 0;

  private:
    UniqueFd fd_;
};

class SyncAttacksTest : public ::testing::Test {
  protected:
    SyncAttacksTest() { FakeReplica::introduce({&a.replica, &b.replica}); }
    bool settle() {
        return eventually([&] {
            return a.is_in_step_with(1) && b.is_in_step_with(1) &&
                   b.replica.missing_packs().empty();
        });
    }

    FakeVault vault = FakeVault::random();
    Device a{vault, "alpha"}, b{vault, "beta"};
};

// T50: torrents are made here, from (id, length), with nothing in them that names an address.
TEST_F(SyncAttacksTest, T50_TorrentsNameNoTrackersSeedsOrNodes) {
    Bytes torrent = pack_torrent_file({PackId{}, 3 * kMiB}, {});
    for (const char* key : {"announce", "url-list", "httpseeds", "nodes", "http"})
        EXPECT_EQ(as_text(torrent).find(key), std::string_view::npos) << key;
}

// T50: a peer can offer metadata, other peers or a tracker as it likes: nobody is called for it.
TEST_F(SyncAttacksTest, T50_NothingAPeerSaysMakesUsDialAnybody) {
    a.start();
    Canary canary;
    auto hash = swarm_tracker_hash(a.replica.swarms().front().torrent_seed);
    RawPeer peer(a.engine->listen_port(), hash);
    peer.offer(
        "d1:md7:ls_synci20e6:lt_texi3e11:ut_metadatai2e6:ut_pexi1ee13:metadata_sizei99999ee");
    std::string got = peer.read_until("7:ls_sync");
    std::string port{static_cast<char>(canary.port >> 8), static_cast<char>(canary.port)};
    peer.message(std::string("\x14\x01", 2) + "d5:added6:" + std::string("\x7f\0\0\1", 4) + port +
                 "7:added.f1:" + std::string(1, '\0') + "e");
    peer.message(std::string("\x14\x02", 2) + "d8:msg_typei1e5:piecei0e10:total_sizei16ee" +
                 std::string(16, 'd'));
    std::string tracker = "http://127.0.0.1:" + std::to_string(canary.port) + "/announce";
    peer.message(std::string("\x14\x03", 2) + "d5:addedl" + std::to_string(tracker.size()) + ":" +
                 tracker + "ee");
    peer.message(std::string("\x09", 1) + port);  // BEP 5: the port of a DHT node
    peer.message(std::string("\x14\x14", 2) + "no handshake");
    got += peer.read_to_end();
    EXPECT_NE(got.find("7:ls_sync"), std::string::npos);
    for (const char* name : {"ut_pex", "ut_metadata", "lt_tex"})
        EXPECT_EQ(got.find(name), std::string::npos) << name;
    // A second one has come and gone, so what the first one said has been dealt with.
    RawPeer second(a.engine->listen_port(), hash);
    second.offer("d1:md7:ls_synci20eee");
    second.message(std::string("\x14\x14", 2) + "no handshake");
    (void)second.read_to_end();
    EXPECT_FALSE(canary.was_called());
}

// T54: who knows a pack's torrent but has no token gets no byte of it, and is asked for none.
TEST_F(SyncAttacksTest, T54_AStrangerInAPackSwarmGetsNothingAndGivesNothing) {
    a.replica.publish({random_bytes(3 * kMiB)});
    a.start();
    b.start({a.address()});
    ASSERT_TRUE(settle());
    auto packs = a.replica.packs_of({a.replica.frontier().begin()->first, 1}).value();
    RawPeer stranger(a.engine->listen_port(), pack_info_hash(packs.at(0)).view());
    stranger.offer("d1:mdee");
    stranger.message("\x02");                                             // interested
    stranger.message(std::string("\x06\0\0\0\0\0\0\0\0\0\0\x40\0", 13));  // the first block
    std::string got = stranger.read_to_end();
    std::set<int> kinds = RawPeer::kinds_in(got);
    EXPECT_FALSE(kinds.contains(7)) << "a piece";
    EXPECT_FALSE(kinds.contains(6)) << "a request";
    EXPECT_FALSE(kinds.contains(21)) << "a request for hashes";
}

// T55: a tracker that hides the members and names only its friends keeps nobody from an honest one.
TEST_F(SyncAttacksTest, T55_ALyingTrackerEclipsesNobodyWhoAsksAnotherOne) {
    Canary friend_of_his;
    AnnounceResponse lie{.interval_s = 5, .min_interval_s = 1};
    for (int i = 0; i < 50; ++i)
        lie.peers.push_back({to_bytes(as_bytes(std::string("\x7f\0\0\1", 4))),
                             i == 0 ? friend_of_his.port : static_cast<std::uint16_t>(1 + i)});
    HttpServer liar(HttpServerOptions{.inline_handlers = true}, [&](const HttpRequest& request,
                                                                    HttpResponder responder) {
        bool is_announce = request.path == "/announce";
        responder.respond(is_announce
                              ? HttpResponse{.status = 200, .body = encode_announce_response(lie)}
                              : HttpResponse::text(404, "what?\n"));
    });
    std::string liar_url =
        "http://127.0.0.1:" + std::to_string(liar.listen_tcp("127.0.0.1", 0).value());
    TinyTracker honest;
    a.replica.publish({random_bytes(5000)});
    a.start({}, {liar_url, honest.url()});
    b.start({}, {liar_url, honest.url()});
    EXPECT_TRUE(settle());
    EXPECT_EQ(b.replica.pack_count(), 1U);
}

// T55: nor from members whose address is known, though no tracker tells the truth.
TEST_F(SyncAttacksTest, T55_AKnownAddressNeedsNoTracker) {
    a.replica.publish({random_bytes(5000)});
    a.start({}, {"http://127.0.0.1:1"});
    b.start({a.address()}, {"http://127.0.0.1:1"});
    EXPECT_TRUE(settle());
}

}  // namespace
}  // namespace lockstep
