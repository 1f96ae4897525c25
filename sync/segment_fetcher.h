// SegmentFetcher: gets the segments that peers' heads name and that are not here.
//
// Each log is asked of one peer at a time, in ranges. What arrives, asked for or pushed, is added
// in order of arrival on the replica's ordered lane, in batches. So is a segment that is here and
// was found damaged. Where a peer follows another way of a log that was forked, the segment where
// the ways part is looked for by halving. THREADS: ls-sync.
#pragma once

#include <functional>

#include "sync/peer.h"

namespace lockstep {

class SegmentFetcher {
  public:
    using Time = std::chrono::steady_clock::time_point;

    struct Hooks {
        // On the replica's lane, after a batch was added.
        std::function<void(Replica&)> added;
        std::function<void(LinkNumber)> blamed;
    };

    SegmentFetcher(SyncLoop& loop, std::shared_ptr<ReplicaWork> work, PeerTable& peers, Hooks hooks)
        : loop_(loop), work_(std::move(work)), peers_(peers), hooks_(std::move(hooks)) {}
    SegmentFetcher(const SegmentFetcher&) = delete;
    SegmentFetcher& operator=(const SegmentFetcher&) = delete;

    // What is here now.
    void set_frontier(const Frontier& frontier);
    // Asks peers for what their heads name beyond it.
    void plan();
    // It is here, but damaged: asked of one peer after the other until it has been added again.
    void want_again(const SegmentRef& segment);
    // Members or keys have changed: refused segments may be good now.
    void forget_refusals();

    Status on_part(Peer& peer, SegmentMessage message, std::size_t charge);
    void on_no_segment(Peer& peer, const SegmentRef& segment);
    void on_peer_gone(LinkNumber link);
    void on_tick(Time now);

    // Named by heads and not here.
    std::uint64_t missing_count() const;

  private:
    struct Ask {
        LinkNumber from = 0;
        std::uint64_t last = 0;
        Time since{};
        // While the fork is looked for: what is here, too, and what is not linked.
        struct Search {
            std::uint64_t known = 0, apart = 0;
        };
        std::optional<Search> search = {};
    };
    struct Arrived {
        LinkNumber from = 0;
        DeviceId device;
        SegmentRef ref;
        Assembled object;
    };
    struct Outcome {
        LinkNumber from = 0;
        SegmentRef ref;
        std::size_t charge = 0;
        Result<Added> added;
    };

    std::uint64_t number_here(const LogId& log) const;
    void ask(const LogId& log, Peer& peer, std::uint64_t first, std::uint64_t last,
             std::optional<Ask::Search> search);
    void plan_damaged(Time now);
    void search_fork(const SegmentRef& segment, LinkNumber from, Added added);
    void add_arrived();
    void on_added(const std::vector<Outcome>& outcomes);
    void refuse_for_a_while(const LogId& log);

    SyncLoop& loop_;
    std::shared_ptr<ReplicaWork> work_;
    PeerTable& peers_;
    Hooks hooks_;
    Frontier frontier_;
    std::map<LogId, Ask> asks_;
    std::map<std::pair<LogId, LinkNumber>, Time> not_before_;  // that peer has not got it
    struct Refusal {
        Time until{};
        int count = 0;
    };
    std::map<LogId, Refusal> refusals_;
    struct Damaged {
        LinkNumber from = 0;  // asked last; 0: nobody yet
        Time since{};
    };
    std::map<SegmentRef, Damaged> damaged_;
    std::vector<Arrived> arrived_;
    bool is_adding_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
