#include "relay/relay_service.h"

#include <optional>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "base/http/http_date.h"
#include "base/log.h"
#include "relay/status_page.h"

namespace lockstep {
namespace {

constexpr std::string_view kMailboxPath = "/v1/mailbox";
constexpr std::chrono::seconds kSweepInterval{10};

HttpResponse bencoded(int status, std::string body) {
    return {.status = status, .content_type = "text/plain", .body = std::move(body)};
}

// What is refused now may be granted in a moment.
void ask_again(HttpResponse& response) {
    response.status = 503;
    response.headers.push_back({"Retry-After", "5"});
}

HttpResponse refusal(const Error& error) {
    return bencoded(403, encode_failure(error.message));
}

HttpResponse unauthorized(const Error& error, HttpResponse response) {
    response.status = 401;
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    if (error.kind == ErrorKind::Busy) ask_again(response);
    return response;
}

HttpResponse wrong_method(std::string_view allowed) {
    HttpResponse response = HttpResponse::text(405, "method not allowed\n");
    response.headers.push_back({"Allow", std::string(allowed)});
    return response;
}

bool reads(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

// The token after "/announce/", nothing after "/announce"; nullopt for another path.
std::optional<std::string_view> rest_after(std::string_view path, std::string_view word) {
    if (!path.starts_with(word)) return std::nullopt;
    path.remove_prefix(word.size());
    if (path.empty()) return path;
    if (!path.starts_with('/')) return std::nullopt;
    return path.substr(1);
}

bool is_loopback(const HttpPeer& peer) {
    return peer.address.starts_with("127.") || peer.address == "::1";
}

int status_of(const Error& error) {
    switch (error.kind) {
        case ErrorKind::NotFound:
            return 404;
        case ErrorKind::TooLarge:
            return 413;
        case ErrorKind::NoSpace:
            return 507;
        case ErrorKind::Busy:
            return 503;
        default:
            return 500;
    }
}

HttpResponse failure(const Error& error) {
    return bencoded(status_of(error), encode_failure(error.message));
}

}  // namespace

RelayService::RelayService(Clock& clock, Random& random, const RelayConfig& config)
    : clock_(clock),
      config_(config),
      admission_(clock, random, config.admission),
      tracker_(clock, random, config.tracker),
      tunnels_(clock, random, admission_, config.tunnel),
      requests_(clock, config.limits.requests),
      tickets_(clock, config.limits.tickets),
      announces_(clock, config.limits.announces),
      mailbox_bytes_(clock, config.limits.mailbox_bytes),
      started_(clock.steady()),
      swept_(started_),
      registry_(random, tracker_.table()),
      coordinator_(tracker_, registry_) {}

Result<std::unique_ptr<RelayService>> RelayService::open(Clock& clock, Random& random,
                                                         const RelayConfig& config) {
    std::unique_ptr<RelayService> out(new RelayService(clock, random, config));
    if (!config.mailbox.directory.empty()) {
        TRY(out->mailbox_, Mailbox::open(clock, config.mailbox));
    }
    return out;
}

void RelayService::reload(const RelayConfig& config) {
    admission_.set_options(config.admission);
    tunnels_.set_options(config.tunnel);
    requests_.set_limit(config.limits.requests);
    tickets_.set_limit(config.limits.tickets);
    announces_.set_limit(config.limits.announces);
    mailbox_bytes_.set_limit(config.limits.mailbox_bytes);
    config_.admission = config.admission;
    config_.metrics = config.metrics;
    config_.tunnel = config.tunnel;
    config_.path_token = config.path_token;
}

void RelayService::set_open_id_keys(const Result<JsonWebKeys>& keys) {
    ++(keys.ok() ? metrics_.open_id_fetches : metrics_.open_id_failures);
    if (keys.ok()) admission_.set_open_id_keys(*keys);
    if (!keys.ok()) log_warning("relay", "OpenID keys: {}", keys.error().message);
}

void RelayService::tick() {
    tunnels_.tick();
    if (mailbox_ == nullptr || clock_.steady() - swept_ < kSweepInterval) return;
    swept_ = clock_.steady();
    mailbox_->sweep();
}

void RelayService::respond(Kind kind, const HttpResponder& responder, HttpResponse response) {
    ++metrics_.answers[{kind, response.status}];
    responder.respond(std::move(response));
}

void RelayService::handle(const HttpRequest& request, HttpResponder responder) {
    const std::string& path = request.path;
    if (!requests_.allow(request.peer.address_group())) {
        ++metrics_.rate_limited;
        HttpResponse slow = HttpResponse::text(429, "too many requests\n");
        slow.headers.push_back({"Retry-After", "10"});
        return respond(Kind::Other, responder, std::move(slow));
    }
    if (path.starts_with("/api/")) return respond(Kind::Api, responder, coordinate(request));
    auto announced = rest_after(path, "/announce"), scraped = rest_after(path, "/scrape");
    bool is_tracker =
        (announced && is_path_token(*announced)) || (scraped && is_path_token(*scraped));
    bool is_operators = path == "/metrics" || path == "/v1/stats" || path == "/v1/peers";
    if (is_tracker) {
        Kind kind = announced ? Kind::Announce : Kind::Scrape;
        if (!reads(request)) return respond(kind, responder, wrong_method("GET, HEAD"));
        return respond(kind, responder, announced ? announce(request) : scrape(request));
    }
    if (path == "/v1/tickets") {
        if (request.method != "POST") return respond(Kind::Ticket, responder, wrong_method("POST"));
        return respond(Kind::Ticket, responder, give_ticket(request));
    }
    if (path == "/v1/control") return open_socket(Kind::Control, request, responder);
    if (path == "/v1/tunnel") return open_socket(Kind::Tunnel, request, responder);
    if (mailbox_ != nullptr && rest_after(path, kMailboxPath))
        return use_mailbox(request, responder);
    if (auto page = status_page_file(path); page && may_see_page(request)) {
        if (!reads(request)) return respond(Kind::Other, responder, wrong_method("GET, HEAD"));
        return respond(Kind::Other, responder, std::move(*page));
    }
    bool is_known = is_operators || path == "/healthz";
    if (!is_known) return respond(Kind::Other, responder, HttpResponse::text(404, "not found\n"));
    if (!reads(request)) return respond(Kind::Other, responder, wrong_method("GET, HEAD"));
    if (is_operators) return respond(Kind::Operate, responder, operate(request));
    HttpResponse well = HttpResponse::text(200, "ok\n");
    // A device compares its clock with ours.
    well.headers.push_back({"Date", format_http_date(clock_.wall_ms() / 1000)});
    respond(Kind::Other, responder, std::move(well));
}

HttpBodyLimit RelayService::body_limit(const HttpRequest& head) {
    if (head.path == "/v1/tickets" && head.method == "POST") return {.size_max = kAdmissionBodyMax};
    auto name = rest_after(head.path, kMailboxPath);
    bool puts = mailbox_ != nullptr && name && head.method == "PUT";
    // Elsewhere a body is allowed, small, and ignored.
    if (!puts) return {.size_max = 1024};
    auto claims = claims_with(head, &RelayRights::mailbox);
    if (!claims.ok()) return {.size_max = 0, .refusal = refusal(claims.error())};
    return {.size_max = config_.mailbox.object_size_max};
}

Result<TrackerHash> RelayService::swarm_of(const HttpRequest& request) const {
    bool has_ticket = request.query_value("ticket") != nullptr;
    if (config_.admission.access == RelayAccess::OpenTracker && !has_ticket) {
        const std::string* hash = request.query_value("info_hash");
        bool is_hash = hash != nullptr && hash->size() == TrackerHash::kSize;
        // The tracker says what is wrong with it.
        return is_hash ? TrackerHash::from(as_bytes(*hash)) : TrackerHash{};
    }
    TRY(TicketClaims claims, claims_with(request, &RelayRights::tracker));
    return TrackerHash::from(claims.swarm.view());
}

Result<TicketClaims> RelayService::claims_with(const HttpRequest& request,
                                               bool RelayRights::*right) const {
    TRY(TicketClaims claims, admission_.check(request));
    if (!(admission_.account(claims.account).rights.*right))
        return Error{ErrorKind::Refused, "not allowed here"};
    return claims;
}

HttpResponse RelayService::announce(const HttpRequest& request) {
    auto swarm = swarm_of(request);
    if (!swarm.ok()) return refusal(swarm.error());
    if (!announces_.allow(swarm->view())) {
        ++metrics_.rate_limited;
        return bencoded(429, encode_failure("too many announces of this swarm"));
    }
    return bencoded(200, tracker_.announce(request.query, request.peer, *swarm));
}

HttpResponse RelayService::scrape(const HttpRequest& request) {
    bool is_open = config_.admission.access == RelayAccess::OpenTracker &&
                   request.query_value("ticket") == nullptr;
    if (is_open) return bencoded(200, tracker_.scrape(request.query, std::nullopt));
    auto swarm = swarm_of(request);
    if (!swarm.ok()) return refusal(swarm.error());
    return bencoded(200, tracker_.scrape(request.query, *swarm));
}

HttpResponse RelayService::give_ticket(const HttpRequest& request) {
    if (!tickets_.allow(request.peer.address_group())) {
        ++metrics_.rate_limited;
        return bencoded(429, encode_failure("too many requests for tickets"));
    }
    auto answer = admission_.admit(request.body, request);
    ++(answer.ok() ? metrics_.tickets_given : metrics_.tickets_refused);
    if (answer.ok()) return bencoded(200, encode_admission_answer(*answer));
    HttpResponse refused =
        bencoded(403, encode_admission_refusal(answer.error().message, admission_.time_s()));
    if (answer.error().kind == ErrorKind::Invalid) refused.status = 400;
    if (answer.error().kind == ErrorKind::Busy) ask_again(refused);
    return refused;
}

void RelayService::open_socket(Kind kind, const HttpRequest& request,
                               const HttpResponder& responder) {
    if (!config_.tunnel.is_on)
        return respond(kind, responder, HttpResponse::text(404, "not found\n"));
    if (request.method != "GET") return respond(kind, responder, wrong_method("GET"));
    if (kind == Kind::Tunnel) {
        ++metrics_.answers[{kind, 101}];
        return tunnels_.accept_data(request, responder);
    }
    auto claims = claims_with(request, &RelayRights::tunnel);
    if (!claims.ok()) return respond(kind, responder, refusal(claims.error()));
    ++metrics_.answers[{kind, 101}];
    tunnels_.accept_control(request, responder, *claims);
}

void RelayService::use_mailbox(const HttpRequest& request, const HttpResponder& responder) {
    auto claims = claims_with(request, &RelayRights::mailbox);
    if (!claims.ok()) return respond(Kind::Mailbox, responder, refusal(claims.error()));
    std::string name(*rest_after(request.path, kMailboxPath));
    bool is_list = name.empty();
    if (!is_list && !is_mailbox_name(name))
        return respond(Kind::Mailbox, responder, bencoded(400, encode_failure("not a name")));
    ++metrics_.answers[{Kind::Mailbox, 200}];
    if (is_list && request.method == "GET")
        return mailbox_->list(claims->swarm, request.query_number("since"),
                              [responder](Result<std::vector<MailboxItem>> items) {
                                  responder.respond(items.ok()
                                                        ? bencoded(200, encode_mailbox_list(*items))
                                                        : failure(items.error()));
                              });
    if (request.method == "GET")
        return mailbox_->get(claims->swarm, name, [responder](Result<std::string> data) {
            if (!data.ok()) return responder.respond(failure(data.error()));
            responder.respond({.status = 200,
                               .content_type = "application/octet-stream",
                               .body = std::move(*data)});
        });
    if (!is_list && request.method == "PUT") return put_object(request, *claims, name, responder);
    if (!is_list && request.method == "DELETE")
        return mailbox_->take_away(claims->swarm, name, [responder](const Status& status) {
            responder.respond(status.ok() ? HttpResponse{.status = 204} : failure(status.error()));
        });
    responder.respond(wrong_method(is_list ? "GET" : "GET, PUT, DELETE"));
}

void RelayService::put_object(const HttpRequest& request, const TicketClaims& claims,
                              const std::string& name, const HttpResponder& responder) {
    // Bytes as they are: a compressed body would have to be opened to be counted.
    if (request.header("Content-Encoding") != nullptr)
        return responder.respond(bencoded(415, encode_failure("no content encodings")));
    auto size = static_cast<double>(request.body.size());
    if (!mailbox_bytes_.allow(request.peer.address_group(), size)) {
        ++metrics_.rate_limited;
        return responder.respond(bencoded(429, encode_failure("too many bytes, try later")));
    }
    metrics_.mailbox_bytes_in += request.body.size();
    mailbox_->put(claims.swarm, name, request.body,
                  admission_.account(claims.account).mailbox_bytes_max,
                  [responder](const Result<bool>& is_new) {
                      responder.respond(is_new.ok() ? HttpResponse{.status = *is_new ? 201 : 204}
                                                    : failure(is_new.error()));
                  });
}

HttpResponse RelayService::operate(const HttpRequest& request) {
    bool is_for_all = request.path != "/v1/peers" && may_see_metrics(request);
    Status status = is_for_all ? Status() : admission_.check_operator(request);
    if (!status.ok())
        return unauthorized(status.error(), HttpResponse::text(401, status.error().message + "\n"));
    if (request.path.ends_with("/stats"))
        return HttpResponse::json(200, stats_json(metrics_, gauges()));
    if (request.path == "/v1/peers") {
        std::string swarms = registry_.swarms(request.query_number("offset")).dump();
        return HttpResponse::json(200, swarms + "\n");
    }
    return {.status = 200,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = prometheus_text(metrics_, gauges())};
}

HttpResponse RelayService::coordinate(const HttpRequest& request) {
    using Need = CoordinatorApi::Need;
    Need need = CoordinatorApi::need_of(request);
    if (need == Need::Unknown) return CoordinatorApi::failure(404, "not found");
    if (need == Need::Method) return CoordinatorApi::failure(405, "method not allowed");
    if (request.path == "/api/health") return HttpResponse::json(200, "{\"status\":\"ok\"}\n");
    if (request.path == "/api/stats") return operate(request);
    const std::string* hash = request.query_value("info_hash");
    if (need == Need::Operator && hash == nullptr) {
        Status status = admission_.check_operator(request);
        if (!status.ok())
            return unauthorized(status.error(),
                                CoordinatorApi::failure(401, status.error().message));
        return coordinator_.handle_operator(request);
    }
    if (hash == nullptr || hash->size() != TrackerHash::kSize)
        return CoordinatorApi::failure(400, "'info_hash' is missing or not 20 bytes");
    auto swarm = swarm_of(request);
    if (!swarm.ok()) return CoordinatorApi::failure(403, swarm.error().message);
    if (!announces_.allow(swarm->view())) {
        ++metrics_.rate_limited;
        return CoordinatorApi::failure(429, "too many requests of this swarm");
    }
    return coordinator_.handle_peer(request, *swarm);
}

bool RelayService::may_see_metrics(const HttpRequest& request) const {
    switch (config_.metrics) {
        case MetricsAccess::Loopback:
            return is_loopback(request.peer);
        case MetricsAccess::Operators:
            return false;
        case MetricsAccess::Open:
            return true;
    }
    return false;
}

// The page itself says nothing and must be there before a token can be typed into it; but nobody
// elsewhere is sent it when the numbers are for this machine alone.
bool RelayService::may_see_page(const HttpRequest& request) {
    return config_.metrics != MetricsAccess::Loopback || is_loopback(request.peer) ||
           admission_.check_operator(request).ok();
}

RelayGauges RelayService::gauges() const {
    using std::chrono::duration_cast;
    auto uptime = duration_cast<std::chrono::seconds>(clock_.steady() - started_).count();
    return {.version = LOCKSTEP_VERSION,
            .uptime_s = static_cast<std::uint64_t>(uptime),
            .connections = connections_ ? connections_() : 0,
            .connections_max = config_.limits.connections_max,
            .certificate_end_s = certificate_end_s_,
            .swarms = tracker_.table().swarm_count(),
            .peers = tracker_.table().peer_count(),
            .members = tunnels_.member_count(),
            .tunnels = tunnels_.tunnel_count(),
            .open_id_keys = admission_.open_id_key_count(),
            .tunnel_counts = tunnels_.counts(),
            .mailbox = mailbox_ == nullptr ? MailboxCounts{} : mailbox_->counts(),
            .mailbox_bytes_max = mailbox_ == nullptr ? 0 : config_.mailbox.bytes_max};
}

bool RelayService::is_path_token(std::string_view token) const {
    const std::string& own = config_.path_token;
    return token.size() == own.size() && sodium_memcmp(token.data(), own.data(), own.size()) == 0;
}

}  // namespace lockstep
