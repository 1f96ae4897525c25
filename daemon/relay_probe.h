// Relays in the configuration: whether they are well, who they are, and taking over those of a
// ticket.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "daemon/api/config.h"
#include "daemon/api/messages.h"
#include "daemon/vault_services.h"
#include "sync/sync_engine.h"

namespace lockstep {

// What a relay has answered, and what of it a doctor wants to know.
struct RelayProbe {
    api::RelayInfo relay;
    bool is_untrusted = false;  // it answers, and is not who it must be
    // Its clock less ours, as exact as the round trip was short, and a second; when it told.
    std::optional<std::int64_t> clock_ahead_ms = {};
};

// Sends GET /healthz, following no redirect. Blocks for `timeout` at most. What went wrong is in
// the answer's detail; an Error only for a URL that is none. Here and below all goes through the
// proxy, unless it is null.
using ProxyInForce = std::shared_ptr<const Proxy>;
Result<RelayProbe> look_at_relay(const std::string& url, const ProxyInForce& proxy,
                                 std::chrono::milliseconds timeout);
Result<api::RelayInfo> probe_relay(const std::string& url, const ProxyInForce& proxy,
                                   std::chrono::milliseconds timeout);
// The URL with its pin, as configured; "first" takes the key that the relay shows now.
Result<std::string> relay_with_pin(const std::string& url, const std::string& pin,
                                   const ProxyInForce& proxy);
// Refused, naming the key, when the relay answers with one that is not pinned and that no authority
// vouches for. A relay that does not answer may be good.
Status check_relay_key(const std::string& url, const ProxyInForce& proxy,
                       std::chrono::milliseconds timeout);

// What sync is told of them.
RelaySettings relay_settings_of(const api::Config& config);
// Those that a ticket names, of which it holds kTicketRelaysMax: hosts first, which a guest can ask
// without DNS.
std::vector<std::string> relays_for_ticket(const api::Config& config);
// Those in use and those of domains, as things stand.
std::vector<api::RelayInfo> relays_in_use(const api::Config& config, const SyncEngine& sync);
// Uses these too from now on, except where a relay of that host and port is used already.
Status use_relays_of_ticket(const VaultServices& services, const std::vector<std::string>& urls);

}  // namespace lockstep
