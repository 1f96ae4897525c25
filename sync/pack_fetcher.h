// PackFetcher: gets the packs that are missing here from the peers that have them.
//
// Packs up to kInlinePackSizeMax come as frames, many asked for at once; larger ones by a torrent
// that the holder starts first; what a reader waits for comes as frames ahead of everything. Whom
// each pack is asked of: sync/fetch_plan.h; members that lack the same packs tell each other what
// they are getting. Whoever does not deliver, or delivers something else, is passed over for that
// pack, and who fails again and again is avoided for a while, longer each time.
//
// THREADS: ls-sync.
#pragma once

#include <filesystem>
#include <functional>
#include <unordered_map>

#include "sync/fetch_plan.h"
#include "sync/peer.h"

namespace lockstep {

class PackFetcher {
  public:
    using Time = std::chrono::steady_clock::time_point;

    struct Hooks {
        std::function<void(const std::vector<PackId>&)> arrived;  // stored durably
        std::function<void(LinkNumber)> blamed;  // sent bytes that are not the pack
    };

    PackFetcher(TorrentSession& net, SyncLoop& loop, std::shared_ptr<ReplicaWork> work,
                const DeviceId& device, std::chrono::milliseconds want_timeout, PeerTable& peers,
                Hooks hooks);
    ~PackFetcher();  // drops its torrents
    PackFetcher(const PackFetcher&) = delete;
    PackFetcher& operator=(const PackFetcher&) = delete;

    void set_directory(std::filesystem::path directory) { directory_ = std::move(directory); }

    // Adds packs that are not here, to be fetched in about this order. Those known already are left
    // alone.
    void add_missing(const std::vector<PackInfo>& packs);
    void want_now(const PackInfo& pack);
    // Gives up what is not among these, unless a reader waits for it.
    void retain(const std::vector<PackInfo>& packs);
    // The pack has come by another way. False when it was not missing.
    bool forget(const PackId& pack);

    // Asks for as much as the peers' windows allow.
    void plan();

    // What peers say. The charge of a part goes back to the peer's window when the part is dealt
    // with.
    Status on_part(Peer& peer, PackMessage message, std::size_t charge);
    void on_no_pack(Peer& peer, const PackId& pack);
    void on_ready(Peer& peer, const PackId& pack);
    void on_have(Peer& peer, const std::vector<PackId>& packs);
    void on_fetching(Peer& peer, const FetchingMessage& message);
    void on_peer_gone(LinkNumber link);
    void on_tick(Time now);

    // What torrents say. Packs of others are ignored. Progress of no bytes: the connection stands.
    void on_progress(const PackId& pack, std::uint64_t bytes);
    void on_fetched(const PackId& pack, const std::filesystem::path& file);
    void on_failed(const PackId& pack, const std::string& why);

    std::vector<PackId> missing() const;
    std::uint64_t missing_count() const { return wants_.size(); }
    std::uint64_t missing_bytes() const { return missing_bytes_; }

  private:
    enum class State { Queued, Resting, Inline, TorrentAsked, TorrentRuns, Storing };
    struct Want {
        PackInfo pack;
        State state = State::Queued;
        LinkNumber from = 0;  // 0: nobody
        Time queued{};        // since when it has been in a queue
        Time room_awaited{};  // since when only room is missing
        Time asked{};
        Time since{};  // of the last progress
        std::uint64_t received = 0;
        int failures = 0;
        int times_too_slow = 0;
        bool is_now = false;
        bool is_connected = false;  // its torrent, to the holder
        bool avoid_torrent = false;
    };
    // What a device's promises have been worth. Kept over its links.
    struct Record {
        int broken = 0;  // lately
        Time last{}, avoided_until{};
    };
    // What a round of planning has found out.
    struct Round {
        Time now{};
        std::map<LinkNumber, WantPacksMessage> asks;
        std::vector<DeviceId> rivals;  // members that miss packs as well
        bool some_wait_for_turn = false;
    };

    bool goes_inline(const Want& want, const Peer& peer) const;
    static bool is_shared(const PackInfo& pack) { return pack.length > kPushedPackBytesMax; }
    static bool has_by_its_list(const PackId& pack, const Peer& peer);
    bool is_avoided(const Peer& peer, Time now) const;
    bool is_fetched_by_peer(const PackId& pack, Time now) const;
    bool has_room(const Want& want, const Peer& peer, const Round& round, bool is_named) const;
    bool anybody_has_room(const Round& round) const;
    PackView view_of(const Want& want, const Round& round) const;
    void plan_queue(std::deque<PackId>& queue, Round& round);
    bool plan_one(const PackId& pack, Round& round, bool out_of_turn);
    void ask(Want& want, Peer& peer, Round& round);
    void announce(bool even_if_equal);
    void disappointed(Peer& peer, const char* why);
    void kept_its_word(const Peer& peer);
    void go_inline(Want& want);
    void give_up(Want& want);
    void expire_promises(Time now);
    void replace_slow(Time now);
    void release(Want& want);  // from its peer's windows
    void requeue(Want& want);
    void rest(Want& want, std::chrono::milliseconds delay);
    void fail(Want& want, bool peer_lacks_it);
    void store_bytes(const PackInfo& pack, Assembled object, LinkNumber from, bool was_pushed);
    void on_stored(const PackInfo& pack, LinkNumber from, const Status& status);
    Peer* peer_of(LinkNumber link);
    std::optional<DeviceId> device_of(LinkNumber link);

    TorrentSession& net_;
    SyncLoop& loop_;
    std::shared_ptr<ReplicaWork> work_;
    DeviceId device_;
    std::chrono::milliseconds want_timeout_;
    PeerTable& peers_;
    Hooks hooks_;
    std::filesystem::path directory_;
    std::unordered_map<PackId, Want> wants_;
    std::set<PackId> pushed_;  // came unasked, not stored yet
    std::uint64_t missing_bytes_ = 0;
    std::size_t torrents_ = 0;
    std::deque<PackId> now_queue_, small_queue_, large_queue_;
    std::multimap<Time, PackId> resting_;
    std::set<PackId> on_their_way_;  // shared packs asked for, or being stored
    std::set<PackId> announced_;     // as last said to the other members
    Time announced_at_{};
    std::map<DeviceId, Record> records_;
    std::map<DeviceId, Time> unreachable_until_;  // for torrents; kept over links
    bool turn_armed_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
