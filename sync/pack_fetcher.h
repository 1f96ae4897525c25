// PackFetcher: gets the packs that are missing here from the peers that have them.
//
// Packs up to kInlinePackSizeMax come as frames, many asked for at once; larger ones by a torrent
// that the holder starts first; what a reader waits for comes as frames ahead of everything. The
// order is random, so that devices that fetch the same packs fetch different ones first and can
// give them to each other. Whoever does not deliver, or delivers something else, is passed over for
// that pack.
//
// THREADS: ls-sync.
#pragma once

#include <filesystem>
#include <functional>
#include <random>
#include <unordered_map>

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
                PeerTable& peers, Hooks hooks);
    ~PackFetcher();  // drops its torrents
    PackFetcher(const PackFetcher&) = delete;
    PackFetcher& operator=(const PackFetcher&) = delete;

    void set_directory(std::filesystem::path directory) { directory_ = std::move(directory); }

    // Adds packs that are not here. Those known already are left alone.
    void add_missing(std::vector<PackInfo> packs);
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
    void on_peer_gone(LinkNumber link);
    void on_tick(Time now);

    // What torrents say. Packs of others are ignored.
    void on_progress(const PackId& pack, std::uint64_t bytes);
    void on_fetched(const PackId& pack, const std::filesystem::path& file);
    void on_failed(const PackId& pack, const std::string& why);

    std::uint64_t missing_count() const { return wants_.size(); }
    std::uint64_t missing_bytes() const { return missing_bytes_; }

  private:
    enum class State { Queued, Resting, Inline, TorrentAsked, TorrentRuns, Storing };
    struct Want {
        PackInfo pack;
        State state = State::Queued;
        LinkNumber from = 0;  // 0: nobody
        Time since{};         // of the last progress
        int failures = 0;
        bool is_now = false;
        bool avoid_torrent = false;
    };

    bool goes_inline(const Want& want) const;
    Peer* choose_peer(const Want& want, bool& somebody_has_it);
    bool plan_queue(std::deque<PackId>& queue, std::map<LinkNumber, WantPacksMessage>& asks);
    void ask(Want& want, Peer& peer, std::map<LinkNumber, WantPacksMessage>& asks);
    void release(Want& want);  // from its peer's windows
    void requeue(Want& want);
    void rest(Want& want, std::chrono::milliseconds delay);
    void fail(Want& want, bool peer_lacks_it);
    void store_bytes(const PackInfo& pack, Assembled object, LinkNumber from, bool was_pushed);
    void on_stored(const PackInfo& pack, LinkNumber from, const Status& status);
    Peer* peer_of(LinkNumber link);

    TorrentSession& net_;
    SyncLoop& loop_;
    std::shared_ptr<ReplicaWork> work_;
    PeerTable& peers_;
    Hooks hooks_;
    std::filesystem::path directory_;
    std::unordered_map<PackId, Want> wants_;
    std::set<PackId> pushed_;  // came unasked, not stored yet
    std::uint64_t missing_bytes_ = 0;
    std::size_t torrents_ = 0;
    std::deque<PackId> now_queue_, small_queue_, large_queue_;
    std::multimap<Time, PackId> resting_;
    std::mt19937_64 shuffle_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace lockstep
