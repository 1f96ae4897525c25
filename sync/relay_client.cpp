#include "sync/relay_client.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/log.h"
#include "base/random.h"
#include "relay/protocol/admission.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kThreads = 2;
constexpr seconds kAskTimeout{10};
constexpr seconds kRetryFirst{2};
constexpr seconds kRetryMax{120};
constexpr seconds kRefusedRetry{60};
// A tracker may be replaced by a relay under the same name.
constexpr seconds kTrackerRetry{900};
constexpr std::string_view kTicketField = "ticket=";

struct RelayUrl {
    bool is_tls = false;
    std::string host;
    std::uint16_t port = 0;
    std::string authority;  // HOST:PORT, as signed
};

std::optional<RelayUrl> parse_url(std::string_view url) {
    RelayUrl out;
    out.is_tls = url.starts_with("https://");
    if (!out.is_tls && !url.starts_with("http://")) return std::nullopt;
    url.remove_prefix(out.is_tls ? 8 : 7);
    url = url.substr(0, url.find_first_of("/?#"));
    std::size_t colon = url.rfind(':');
    bool has_port =
        colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos;
    std::string_view host = url.substr(0, has_port ? colon : url.size());
    out.port = out.is_tls ? 443 : 80;
    if (has_port) {
        std::string_view digits = url.substr(colon + 1);
        auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    }
    out.authority = std::string(host) + ":" + std::to_string(out.port);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    out.host = host;
    if (out.host.empty()) return std::nullopt;
    return out;
}

Result<HttpClient> client_of(const RelayUrl& url) {
    HttpClientOptions options{.response_size_max = 64 << 10};
    if (!url.is_tls) return HttpClient::over_tcp(url.host, url.port, options);
    TRY(auto tls, TlsContext::client({.host = url.host}));
    return HttpClient::over_tls(url.host, url.port, std::move(tls), options);
}

// Up to a quarter more or less, so that devices do not come all at once.
milliseconds jittered(milliseconds time) {
    auto part = static_cast<std::int64_t>(system_random().u64() % 512);
    return time * 3 / 4 + milliseconds(time.count() * part / 1024);
}

std::uint64_t now_s() {
    return static_cast<std::uint64_t>(system_clock().wall_ms() / 1000);
}

}  // namespace

RelayClient::RelayClient(SyncLoop& loop, Events events)
    : loop_(loop), events_(std::move(events)), workers_(kThreads, "ls-relay") {}

RelayClient::~RelayClient() {
    stop_.request_stop();
}

void RelayClient::stop() {
    is_stopped_ = true;
    stop_.request_stop();
    swarms_.clear();
}

std::string RelayClient::without_ticket(const std::string& url) {
    for (char before : {'?', '&'}) {
        std::size_t at = url.find(before + std::string(kTicketField));
        if (at != std::string::npos) return url.substr(0, at);
    }
    return url;
}

void RelayClient::open(SwarmNumber swarm, const RelayInfoHash& info_hash, RelaySigner signer,
                       const std::vector<std::string>& relays) {
    if (is_stopped_) return;
    SwarmState& state = swarms_[swarm];
    state.info_hash = info_hash;
    state.signer = std::move(signer);
    // A name for this swarm and this run alone: nothing at the relay links it to another.
    system_random().fill(state.member);
    set_relays(swarm, relays);
}

void RelayClient::close(SwarmNumber swarm) {
    swarms_.erase(swarm);
}

void RelayClient::set_relays(SwarmNumber swarm, const std::vector<std::string>& relays) {
    auto at = swarms_.find(swarm);
    if (at == swarms_.end()) return;
    std::vector<Relay> old = std::exchange(at->second.relays, {});
    std::vector<std::string> fresh;
    for (const std::string& url : relays) {
        auto known =
            std::find_if(old.begin(), old.end(), [&](auto& relay) { return relay.url == url; });
        at->second.relays.push_back(known != old.end() ? *known : Relay{.url = url});
        if (known == old.end()) fresh.push_back(url);
    }
    tell(swarm);
    for (const std::string& url : fresh) ask_soon(swarm, url);
}

RelayClient::Relay* RelayClient::find(SwarmNumber swarm, const std::string& url) {
    auto at = swarms_.find(swarm);
    if (at == swarms_.end()) return nullptr;
    for (Relay& relay : at->second.relays)
        if (relay.url == url) return &relay;
    return nullptr;
}

void RelayClient::tell(SwarmNumber swarm) {
    std::vector<std::string> urls;
    for (const Relay& relay : swarms_.at(swarm).relays)
        if (!relay.announce.empty()) urls.push_back(relay.announce);
    events_.announce_to(swarm, urls);
}

void RelayClient::ask_soon(SwarmNumber swarm, const std::string& url) {
    Relay* relay = find(swarm, url);
    if (relay == nullptr || is_stopped_) return;
    relay->round = ++last_round_;
    // The worker has a copy: the swarm may end meanwhile.
    auto state = std::make_shared<SwarmState>(swarms_.at(swarm));
    workers_.submit([this, &loop = loop_, alive = std::weak_ptr<int>(alive_), swarm, url, state,
                     round = relay->round, stop = stop_.get_token()] {
        auto outcome = std::make_shared<Outcome>(ask(url, *state, stop));
        loop.post([this, alive, swarm, url, round, outcome] {
            if (!alive.expired()) on_outcome(swarm, url, round, *outcome);
        });
    });
}

RelayClient::Outcome RelayClient::ask(const std::string& url, const SwarmState& swarm,
                                      const std::stop_token& stop) {
    using Kind = Outcome::Kind;
    if (stop.stop_requested()) return {};
    auto address = parse_url(url);
    if (!address) return {Kind::NoTickets, "not a URL of HTTP", {}};
    auto client = client_of(*address);
    if (!client.ok()) return {Kind::Unreachable, client.error().message, {}};
    AdmissionRequest request{.relay = address->authority,
                             .swarm_key = SwarmPublicKey::from(swarm.signer.public_key),
                             .info_hash = TrackerHash::from(swarm.info_hash),
                             .member = MemberName::from(swarm.member),
                             .time_s = now_s()};
    // The second time with the relay's clock, if ours is what it minds.
    for (int attempt = 0; attempt < 2; ++attempt) {
        request.nonce = system_random().id<AdmissionNonce>();
        auto signature = swarm.signer.sign(request.message());
        if (!signature.ok()) return {Kind::Refused, signature.error().message, {}};
        request.signature = AdmissionSignature::from(*signature);
        auto response = client->request(
            {.method = "POST", .path = "/v1/tickets", .body = encode_admission_request(request)},
            kAskTimeout, stop);
        if (!response.ok()) return {Kind::Unreachable, response.error().message, {}};
        auto answer = decode_admission_answer(response->body);
        if (response->status == 200 && answer.ok())
            return {Kind::Ticket, answer->ticket, seconds(std::max(answer->expires_in_s, 60U))};
        bool is_busy = response->status == 429 || response->status == 503;
        if (is_busy) return {Kind::Unreachable, "the relay is busy", {}};
        bool is_refusal =
            response->status == 403 && !answer.ok() && answer.error().kind == ErrorKind::Refused;
        if (!is_refusal) return {Kind::NoTickets, "", {}};
        std::uint64_t theirs = relay_time_in(response->body);
        bool may_be_the_clock =
            theirs != 0 && (theirs > request.time_s + 60 || theirs + 60 < request.time_s);
        if (attempt > 0 || !may_be_the_clock) return {Kind::Refused, answer.error().message, {}};
        request.time_s = theirs;
    }
    return {Kind::Refused, "the clocks differ too much", {}};
}

void RelayClient::on_outcome(SwarmNumber swarm, const std::string& url, std::uint64_t round,
                             const Outcome& outcome) {
    Relay* relay = find(swarm, url);
    if (relay == nullptr || relay->round != round || is_stopped_) return;
    std::string before = relay->announce;
    milliseconds again = kTrackerRetry;
    switch (outcome.kind) {
        case Outcome::Kind::Ticket:
            relay->failures = 0;
            relay->announce = url + (url.find('?') == std::string::npos ? "?" : "&") +
                              std::string(kTicketField) + outcome.text;
            // In time, though the first request for the next one fails.
            again = jittered(outcome.lifetime / 2);
            break;
        case Outcome::Kind::NoTickets:
            relay->announce = url;
            break;
        case Outcome::Kind::Refused:
            relay->announce.clear();
            again = jittered(kRefusedRetry);
            events_.refused(swarm, url, outcome.text);
            break;
        case Outcome::Kind::Unreachable:
            log_debug("relay", "no ticket: {}", outcome.text);
            again = jittered(
                std::min<seconds>(kRetryMax, kRetryFirst * (1 << std::min(relay->failures, 6))));
            // The last ticket may still be good; a first failure is the tracker's to tell.
            if (relay->failures++ == 0 && relay->announce.empty())
                events_.refused(swarm, url, outcome.text);
            break;
    }
    ask_later(swarm, *relay, again);
    if (relay->announce != before) tell(swarm);
}

void RelayClient::ask_later(SwarmNumber swarm, const Relay& relay, milliseconds delay) {
    loop_.post_after(delay, [this, alive = std::weak_ptr<int>(alive_), swarm, url = relay.url,
                             round = relay.round] {
        if (alive.expired()) return;
        Relay* same = find(swarm, url);
        if (same != nullptr && same->round == round) ask_soon(swarm, url);
    });
}

}  // namespace lockstep
