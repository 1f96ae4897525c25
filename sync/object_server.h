// ObjectServer: gives one peer the segments, key objects and packs that it asked for, as frames.
//
// Segments and packs have a lane each, so that a new segment never waits behind bulk. A lane reads
// ahead on a worker only while little waits in the session. THREADS: ls-sync.
#pragma once

#include <deque>
#include <memory>

#include "sync/control/peer_session.h"
#include "sync/replica_work.h"
#include "sync/sync_loop.h"

namespace lockstep {

class ObjectServer {
  public:
    ObjectServer(PeerSession& session, std::shared_ptr<ReplicaWork> work, SyncLoop& loop)
        : session_(session), work_(std::move(work)), loop_(loop) {}
    ObjectServer(const ObjectServer&) = delete;
    ObjectServer& operator=(const ObjectServer&) = delete;

    // Corrupt when the peer asks for more than kServeQueueMax objects at once.
    Status want_segments(const WantSegmentsMessage& want);
    Status want_key_objects(const WantKeysMessage& want);
    Status want_pack(const PackInfo& pack, bool now);
    // Goes on when the window has opened.
    void pump();

  private:
    struct SegmentJob {
        LogId log;
        std::uint64_t next = 0, last = 0;
        bool is_new = true;
    };
    struct PackJob {
        PackInfo pack;
        std::uint64_t offset = 0;
    };
    using Read = std::function<std::vector<Message>(Replica&)>;

    bool has_room() const;
    void pump_segments();
    void pump_packs();
    void read(bool& busy, Read read);
    void stop_sending(const PackId& pack);

    PeerSession& session_;
    std::shared_ptr<ReplicaWork> work_;
    SyncLoop& loop_;
    std::deque<KeyObjectId> keys_;
    std::deque<SegmentJob> segments_;
    std::deque<PackJob> packs_;
    std::size_t segments_waiting_ = 0;
    // One that stands for several is sent once. Used by one reading task at a time.
    std::shared_ptr<Bytes> last_segment_ = std::make_shared<Bytes>();
    bool segments_busy_ = false, packs_busy_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
