// VaultSync: one vault among its members: who is connected, what each side has, what is sent and
// fetched.
//
// It joins the swarm of each epoch, lets links authenticate, tells peers what is here and what is
// new, serves them and fetches from them. THREADS: ls-sync; but status() and the listener's
// methods, which are called from any.
#pragma once

#include <atomic>

#include "base/clock.h"
#include "sync/mailbox/vault_mailbox.h"
#include "sync/pack_fetcher.h"
#include "sync/presence_sync.h"
#include "sync/segment_fetcher.h"
#include "sync/signs_of_life.h"
#include "sync/swarm_owner.h"
#include "sync/sync_engine.h"
#include "sync/tunnel_plan.h"

namespace lockstep {

class VaultSync final : public SwarmOwner, public ReplicaListener {
  public:
    struct Environment {
        TorrentSession& net;
        SyncLoop& loop;
        WorkerPool& workers;
        WorkerPool& mailbox_workers;
        SwarmRegistry& swarms;
        std::chrono::milliseconds want_timeout;
        std::function<void(const VaultId&)> changed;  // on ls-sync, at most every 20 ms
    };

    VaultSync(const Environment& environment, Replica& replica, const VaultSyncOptions& options,
              std::vector<std::string> relays, std::string label);
    // REQUIRES: close() was called.
    ~VaultSync() override;

    // From the loop: begins; ends all links and swarms.
    void start();
    void stop();
    // From any thread but the loop's and workers', after stop(): returns when nothing uses the
    // replica.
    void close();

    const VaultId& id() const { return id_; }
    void set_paused(bool paused);
    void set_label(const std::string& label) { label_ = label; }
    void set_relays(const std::vector<std::string>& relays);
    // See VaultMailbox::leave_now(): this device is about to go.
    void leave_in_mailboxes(std::function<void()> done);
    void add_known_address(const PeerAddress& address);
    // Ends all links and begins anew.
    void reconnect();
    void announce_again();
    VaultSyncStatus status();

    void link_opened(SwarmNumber swarm, LinkNumber link, LinkSide side,
                     const PeerAddress& remote) override;
    void link_frame(LinkNumber link, std::shared_ptr<InboundFrame> frame) override;
    void link_closed(LinkNumber link) override;
    void relay_answered(const std::string& url, bool ok, const std::string& message) override;
    void relay_admitted(SwarmNumber swarm, const std::string& relay,
                        const std::string& ticket) override;
    void relay_places(SwarmNumber swarm, const std::vector<std::string>& places) override;
    void relay_present(SwarmNumber swarm, const std::string& relay,
                       const std::vector<MemberName>& members) override;
    void pack_seeding(const PackId& pack, bool ok);
    void pack_progress(const PackId& pack, std::uint64_t bytes) { packs_.on_progress(pack, bytes); }
    void pack_fetched(const PackId& pack, const std::filesystem::path& file) {
        packs_.on_fetched(pack, file);
    }
    void pack_failed(const PackId& pack, const std::string& why) { packs_.on_failed(pack, why); }
    void tick();

    void segment_added(const SegmentRef& segment) override;
    void segments_compacted(const SegmentRef& last) override;
    void pack_added(const PackId& pack) override;
    void keys_changed() override;
    void pack_wanted_now(const PackInfo& pack) override;
    void segment_damaged(const SegmentRef& segment) override;

  private:
    using Time = std::chrono::steady_clock::time_point;

    // A link whose other end has not proved yet that it is a member.
    struct Stranger {
        EpochId epoch;
        LinkSide side = LinkSide::Dialler;
        PeerAddress address;
        std::optional<RelayPlace> tunnel;  // what it goes through, and to whom there
        bool is_proxied = false;           // dialled through the proxy
        Time since{};
        std::shared_ptr<MemberHandshake> handshake;
        bool is_busy = false;  // a worker has the handshake
        std::deque<std::shared_ptr<InboundFrame>> frames;
    };
    // What the replica says of itself, read on its lane.
    struct Survey {
        std::uint64_t change = 0;  // changes_ before it was read
        Frontier frontier;
        std::vector<PackInfo> missing;
        std::uint64_t left_out = 0;
        bool is_everything = false;  // `missing` is all that is to be fetched
    };
    struct KeySurvey {
        std::vector<Swarm> swarms;
        std::vector<KeyObjectId> keys;
        std::vector<Member> members;
        std::map<RelayPlace, DeviceId> relay_names;
    };

    RelaySigner relay_signer(const Swarm& swarm);
    void open_swarms(const std::vector<Swarm>& swarms);
    void close_swarms();

    void step_handshake(LinkNumber link);
    void on_handshake(LinkNumber link, const std::shared_ptr<Result<std::optional<Bytes>>>& step);
    void welcome(LinkNumber link, Stranger stranger);
    void settle_duplicates(const DeviceId& device);
    void drop(LinkNumber link, LinkEnd end, const std::string& why);
    void blame(LinkNumber link);
    void introduce(Peer& newcomer);
    bool is_connected(const DeviceId& device) const;
    void dial_learned(Time now);
    void dial_through_relays(Time now);
    VaultMailbox::Members mailbox_members() const;
    void on_addresses(const AddressesMessage& message);
    void look_at_heads(Peer& peer);

    void receive(Peer& peer, ByteView frame);
    Status handle(Peer& peer, Message& message, std::size_t charge);
    Status on_keys(Peer& peer, const KeysMessage& message);
    Status on_key_object(Peer& peer, KeyObjectMessage message, std::size_t charge);
    Status on_want_packs(Peer& peer, const WantPacksMessage& message);
    void offer_torrent(LinkNumber link, const PackInfo& pack);

    // On the replica's lane: reads what is new since the last survey and posts it.
    void survey(Replica& replica);
    void on_survey(const Survey& survey);
    void survey_keys();
    void on_key_survey(const KeySurvey& survey);
    void push_next();
    void send_to_all(const std::vector<Message>& messages);
    void heads_changed();
    void append_arrived(const std::vector<PackId>& packs);
    void send_heads(Peer* only);
    void flush_news();

    void changed();
    void publish_status();
    bool is_in_step(const Peer& peer) const;

    Environment env_;
    Replica& replica_;
    VaultId id_;
    DeviceId device_;
    std::shared_ptr<ReplicaWork> work_;
    std::vector<std::string> relays_;
    std::string label_;
    std::set<PeerAddress> addresses_;
    // Where a member can be reached: other members have said so, or it was connected.
    struct Learned {
        PeerAddress address;
        Time since{};
        Time dial_at{};  // not before
        std::chrono::seconds pause{kRedialPauseMin};
        bool is_dialled = false;
    };
    std::map<DeviceId, Learned> learned_;
    std::set<DeviceId> members_;  // not revoked
    TunnelPlan tunnels_;
    Time announced_again_{};
    bool paused_ = false, stopped_ = false, started_ = false;
    bool is_leaving_ = false;
    std::map<EpochId, SwarmNumber> swarms_;
    std::map<SwarmNumber, EpochId> epoch_of_;
    std::vector<Swarm> known_swarms_;
    std::map<LinkNumber, Stranger> strangers_;
    PeerTable peers_;
    std::map<DeviceId, Time> blocked_;
    std::map<PackId, std::set<LinkNumber>> torrent_askers_;

    Frontier frontier_;
    std::uint64_t surveyed_change_ = 0;
    bool is_surveyed_ = false;
    std::vector<KeyObjectId> keys_;
    bool keys_surveying_ = false, keys_survey_again_ = false;
    SegmentFetcher segments_;
    PackFetcher packs_;
    PresenceSync presence_;
    SignsOfLife signs_;
    VaultMailbox mailbox_;
    std::map<DeviceId, MemberState> last_heads_;  // of members that were connected in this run
    std::uint64_t left_out_ = 0;
    std::vector<PackId> arrived_packs_;
    struct Push {
        SegmentRef segment;
        // It stands for several now: goes to those who have them, the others fetch it.
        bool is_compacted = false;
    };
    std::deque<Push> pushes_;  // new here, not yet sent to peers
    // What was pushed last: one that stands for several goes once. Used by one task at a time.
    std::shared_ptr<Bytes> last_pushed_ = std::make_shared<Bytes>();
    bool push_busy_ = false;
    bool news_armed_ = false, heads_dirty_ = false;
    Time heads_sent_{};
    std::map<std::string, RelayStatus> relay_status_;
    bool status_armed_ = false;

    // Frontier as of the last survey, on the lane only.
    Frontier lane_frontier_;
    bool lane_has_surveyed_ = false;

    std::atomic<std::uint64_t> changes_{0};  // segments added here, by anybody
    Mutex status_mutex_;
    VaultSyncStatus status_ GUARDED_BY(status_mutex_);
    std::uint64_t status_change_ GUARDED_BY(status_mutex_) = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
