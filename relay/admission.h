// Admission: who may use the relay, and for what. A request signed by a swarm's key is verified
// once; its ticket is checked at every later request with one keyed hash and no memory.
//
// A swarm is (swarm key, info hash): whoever knows an info hash but not the key it belongs to gets
// into a swarm of its own, where nobody is.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "relay/protocol/admission.h"

namespace lockstep {

// What a ticket, or an access token, is good for.
struct RelayRights {
    bool tracker = false;
    bool tunnel = false;
    bool mailbox = false;
    bool operate = false;

    bool operator==(const RelayRights&) const = default;
};

// Somebody whom the operator gave a token.
struct RelayAccount {
    std::string name{};
    std::string token{};
    RelayRights rights{};
    std::uint64_t mailbox_bytes_max = 0;
    std::uint64_t tunnel_bytes_per_day = 0;

    bool operator==(const RelayAccount&) const = default;
};

enum class RelayAccess {
    OpenTracker,  // any BitTorrent client may announce; tickets are given too
    Open,         // anybody may have a ticket, nobody announces without
    Token,        // only who shows a token may have a ticket
};

struct AdmissionOptions {
    RelayAccess access = RelayAccess::OpenTracker;
    // What those get who show no token; the first account.
    RelayAccount anybody{
        "anybody", "", {true, true, true, false}, 64 << 20, std::uint64_t{4} << 30};
    std::vector<RelayAccount> accounts{};
    // HOST:PORT as devices dial; empty: any. Another relay cannot use what was signed for this one.
    std::vector<std::string> names{};
    std::chrono::seconds ticket_lifetime{600};
    // How far a device's clock may be from ours.
    std::chrono::seconds clock_difference_max{300};
    std::size_t nonces_max = 100'000;
};

// Who a swarm is to the rest of the relay.
using SwarmName = Id<struct RelaySwarmNameTag, 20>;

struct TicketClaims {
    SwarmName swarm{};
    MemberName member{};
    std::uint16_t account = 0;  // index in accounts(); 0: anybody

    bool operator==(const TicketClaims&) const = default;
};

// THREADS: one.
class Admission {
  public:
    // Old tickets mean nothing to a new Admission. REQUIRES: sodium_init() was called.
    Admission(Clock& clock, Random& random, AdmissionOptions options);

    // Tickets given already stay good; an account that is gone takes its tickets along.
    void set_options(AdmissionOptions options);
    const AdmissionOptions& options() const { return options_; }

    // Refused with a reason: the signature, the clock, a nonce seen before, the token. Invalid for
    // a body that is no request.
    Result<AdmissionAnswer> admit(std::string_view body, const HttpRequest& request);

    // The claims of the request's `ticket` for its `info_hash`; Refused when there is none that is
    // good.
    Result<TicketClaims> check(const HttpRequest& request) const;

    // Whose token the request shows ("Authorization: Bearer TOKEN"); null when none of ours.
    const RelayAccount* account_of(const HttpRequest& request) const;
    const RelayAccount& account(std::uint16_t index) const;
    std::uint64_t time_s() const;

  private:
    using Mac = std::array<std::byte, 16>;

    Result<std::uint16_t> account_index(const HttpRequest& request) const;
    Status check_request(const AdmissionRequest& request, std::uint64_t now) const;
    bool remember(const AdmissionRequest& request, std::uint64_t now);
    std::string make_ticket(const TicketClaims& claims, const TrackerHash& hash,
                            std::uint64_t expires_s) const;
    Mac mac_of(ByteView claims, const TrackerHash& hash) const;

    Clock& clock_;
    AdmissionOptions options_;
    std::array<std::byte, 32> key_{};
    // Accounts by number, for ever: a ticket says its account's. A token that was taken back leaves
    // its place empty.
    std::vector<RelayAccount> accounts_;
    std::set<AdmissionNonce> nonces_;
    std::deque<std::pair<std::uint64_t, AdmissionNonce>> nonce_ends_;
};

}  // namespace lockstep
