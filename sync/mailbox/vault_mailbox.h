// VaultMailbox: when a vault's mailboxes are visited, one at each relay that has one.
//
// Visits are made when a relay lets us in, soon after something new is here that an absent member
// lacks, after a member has gone, and every few minutes; none while the relay's circuit is open,
// and then at once what was due meanwhile. THREADS: ls-sync.
#pragma once

#include <functional>
#include <memory>

#include "base/worker_pool.h"
#include "sync/mailbox/mailbox_visit.h"
#include "sync/sync_loop.h"

namespace lockstep {

class VaultMailbox {
  public:
    // Who is connected, and what each member had that was connected in this run.
    struct Members {
        std::set<DeviceId> connected;
        std::map<DeviceId, MemberState> heads;
        bool is_anybody_absent = false;
    };
    struct Environment {
        SyncLoop& loop;
        WorkerPool& workers;  // visits block there
        std::shared_ptr<ReplicaWork> work;
        std::function<Members()> members;
        std::function<void(const std::string& relay)> changed;
        // The relay's circuit: whether it may be asked, and that it was. See relay_pool.h.
        std::function<bool(const std::string& relay)> may_ask;
        std::function<void(const std::string& relay, const Status& status,
                           std::chrono::microseconds took)>
            asked;
        std::function<std::shared_ptr<const Proxy>()> proxy;
    };

    explicit VaultMailbox(Environment environment) : env_(std::move(environment)) {}
    ~VaultMailbox() { close(); }
    VaultMailbox(const VaultMailbox&) = delete;
    VaultMailbox& operator=(const VaultMailbox&) = delete;

    // A relay has given a ticket in the swarm of the newest epoch.
    void admit(const EpochId& epoch, const std::string& relay,
               const std::array<std::byte, 20>& info_hash, const std::string& ticket);
    void retain(const std::vector<std::string>& relays);
    // A segment is here that no peer has sent.
    void on_news(const SegmentRef& segment);
    // Somebody has gone, or has become a member.
    void on_members_changed();
    void on_tick(SyncLoop::Time now);
    // Leaves what is new at once, then calls `done`, also when that fails. It is the last thing
    // before close(), so `done` may never be called.
    void leave_now(std::function<void()> done);
    // No more visits; one under way gives up.
    void close();

    bool is_there(const std::string& relay) const;
    // What is wrong with it, for a person; empty: nothing.
    std::string problem(const std::string& relay) const;

  private:
    struct Place {
        EpochId epoch{};
        std::array<std::byte, 20> info_hash{};
        std::string ticket;
        std::shared_ptr<MailboxMemory> memory = std::make_shared<MailboxMemory>();
        std::stop_source stop;
        SyncLoop::Time next{}, next_thorough{};
        bool is_visiting = false, is_there = false;
        std::string problem;
        bool is_full = false;
        std::set<SegmentRef> news;
    };

    bool is_due(const std::string& relay, const Place& place, SyncLoop::Time now) const;
    void visit(const std::string& relay, Place& place, SyncLoop::Time now);
    void on_visited(const std::string& relay, const std::shared_ptr<MailboxMemory>& memory,
                    const std::set<SegmentRef>& news, const MailboxVisit::Report& report);
    void tell_when_left();
    void hurry(std::chrono::milliseconds delay, bool is_thorough);

    Environment env_;
    std::map<std::string, Place> places_;
    std::function<void()> left_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
