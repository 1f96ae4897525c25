// Tunnels over real sockets: who is told of whom, what passes, and what ends it. THREATS T52.
#include <condition_variable>
#include <deque>
#include <mutex>

#include "tests/relay/relay_world.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;
using Type = ControlMessage::Type;

// What a connection heard, for a test to wait on.
class Heard final : public WebSocketEvents {
  public:
    void on_data(ByteView piece, bool, bool ends_message) override {
        std::lock_guard lock(mutex_);
        append(message_, piece);
        bytes_ += piece.size();
        if (ends_message) messages_.push_back(std::exchange(message_, {}));
        wake_.notify_all();
    }
    void on_closed() override {
        std::lock_guard lock(mutex_);
        is_closed_ = true;
        wake_.notify_all();
    }
    ControlMessage next() {
        std::unique_lock lock(mutex_);
        bool is_here =
            wake_.wait_for(lock, kRelayPatience, [&] { return !messages_.empty() || is_closed_; });
        CHECK(is_here && !messages_.empty(), "no message");
        Bytes first = std::move(messages_.front());
        messages_.pop_front();
        return decode_control_message(as_text(first)).value();
    }
    // Everything that came, once there are `size` bytes of it.
    Bytes bytes(std::size_t size) {
        std::unique_lock lock(mutex_);
        CHECK(wake_.wait_for(lock, kRelayPatience, [&] { return bytes_ >= size; }),
              "too few bytes");
        Bytes out;
        for (const Bytes& one : messages_) append(out, one);
        append(out, message_);
        return out;
    }
    bool wait_closed() {
        std::unique_lock lock(mutex_);
        return wake_.wait_for(lock, kRelayPatience, [&] { return is_closed_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Bytes> messages_;
    Bytes message_;
    std::size_t bytes_ = 0;
    bool is_closed_ = false;
};

// One end that a test holds.
struct End {
    std::shared_ptr<Heard> heard = std::make_shared<Heard>();
    std::shared_ptr<std::shared_ptr<WebSocket>> socket =
        std::make_shared<std::shared_ptr<WebSocket>>();
};

class TunnelTest : public RelayWorld {
  protected:
    TunnelTest() { serve(with_access(RelayAccess::Open)); }
    ~TunnelTest() override { loop.reset(); }

    Result<End> open(const std::string& path, HttpFields query, std::string_view subprotocol) {
        TRY(auto dialled, dial_websocket({.host = "127.0.0.1",
                                          .port = port,
                                          .path = path,
                                          .query = std::move(query),
                                          .subprotocol = std::string(subprotocol)},
                                         kRelayPatience));
        End end;
        loop->run(std::move(dialled), {.unsent_bytes_max = 64 << 20},
                  [end](const std::shared_ptr<WebSocket>& socket) {
                      *end.socket = socket;
                      return end.heard;
                  });
        return end;
    }
    End control(SwarmSigner& signer, unsigned char number) {
        auto fields = shows(hash, ticket(signer, hash, member_number(number)));
        return open("/v1/control", fields, kControlSubprotocol).value();
    }
    Result<End> data(const TunnelToken& token) {
        return open("/v1/tunnel", {{"token", token.to_hex()}}, kTunnelSubprotocol);
    }
    void say(const End& end, Bytes bytes) {
        loop->post([end, bytes] { (*end.socket)->send(WebSocketOpcode::Binary, bytes); });
    }
    void dial(const End& end, unsigned char number) {
        say(end, to_bytes(as_bytes(encode_control_message(
                     {.type = Type::Dial, .member = member_number(number)}))));
    }
    void close(const End& end) {
        loop->post([end] { (*end.socket)->close(websocket_close::kNormal); });
    }
    // Two members joined by a tunnel: the ends of 1 and 2.
    std::pair<End, End> tunnel() {
        one = control(members, 1);
        EXPECT_EQ(one.heard->next().type, Type::Members);
        two = control(members, 2);
        EXPECT_EQ(two.heard->next().members, std::vector{member_number(1)});
        EXPECT_EQ(one.heard->next(),
                  (ControlMessage{.type = Type::Joined, .member = member_number(2)}));
        dial(one, 2);
        ControlMessage mine = one.heard->next(), theirs = two.heard->next();
        EXPECT_TRUE(mine.is_dialler && !theirs.is_dialler);
        return {data(mine.token).value(), data(theirs.token).value()};
    }

    TrackerHash hash = hash_number(1);
    SwarmSigner members;
    End one, two;
    std::unique_ptr<WebSocketLoop> loop = std::make_unique<WebSocketLoop>("ls-test");
};

TEST_F(TunnelTest, WhatGoesInAtOneEndComesOutAtTheOther) {
    auto [a, b] = tunnel();
    SeededRandom random(1);
    Bytes sent(5 << 20);
    random.fill(sent);
    say(a, sent);
    EXPECT_TRUE(equal(b.heard->bytes(sent.size()), sent));
    say(b, to_bytes(as_bytes("and back")));
    EXPECT_EQ(as_text(a.heard->bytes(8)), "and back");
    EXPECT_EQ(service->tunnels().counts().opened, 1U);
    EXPECT_EQ(service->tunnels().counts().bytes, sent.size() + 8);
    close(a);
    EXPECT_TRUE(b.heard->wait_closed());
}

TEST_F(TunnelTest, BytesSentBeforeTheOtherEndCameAreNotLost) {
    one = control(members, 1);
    two = control(members, 2);
    (void)two.heard->next();
    dial(two, 1);
    TunnelToken token = two.heard->next().token;
    End early = data(token).value();
    say(early, to_bytes(as_bytes("hello")));
    (void)one.heard->next();
    (void)one.heard->next();
    End late = data(one.heard->next().token).value();
    EXPECT_EQ(as_text(late.heard->bytes(5)), "hello");
}

TEST_F(TunnelTest, MembersAreToldWhoComesAndGoes) {
    one = control(members, 1);
    EXPECT_TRUE(one.heard->next().members.empty());
    two = control(members, 2);
    (void)one.heard->next();
    close(two);
    EXPECT_EQ(one.heard->next(), (ControlMessage{.type = Type::Left, .member = member_number(2)}));
    // A device that comes again takes its own place.
    End again = control(members, 1);
    EXPECT_TRUE(again.heard->next().members.empty());
    EXPECT_TRUE(one.heard->wait_closed());
}

TEST_F(TunnelTest, OutsidersCanNeitherSeeNorDialMembers) {
    one = control(members, 1);
    (void)one.heard->next();
    SwarmSigner others;
    End outsider = control(others, 3);
    EXPECT_TRUE(outsider.heard->next().members.empty());
    dial(outsider, 1);
    ControlMessage answer = outsider.heard->next();
    EXPECT_EQ(answer.type, Type::Refused);
    EXPECT_EQ(answer.reason, "it is not here");
    EXPECT_FALSE(open("/v1/control", {}, kControlSubprotocol).ok());
    EXPECT_FALSE(data(system_random().id<TunnelToken>()).ok()) << "a guessed token";
}

TEST_F(TunnelTest, ATokenOpensOneEndOnce) {
    one = control(members, 1);
    two = control(members, 2);
    (void)two.heard->next();
    dial(two, 1);
    TunnelToken token = two.heard->next().token;
    EXPECT_TRUE(data(token).ok());
    EXPECT_FALSE(data(token).ok());
}

TEST_F(TunnelTest, ATunnelThatOnlyOneComesToEnds) {
    one = control(members, 1);
    two = control(members, 2);
    (void)two.heard->next();
    dial(two, 1);
    End waiting = data(two.heard->next().token).value();
    clock.advance(16s);
    EXPECT_TRUE(waiting.heard->wait_closed());
}

TEST_F(TunnelTest, ATunnelThatNobodyUsesEnds) {
    auto [a, b] = tunnel();
    say(a, Bytes(1));
    (void)b.heard->bytes(1);
    clock.advance(121s);
    EXPECT_TRUE(a.heard->wait_closed());
    EXPECT_TRUE(b.heard->wait_closed());
}

TEST_F(TunnelTest, ADaysBytesAreCounted) {
    RelayConfig config = with_access(RelayAccess::Open);
    config.admission.anybody.tunnel_bytes_per_day = 1000;
    serve(config);
    auto [a, b] = tunnel();
    say(a, Bytes(1001));
    (void)b.heard->bytes(1001);
    say(a, Bytes(1));
    EXPECT_TRUE(a.heard->wait_closed());
    dial(one, 2);
    EXPECT_EQ(one.heard->next().reason, "no more bytes today");
    clock.advance(24h);
    dial(one, 2);
    EXPECT_EQ(one.heard->next().type, Type::Tunnel);
}

// Goal: a fast sender and a receiver that does not read cost the relay little memory.
// Method: what the relay takes from the sender is bounded, though he goes on sending.
TEST_F(TunnelTest, ASenderIsHeldBackWhenTheReceiverDoesNotRead) {
    auto [a, b] = tunnel();
    loop->post([b = b] { (*b.socket)->pause(); });
    Bytes piece(1 << 20);
    for (int i = 0; i < 40; ++i) say(a, piece);
    std::uint64_t passed = 0, before = 1;
    for (int i = 0; i < 200 && passed != before; ++i) {
        before = passed;
        std::this_thread::sleep_for(50ms);
        passed = service->tunnels().counts().bytes;
    }
    EXPECT_LT(passed, 40U << 20);
    loop->post([b = b] { (*b.socket)->resume(); });
    EXPECT_EQ(b.heard->bytes(40U << 20).size(), 40U << 20);
}

TEST_F(TunnelTest, NonsenseOnTheControlConnectionEndsIt) {
    for (const char* bad : {"nonsense", "d4:type4:diale", "d7:memberslee4:type7:memberse"}) {
        End end = control(members, 9);
        (void)end.heard->next();
        say(end, to_bytes(as_bytes(std::string_view(bad))));
        EXPECT_TRUE(end.heard->wait_closed()) << bad;
    }
    End end = control(members, 9);
    (void)end.heard->next();
    say(end, Bytes(kControlMessageMax + 1));
    EXPECT_TRUE(end.heard->wait_closed());
}

TEST(ControlMessageTest, ReadAsWritten) {
    TunnelToken token = TunnelToken::from(*from_hex("000102030405060708090a0b0c0d0e0f"));
    for (const ControlMessage& message : std::vector<ControlMessage>{
             {.type = Type::Members, .members = {member_number(1), member_number(2)}},
             {.type = Type::Joined, .member = member_number(1)},
             {.type = Type::Left, .member = member_number(1)},
             {.type = Type::Dial, .member = member_number(1)},
             {.type = Type::Tunnel, .member = member_number(1), .token = token, .is_dialler = true},
             {.type = Type::Refused, .member = member_number(1), .reason = "because"}})
        EXPECT_EQ(*decode_control_message(encode_control_message(message)), message);
}

}  // namespace
}  // namespace lockstep
