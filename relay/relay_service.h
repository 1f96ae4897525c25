// The relay behind its HTTP port: which request is whose, who may, how often, and what is counted.
#pragma once

#include <memory>
#include <string>

#include "base/http/server.h"
#include "relay/admission.h"
#include "relay/coordinator_api.h"
#include "relay/mailbox.h"
#include "relay/rate_limiter.h"
#include "relay/relay_config.h"
#include "relay/relay_metrics.h"
#include "relay/tracker.h"
#include "relay/tunnel_desk.h"

namespace lockstep {

// THREADS: the loop's (HttpServerOptions::inline_handlers); nothing here blocks.
class RelayService {
  public:
    // Io when the mailbox cannot be opened. REQUIRES: sodium_init() was called.
    static Result<std::unique_ptr<RelayService>> open(Clock& clock, Random& random,
                                                      const RelayConfig& config);

    void handle(const HttpRequest& request, HttpResponder responder);
    // What a request may send; a stranger is refused before he sends it.
    HttpBodyLimit body_limit(const HttpRequest& head);
    // Ends what has taken too long; call it a few times a second.
    void tick();
    // Takes over what may change while it runs: access, tokens, names, limits, tunnels.
    void reload(const RelayConfig& config);
    // An OpenID provider's keys, and whom to ask for them.
    void set_open_id_keys(const Result<JsonWebKeys>& keys);
    void want_open_id_keys(std::function<void()> want) {
        admission_.want_open_id_keys(std::move(want));
    }
    // How many connections there are, for the gauges.
    void count_connections(std::function<std::size_t()> count) { connections_ = std::move(count); }

    // When the certificate in use ends, in seconds since 1970.
    void set_certificate_end(std::int64_t end_s) { certificate_end_s_ = end_s; }

    const Tracker& tracker() const { return tracker_; }
    const TunnelDesk& tunnels() const { return tunnels_; }
    const RelayMetrics& metrics() const { return metrics_; }

  private:
    RelayService(Clock& clock, Random& random, const RelayConfig& config);

    using Kind = RelayRequestKind;
    void respond(Kind kind, const HttpResponder& responder, HttpResponse response);
    HttpResponse announce(const HttpRequest& request);
    HttpResponse scrape(const HttpRequest& request);
    HttpResponse give_ticket(const HttpRequest& request);
    HttpResponse operate(const HttpRequest& request);
    HttpResponse coordinate(const HttpRequest& request);
    void open_socket(Kind kind, const HttpRequest& request, const HttpResponder& responder);
    void use_mailbox(const HttpRequest& request, const HttpResponder& responder);
    void put_object(const HttpRequest& request, const TicketClaims& claims, const std::string& name,
                    const HttpResponder& responder);
    // The swarm that an announce or scrape is about. Refused without a good ticket where one is
    // needed.
    Result<TrackerHash> swarm_of(const HttpRequest& request) const;
    // The ticket's claims, when they have `right` to it.
    Result<TicketClaims> claims_with(const HttpRequest& request, bool RelayRights::*right) const;
    bool is_path_token(std::string_view token) const;
    bool may_see_metrics(const HttpRequest& request) const;
    bool may_see_page(const HttpRequest& request);
    RelayGauges gauges() const;

    Clock& clock_;
    RelayConfig config_;
    Admission admission_;
    Tracker tracker_;
    TunnelDesk tunnels_;
    std::unique_ptr<Mailbox> mailbox_;
    RelayMetrics metrics_;
    RateLimiter requests_;
    RateLimiter tickets_;
    RateLimiter announces_;
    RateLimiter mailbox_bytes_;
    const std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point swept_;
    RegistryView registry_;
    CoordinatorApi coordinator_;
    std::function<std::size_t()> connections_;
    std::int64_t certificate_end_s_ = 0;
};

}  // namespace lockstep
