// What the relay counts, and how it tells Prometheus and people.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "relay/mailbox.h"
#include "relay/tunnel_desk.h"

namespace lockstep {

// What is asked for, as the counters name it.
enum class RelayRequestKind {
    Announce,
    Scrape,
    Ticket,
    Control,
    Tunnel,
    Mailbox,
    Operate,
    Api,
    Other
};

// THREADS: one.
struct RelayMetrics {
    std::map<std::pair<RelayRequestKind, int>, std::uint64_t> answers{};  // by status
    std::uint64_t tickets_given = 0;
    std::uint64_t tickets_refused = 0;
    std::uint64_t rate_limited = 0;
    std::uint64_t open_id_fetches = 0;
    std::uint64_t open_id_failures = 0;
    std::uint64_t mailbox_bytes_in = 0;
    std::uint64_t mailbox_bytes_out = 0;
};

// What is so at one moment.
struct RelayGauges {
    std::string version{};
    std::uint64_t uptime_s = 0;
    std::uint64_t connections = 0;
    std::uint64_t connections_max = 0;
    std::int64_t certificate_end_s = 0;  // 0: no TLS
    std::uint64_t swarms = 0;
    std::uint64_t peers = 0;
    std::uint64_t members = 0;
    std::uint64_t tunnels = 0;
    std::uint64_t open_id_keys = 0;
    TunnelCounts tunnel_counts{};
    MailboxCounts mailbox{};
    std::uint64_t mailbox_bytes_max = 0;  // 0: no mailbox
};

// The text format 0.0.4.
std::string prometheus_text(const RelayMetrics& metrics, const RelayGauges& gauges);
// The same as one JSON object.
std::string stats_json(const RelayMetrics& metrics, const RelayGauges& gauges);

}  // namespace lockstep
