#include "relay/relay_metrics.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/prometheus_text.h"

namespace lockstep {
namespace {

std::string_view name_of(RelayRequestKind kind) {
    switch (kind) {
        case RelayRequestKind::Announce:
            return "announce";
        case RelayRequestKind::Scrape:
            return "scrape";
        case RelayRequestKind::Ticket:
            return "ticket";
        case RelayRequestKind::Control:
            return "control";
        case RelayRequestKind::Tunnel:
            return "tunnel";
        case RelayRequestKind::Mailbox:
            return "mailbox";
        case RelayRequestKind::Operate:
            return "operate";
        case RelayRequestKind::Api:
            return "api";
        case RelayRequestKind::Other:
            return "other";
    }
    return "";
}

}  // namespace

std::string prometheus_text(const RelayMetrics& metrics, const RelayGauges& gauges) {
    PrometheusText out("lockstep_relay_");
    out.metric("build_info", "gauge", "The version that runs.");
    out.value(1, prometheus_label("version", gauges.version));
    out.gauge("uptime_seconds", "Seconds since the relay started.", gauges.uptime_s);
    out.metric("answers_total", "counter", "Requests answered, by kind and status.");
    for (const auto& [key, count] : metrics.answers)
        out.value(count, fmt::format("kind=\"{}\",status=\"{}\"", name_of(key.first), key.second));
    out.metric("tickets_total", "counter", "Requests for tickets, by what came of them.");
    out.value(metrics.tickets_given, "result=\"given\"");
    out.value(metrics.tickets_refused, "result=\"refused\"");
    out.counter("rate_limited_total", "Requests refused because there were too many.",
                metrics.rate_limited);
    out.metric("openid_fetches_total", "counter",
               "Times the OpenID provider's keys were asked for.");
    out.value(metrics.open_id_fetches, "result=\"fetched\"");
    out.value(metrics.open_id_failures, "result=\"failed\"");
    out.gauge("openid_keys", "Keys of the OpenID provider that are known.", gauges.open_id_keys);
    out.gauge("connections", "Open connections of any kind.", gauges.connections);
    out.gauge("connections_limit", "How many connections there may be.", gauges.connections_max);
    if (gauges.certificate_end_s > 0)
        out.gauge("certificate_end_timestamp_seconds", "When the certificate ends.",
                  static_cast<std::uint64_t>(gauges.certificate_end_s));
    out.gauge("swarms", "Swarms that somebody announces in.", gauges.swarms);
    out.gauge("peers", "Peers that announce.", gauges.peers);
    out.gauge("members", "Control connections.", gauges.members);
    out.gauge("tunnels", "Tunnels, those that still wait for an end included.", gauges.tunnels);
    out.counter("tunnels_opened_total", "Tunnels that both ends came to.",
                gauges.tunnel_counts.opened);
    out.counter("tunnels_refused_total", "Tunnels that were asked for and refused.",
                gauges.tunnel_counts.refused);
    out.counter("tunnel_bytes_total", "Bytes passed on in tunnels.", gauges.tunnel_counts.bytes);
    out.gauge("mailbox_objects", "Objects in the mailbox.", gauges.mailbox.objects);
    out.gauge("mailbox_bytes", "Bytes of the objects in the mailbox.", gauges.mailbox.bytes);
    out.gauge("mailbox_limit_bytes", "How many bytes may be in the mailbox; 0: there is none.",
              gauges.mailbox_bytes_max);
    out.counter("mailbox_received_bytes_total", "Bytes put into the mailbox.",
                metrics.mailbox_bytes_in);
    out.counter("mailbox_sent_bytes_total", "Bytes read from the mailbox.",
                metrics.mailbox_bytes_out);
    return out.take();
}

std::string stats_json(const RelayMetrics& metrics, const RelayGauges& gauges) {
    nlohmann::json answers = nlohmann::json::object();
    for (const auto& [key, count] : metrics.answers)
        answers[std::string(name_of(key.first))][std::to_string(key.second)] = count;
    nlohmann::json out = {
        {"version", gauges.version},
        {"uptimeSeconds", gauges.uptime_s},
        {"connections", gauges.connections},
        {"swarms", gauges.swarms},
        {"peers", gauges.peers},
        {"answers", std::move(answers)},
        {"rateLimited", metrics.rate_limited},
        {"tickets", {{"given", metrics.tickets_given}, {"refused", metrics.tickets_refused}}},
        {"tunnels",
         {{"members", gauges.members},
          {"open", gauges.tunnels},
          {"opened", gauges.tunnel_counts.opened},
          {"refused", gauges.tunnel_counts.refused},
          {"bytes", gauges.tunnel_counts.bytes}}},
        {"mailbox",
         {{"objects", gauges.mailbox.objects},
          {"bytes", gauges.mailbox.bytes},
          {"receivedBytes", metrics.mailbox_bytes_in},
          {"sentBytes", metrics.mailbox_bytes_out}}}};
    return out.dump() + "\n";
}

}  // namespace lockstep
