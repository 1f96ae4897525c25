// Admission: who may use the relay, and for what. A request signed by a swarm's key is verified
// once; its ticket is checked at every later request with one keyed hash and no memory.
//
// A swarm is (swarm key, info hash): whoever knows an info hash but not the key it belongs to gets
// into a swarm of its own, where nobody is.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "relay/open_id_verifier.h"
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

// What a client certificate by one of the operators' authorities is worth to who wants to operate.
enum class OperatorCertificates {
    Enough,  // as much as a token with the right
    Needed,  // beside such a token
};

struct AdmissionOptions {
    RelayAccess access = RelayAccess::Open;
    // What those get who show no token; the first account.
    RelayAccount anybody{
        "anybody", "", {true, true, true, false}, 64 << 20, std::uint64_t{4} << 30};
    std::vector<RelayAccount> accounts{};
    // Tokens of an OpenID provider are taken too; what each of its people gets.
    OpenIdOptions open_id{};
    RelayAccount open_id_account{};
    OperatorCertificates operator_certificates = OperatorCertificates::Enough;
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

    // The provider's keys, as they come; and whom to ask for them.
    void set_open_id_keys(JsonWebKeys keys);
    void want_open_id_keys(std::function<void()> want) { want_open_id_keys_ = std::move(want); }
    std::size_t open_id_key_count() const { return open_id_ ? open_id_->key_count() : 0; }

    // Refused with a reason: the signature, the clock, a nonce seen before, the token. Invalid for
    // a body that is no request. Busy when it may be asked again soon.
    Result<AdmissionAnswer> admit(std::string_view body, const HttpRequest& request);

    // The claims of the request's `ticket` for its `info_hash`; Refused when there is none that is
    // good.
    Result<TicketClaims> check(const HttpRequest& request) const;

    // Whether the request's token or certificate ("Authorization: Bearer TOKEN") is an operator's:
    // Refused, Busy as above.
    Status check_operator(const HttpRequest& request);
    const RelayAccount& account(std::uint16_t index) const;
    std::uint64_t time_s() const;

  private:
    using Mac = std::array<std::byte, 16>;

    struct OpenIdPlace {
        std::uint16_t index = 0;  // in accounts_
        std::uint64_t used_s = 0;
    };

    // Whose static token it is; null when none of ours.
    const RelayAccount* account_of(std::string_view token) const;
    Result<std::uint16_t> account_index(const HttpRequest& request);
    Result<std::uint16_t> open_id_index(const std::string& name);
    void set_open_id_options(const AdmissionOptions& options);
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
    std::optional<OpenIdVerifier> open_id_;
    std::function<void()> want_open_id_keys_;
    std::map<std::string, OpenIdPlace> open_id_places_;
    std::set<AdmissionNonce> nonces_;
    std::deque<std::pair<std::uint64_t, AdmissionNonce>> nonce_ends_;
};

}  // namespace lockstep
