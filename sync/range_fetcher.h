// RangeFetcher: gets ranges of packs that are not here whole from the peers that have them.
//
// Each request goes to one peer at a time, the least loaded that may have it. Whoever has it not,
// does not answer, or sends something else is passed over for that request. What nobody has for
// kNobodyHasIt fails. THREADS: ls-sync.
#pragma once

#include <functional>
#include <list>

#include "sync/peer.h"
#include "vault/presence.h"

namespace lockstep {

class RangeFetcher {
  public:
    using Time = std::chrono::steady_clock::time_point;
    struct Hooks {
        std::function<void(LinkNumber)> blamed;  // sent bytes that are not the pack's
    };

    RangeFetcher(SyncLoop& loop, std::shared_ptr<ReplicaWork> work, PeerTable& peers, Hooks hooks)
        : loop_(loop), work_(std::move(work)), peers_(peers), hooks_(std::move(hooks)) {}
    RangeFetcher(const RangeFetcher&) = delete;
    RangeFetcher& operator=(const RangeFetcher&) = delete;

    void want(const RangeRequest& request);
    Status on_range(Peer& peer, RangeMessage message);
    void on_no_ranges(Peer& peer, std::uint32_t number);
    void on_peer_gone(LinkNumber link);
    // There may be somebody to ask: a peer came, or has got packs.
    void on_news();
    void on_tick(Time now);
    // What is still wanted; nothing is from now on.
    std::vector<RangeRequest> take_all();

  private:
    struct Want {
        RangeRequest request;
        Time wanted{}, asked{};
        LinkNumber from = 0;  // 0: nobody
        std::uint32_t number = 0;
        std::size_t size = 0;  // of all spans
        Bytes bytes;
        std::set<LinkNumber> tried;
        bool is_storing = false;
    };
    using Wants = std::list<Want>;

    Wants::iterator find(LinkNumber from, std::uint32_t number);
    void ask(Want& want);
    void plan();
    void store(Want& want);
    void on_stored(std::uint32_t number, LinkNumber from, const Status& status);
    void fail(Wants::iterator want);

    SyncLoop& loop_;
    std::shared_ptr<ReplicaWork> work_;
    PeerTable& peers_;
    Hooks hooks_;
    Wants wants_;  // in the order in which they came
    std::uint32_t last_number_ = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
