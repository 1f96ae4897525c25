// Signs of life: what tells a member that is silent from one whose news are withheld.
//
// Every quarter of an hour, and within a minute of a change, a device that syncs signs the time and
// how far the logs are there. Members pass the newest sign of each other member on as it is. So
// whoever hears of a member by any way at all knows until when it lived, and whether there is
// something that it had and that never came here. Nobody can forge a sign or make an old one new;
// who withholds all of them makes the member look silent, and that is shown by its age.
//
// Bytes: sync/PROTOCOL.md, "Signs of life". THREADS: ls-sync.
#pragma once

#include <functional>

#include "sync/peer.h"
#include "sync/sync_engine.h"

namespace lockstep {

class SignsOfLife {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // `heard`: on the loop, when a newer sign of a member has come.
    SignsOfLife(SyncLoop& loop, std::shared_ptr<ReplicaWork> work, PeerTable& peers,
                const DeviceId& device, std::function<void()> heard)
        : loop_(loop),
          work_(std::move(work)),
          peers_(peers),
          device_(device),
          heard_(std::move(heard)) {}
    SignsOfLife(const SignsOfLife&) = delete;
    SignsOfLife& operator=(const SignsOfLife&) = delete;

    // Signs of who is no member any more are forgotten.
    void set_members(const std::set<DeviceId>& members);
    // `frontier`: what is here.
    void on_tick(Time now, const Frontier& frontier);
    // All that is known goes to a peer that has just come.
    void introduce(Peer& peer);
    // Signs that are not newer than what is known, or of the future, are passed over.
    void on_signs(const Peer& from, const AliveMessage& message);
    // Of the other members, as far as anything was heard; `frontier`: what is here.
    std::vector<MemberSign> signs(const Frontier& frontier) const;

    // What a sign's signature is over.
    static Bytes transcript(const VaultId& vault, const SignOfLife& sign);

  private:
    void sign(const Frontier& frontier);
    void keep(SignOfLife sign, LinkNumber from);

    SyncLoop& loop_;
    std::shared_ptr<ReplicaWork> work_;
    PeerTable& peers_;
    const DeviceId device_;
    const std::function<void()> heard_;
    std::map<DeviceId, SignOfLife> known_;  // the newest of each
    std::set<DeviceId> members_;
    std::size_t verifying_ = 0;
    Time signed_{};
    Frontier signed_frontier_;
    bool is_signing_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
