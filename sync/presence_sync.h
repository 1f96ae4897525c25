// PresenceSync: what a vault's sync does for content that is not on every device: asks for ranges
// and gives them, asks who holds packs and answers that.
//
// THREADS: ls-sync; the listener's methods from any.
#pragma once

#include "sync/pack_auditor.h"
#include "sync/range_fetcher.h"

namespace lockstep {

class PresenceSync final : public PresenceListener {
  public:
    struct Hooks {
        std::function<void(LinkNumber)> blamed;
        std::function<void()> selection_changed;  // on the loop
        std::function<void()> audited;            // likewise
    };

    // `presence` may be null: the replica holds everything.
    PresenceSync(SyncLoop& loop, std::shared_ptr<ReplicaWork> work, PeerTable& peers,
                 Presence* presence, Hooks hooks);
    PresenceSync(const PresenceSync&) = delete;
    PresenceSync& operator=(const PresenceSync&) = delete;

    void start();
    // From any thread but the loop's and workers': what is wanted and asked ends without an answer.
    void close();

    // Whether the message is one of those that are dealt with here.
    static bool is_mine(const Message& message);
    Status handle(Peer& peer, Message& message);
    void on_peer_gone(LinkNumber link);
    void on_news() { ranges_.on_news(); }
    void on_tick(RangeFetcher::Time now);
    // Goes on with what the peer was not ready to be sent.
    void pump(Peer& peer);

    void ranges_wanted(const RangeRequest& request) override;
    void packs_asked(std::uint64_t number, const std::vector<PackId>& packs,
                     std::chrono::seconds keep) override;
    void selection_changed() override;

  private:
    struct Served {
        std::deque<WantRangesMessage> waiting;
        bool is_reading = false;
        std::size_t answering = 0;  // questions about packs
    };
    struct Question {
        std::set<LinkNumber> asked;  // who has not answered
        RangeFetcher::Time since{};
        bool is_promise = false;  // they are to keep the packs
        bool has_audits = false;  // some of them are asked to show what they hold
    };

    Status serve(Peer& peer, WantRangesMessage want);
    Status answer(Peer& peer, const AskPacksMessage& ask);
    void on_held(Peer& peer, const HeldPacksMessage& held);
    void take_answer(LinkNumber link, const Member& member, const HeldPacksMessage& held);
    void end_question(std::uint64_t number);

    SyncLoop& loop_;
    std::shared_ptr<ReplicaWork> work_;
    PeerTable& peers_;
    Presence* presence_;
    Hooks hooks_;
    RangeFetcher ranges_;
    PackAuditor auditor_;
    std::map<LinkNumber, Served> served_;
    std::map<std::uint64_t, Question> questions_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
