// SyncEngine: the front door of sync/. Brings the members of vaults to the same ciphertext, and
// lets devices join.
//
// It moves segments, key objects and packs between Replicas over BitTorrent (sync/PROTOCOL.md). It
// never sees a vault key: what a vault is to it is vault/replica.h.
//
// THREADS: every method from any thread. The engine runs "ls-net" (libtorrent), "ls-sync"
// (everything else that has state) and a few workers that alone call the blocking methods of a
// Replica. Listeners and the methods of delegates that say so are called on ls-sync: they must
// return at once and must not call remove_vault() or destroy the engine.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/http/proxy.h"
#include "sync/peer_address.h"
#include "sync/relay_strategy.h"
#include "vault/replica.h"

namespace lockstep {

struct SyncEngineOptions {
    std::vector<std::string> listen_addresses = {"0.0.0.0", "::"};  // IP literals
    std::uint16_t listen_port = 0;  // 0: any free one, the same on all addresses
    RelaySettings relays;
    bool lan_discovery = true;
    bool dht = false;                              // see torrent_session.h
    std::vector<std::string> dht_bootstrap_nodes;  // "address:port"
    bool port_mapping = false;
    std::string device_label;  // shown to other members; cut to 64 bytes
    // How long a peer may be silent about a pack before somebody else is asked.
    std::chrono::milliseconds want_timeout = std::chrono::seconds(20);
    // What relays and devices beyond the local network are reached through; null: nothing.
    std::shared_ptr<const Proxy> proxy;
    // Who is asked for relays' domains; empty: the machine's name servers.
    PeerAddress name_server;
};

struct VaultSyncOptions {
    std::vector<PeerAddress> known_addresses;
    bool paused = false;
};

// Bytes per second, of all vaults and devices together; 0: no limit.
struct SyncLimits {
    std::uint64_t up = 0, down = 0;
    // Also between devices on a local network; counts for connections made from then on.
    bool counts_in_lan = false;

    bool operator==(const SyncLimits&) const = default;
};

struct RelayStatus {
    std::string url;
    bool ok = false;                    // its last announce was answered
    std::string message;                // why not; when ok: what is wrong besides
    std::int64_t last_announce_ms = 0;  // wall clock of the last answer; 0: none yet
    bool has_tunnels = false;           // others can reach this device through it now
    bool has_mailbox = false;           // it keeps what waits for members that are not there
};

struct PeerStatus {
    DeviceId device;
    std::string label;
    PeerAddress address;
    // The relay whose tunnel it is reached through, http(s)://HOST:PORT; empty: directly.
    std::string relay;
    std::int64_t connected_since_ms = 0;  // wall clock
    // Its last head, received after our last change, equals our frontier, and it misses no pack.
    bool in_step = false;
    std::uint64_t missing_packs = 0;   // as it last said
    std::uint64_t left_out_packs = 0;  // not there by choice, nor among the missing
    Frontier frontier;                 // as it last said; empty before
    std::uint64_t bytes_received = 0, bytes_sent = 0;
    std::uint64_t receive_rate = 0, send_rate = 0;  // bytes per second, over the last two seconds
};

// What another member has last signed of itself, whoever passed it on.
struct MemberSign {
    DeviceId device;
    std::int64_t time_ms = 0;           // by its own clock
    std::uint64_t unseen_segments = 0;  // that it had then, and that are not here
};

struct VaultSyncStatus {
    bool paused = false;
    std::vector<RelayStatus> relays;
    std::vector<PeerStatus> peers;       // connected and authenticated now
    std::uint64_t missing_segments = 0;  // named by peers' heads and not here
    std::uint64_t missing_packs = 0, missing_pack_bytes = 0;
    std::uint64_t receive_rate = 0, send_rate = 0;
    // Nothing is missing here and every connected peer is in step. Says nothing when there is no
    // peer.
    bool in_step = false;
    std::vector<MemberSign> signs;  // of other members, as far as any was heard of in this run
};

// A ticket's secret. Whoever knows it may ask to join, once.
using InviteSecret = std::array<std::byte, 16>;
using JoinNumber = std::uint64_t;

struct JoinHostOptions {
    std::chrono::milliseconds expires_in = std::chrono::hours(24);
};

// The side that lets a device in.
class JoinHostDelegate {
  public:
    virtual ~JoinHostDelegate() = default;
    // A guest has proved the secret and waits for SyncEngine::answer_guest(join, guest, ...). Show
    // `digits` (six) for comparison with the guest's screen. Called on ls-sync; may call
    // answer_guest() at once.
    virtual void guest_waits(std::uint64_t guest, const std::string& digits,
                             const std::string& label) = 0;
    // On a worker, after approval; may block.
    virtual Result<Bytes> offer() = 0;
    virtual Result<Bytes> admit(ByteView request) = 0;
    // Once, on ls-sync, the last call: ok when a guest was admitted and has said so; Refused when
    // the invite was burnt by three wrong proofs; Timeout when it expired; Cancelled. A refused
    // guest does not end an invite.
    virtual void finished(const Status& status) = 0;
};

struct JoinTicket {
    InviteSecret secret{};
    std::vector<std::string> relays;
    std::vector<PeerAddress> addresses;
    std::string guest_label;
    std::chrono::milliseconds timeout = std::chrono::minutes(10);
};

// The side that is let in.
class JoinGuestDelegate {
  public:
    virtual ~JoinGuestDelegate() = default;
    // The host has proved the secret; show `digits`. Called on ls-sync.
    virtual void waits_for_approval(const std::string& digits, const std::string& host_label) = 0;
    // On a worker; may block. `request` answers the host's offer; `admitted` ends the join.
    virtual Result<Bytes> request(ByteView offer) = 0;
    virtual Status admitted(ByteView admission) = 0;
    // Once, on ls-sync, the last call. Refused: the host said no, or the ticket was used.
    virtual void finished(const Status& status) = 0;
};

class SyncEngine {
  public:
    // Listens on return. Io when no address can be listened on.
    static Result<std::unique_ptr<SyncEngine>> start(const SyncEngineOptions& options);
    // Stops everything and waits for workers; open joins finish as Cancelled.
    virtual ~SyncEngine() = default;

    virtual std::uint16_t listen_port() const = 0;
    virtual void set_label(const std::string& label) = 0;  // for connections made from now on
    virtual void set_relays(const RelaySettings& relays) = 0;
    // As things stand. Relays that DNS names are among them.
    virtual std::vector<RelayState> relay_states() const = 0;
    virtual std::vector<RelayDomainState> relay_domains() const = 0;
    virtual void set_limits(const SyncLimits& limits) = 0;
    // Connections that did not go through this proxy, or with null those that went through one, end
    // within a second or so, and nothing new goes another way on return. No effect when it is the
    // same.
    virtual void set_proxy(std::shared_ptr<const Proxy> proxy) = 0;
    virtual std::shared_ptr<const Proxy> proxy() const = 0;
    // Connections made before are dead, for instance since the machine has slept: all vaults
    // connect anew within a second, later when that comes often. The engine notices sleep and
    // changes of addresses by itself.
    virtual void network_changed() = 0;

    // Calls `task` on ls-sync soon; it must return at once.
    virtual void call_soon(std::function<void()> task) = 0;

    // Starts syncing. `replica` must stay until remove_vault() has returned. Exists when the vault
    // is there.
    virtual Status add_vault(Replica& replica, const VaultSyncOptions& options) = 0;
    // Before remove_vault(), when this device is about to go: what was added last and other members
    // lack is left in the mailboxes of relays. Blocks for `patience` at most.
    virtual void leave_in_mailboxes(const VaultId& vault, std::chrono::milliseconds patience) = 0;
    // Blocks until nothing uses the replica. No effect on a vault that is not there.
    virtual void remove_vault(const VaultId& vault) = 0;
    virtual void pause(const VaultId& vault) = 0;
    virtual void resume(const VaultId& vault) = 0;
    virtual void add_known_address(const VaultId& vault, const PeerAddress& address) = 0;

    // NotFound for a vault that was not added. Cheap.
    virtual Result<VaultSyncStatus> status(const VaultId& vault) = 0;
    // Called on ls-sync, at most every 20 ms a vault, when its status may have become other. One
    // listener.
    virtual void set_change_listener(std::function<void(const VaultId&)> listener) = 0;

    // Joining (DESIGN 5.5). Delegates are kept until finished() has returned.
    virtual JoinNumber host_join(const InviteSecret& secret, const JoinHostOptions& options,
                                 std::shared_ptr<JoinHostDelegate> delegate) = 0;
    virtual void answer_guest(JoinNumber join, std::uint64_t guest, bool approve) = 0;
    virtual JoinNumber join(const JoinTicket& ticket,
                            std::shared_ptr<JoinGuestDelegate> delegate) = 0;
    virtual void cancel_join(JoinNumber join) = 0;
};

}  // namespace lockstep
