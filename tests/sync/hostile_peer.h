// HostilePeer: a member that says whatever a test wants it to say, over the real network.
#pragma once

#include "sync/control/peer_session.h"
#include "sync/sync_loop.h"
#include "tests/sync/sync_fixture.h"

namespace lockstep {

// THREADS: its own loop runs the handler; everything else from the test.
class HostilePeer final : public TorrentEvents {
  public:
    // Called for every message of the other end; it answers by the session, or does not.
    using Handler = std::function<void(PeerSession& session, const Message& message)>;

    HostilePeer(const FakeVault& vault, const std::string& label, Handler handler)
        : replica(vault, label), handler_(std::move(handler)) {}
    ~HostilePeer() override { stop(); }

    void dial(const PeerAddress& address) {
        auto net = TorrentSession::start(
            {.listen_addresses = {"127.0.0.1"}, .lan_discovery = false}, *this);
        ASSERT_TRUE(net.ok());
        net_ = std::move(*net);
        net_->open_swarm(1, replica.swarms().front().torrent_seed, {}, {address});
    }
    void stop() {
        net_.reset();
        loop_.run([&] { session_.reset(); });
    }
    void say(std::vector<Message> messages) {
        loop_.run([&] {
            if (session_ != nullptr) session_->send(messages);
        });
    }
    bool is_connected() {
        bool out = false;
        loop_.run([&] { out = session_ != nullptr; });
        return out;
    }
    int times_connected() const { return times_connected_; }

    void link_opened(SwarmNumber, LinkNumber link, LinkSide side, const PeerAddress&) override {
        if (side != LinkSide::Dialler) return net_->close_link(link, LinkEnd::Polite);
        loop_.post([this, link] {
            session_.reset();
            link_ = link;
            handshake_.emplace(LinkSide::Dialler, replica.swarms().front().epoch);
            reply(handshake_->start(replica).value());
        });
    }
    void link_frame(SwarmNumber, LinkNumber link, std::shared_ptr<InboundFrame> frame) override {
        loop_.post([this, link, frame] {
            if (link == link_) take(frame->bytes);
        });
    }
    void link_closed(SwarmNumber, LinkNumber link) override {
        loop_.post([this, link] {
            if (link == link_) session_.reset();
        });
    }
    void relay_answered(SwarmNumber, const std::string&, bool, const std::string&) override {}
    void pack_seeding(const PackId&, bool) override {}
    void pack_progress(const PackId&, std::uint64_t) override {}
    void pack_fetched(const PackId&, const std::filesystem::path&) override {}
    void pack_failed(const PackId&, const std::string&) override {}

    FakeReplica replica;

  private:
    void reply(Bytes frame) {
        std::vector<Bytes> frames;
        frames.push_back(std::move(frame));
        net_->send(link_, std::move(frames));
    }
    void take(ByteView frame) {
        if (session_ == nullptr) {
            auto answer = handshake_->receive(replica, frame);
            if (answer.ok() && answer->has_value()) reply(std::move(**answer));
            if (!handshake_->is_done()) return;
            session_ = std::make_unique<PeerSession>(*net_, link_, handshake_->cipher());
            ++times_connected_;
            session_->send({HelloMessage{"hostile", 1}, KeysMessage{}});
            return;
        }
        auto received = session_->receive(frame);
        if (!received.ok() || !received->has_value()) return;
        session_->taken((*received)->charge);
        handler_(*session_, (*received)->message);
    }

    Handler handler_;
    LinkNumber link_ = 0;
    std::optional<MemberHandshake> handshake_;
    std::unique_ptr<PeerSession> session_;
    std::atomic<int> times_connected_{0};
    SyncLoop loop_;
    std::unique_ptr<TorrentSession> net_;
};

}  // namespace lockstep
