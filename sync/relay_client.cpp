#include "sync/relay_client.h"

#include <algorithm>
#include <optional>

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/log.h"
#include "base/random.h"
#include "relay/protocol/admission.h"
#include "sync/relay_url.h"

namespace lockstep {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
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
// Nobody reaches us at the proxy's address, which is all that the relay sees; an announce needs a
// port.
constexpr std::uint16_t kNoPort = 1;

// Up to a quarter more or less, so that devices do not come all at once.
milliseconds jittered(milliseconds time) {
    auto part = static_cast<std::int64_t>(system_random().u64() % 512);
    return time * 3 / 4 + milliseconds(time.count() * part / 1024);
}

std::optional<PeerAddress> to_peer_address(const PeerEndpoint& peer) {
    char text[INET6_ADDRSTRLEN] = {};
    int family = peer.is_v4() ? AF_INET : AF_INET6;
    if (::inet_ntop(family, peer.address.data(), text, sizeof(text)) == nullptr)
        return std::nullopt;
    return PeerAddress{text, peer.port};
}

std::uint64_t now_s() {
    return static_cast<std::uint64_t>(system_clock().wall_ms() / 1000);
}

}  // namespace

RelayClient::RelayClient(SyncLoop& loop, std::uint16_t listen_port,
                         std::shared_ptr<const ProxyChoice> proxy, Events events)
    : loop_(loop),
      listen_port_(listen_port),
      proxy_(std::move(proxy)),
      events_(std::move(events)),
      workers_(kThreads, "ls-relay") {}

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
    system_random().fill(state.random_name.bytes);
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
    relay->is_left_alone = events_.may_ask && !events_.may_ask(url);
    if (relay->is_left_alone) return;
    // The worker has a copy: the swarm may end meanwhile.
    auto token = tokens_.find(relay_origin(url));
    auto question =
        std::make_shared<Question>(Question{.url = url,
                                            .swarm = swarms_.at(swarm),
                                            .token = token == tokens_.end() ? "" : token->second,
                                            .listen_port = listen_port_,
                                            .proxy = proxy_->get(),
                                            .stop = stop_.get_token()});
    workers_.submit([this, &loop = loop_, alive = std::weak_ptr<int>(alive_), swarm, question,
                     round = relay->round] {
        auto outcome = std::make_shared<Outcome>(ask(*question));
        loop.post([this, alive, swarm, url = question->url, round, outcome] {
            if (!alive.expired()) on_outcome(swarm, url, round, *outcome);
        });
    });
}

void RelayClient::retry(const std::string& relay) {
    std::vector<SwarmNumber> waiting;
    for (const auto& [number, swarm] : swarms_)
        for (const Relay& one : swarm.relays)
            if (one.url == relay && one.is_left_alone) waiting.push_back(number);
    for (SwarmNumber swarm : waiting) ask_soon(swarm, relay);
}

void RelayClient::set_tokens(const std::map<std::string, std::string>& tokens) {
    auto before = std::exchange(tokens_, tokens);
    auto token_in = [](const auto& table, const std::string& url) {
        auto at = table.find(relay_origin(url));
        return at == table.end() ? std::string() : at->second;
    };
    std::vector<std::pair<SwarmNumber, std::string>> changed;
    for (const auto& [number, swarm] : swarms_)
        for (const Relay& relay : swarm.relays)
            if (token_in(before, relay.url) != token_in(tokens_, relay.url))
                changed.emplace_back(number, relay.url);
    for (const auto& [number, url] : changed) ask_soon(number, url);
}

void RelayClient::announce_again(SwarmNumber swarm) {
    auto at = swarms_.find(swarm);
    if (at == swarms_.end()) return;
    std::vector<std::string> ours;
    for (const Relay& relay : at->second.relays)
        if (announces_itself(relay.url)) ours.push_back(relay.url);
    for (const std::string& url : ours) ask_soon(swarm, url);
}

void RelayClient::start_over() {
    std::vector<std::pair<SwarmNumber, std::string>> all;
    for (auto& [number, swarm] : swarms_)
        for (Relay& relay : swarm.relays) {
            relay.announce.clear();
            relay.failures = 0;
            all.emplace_back(number, relay.url);
        }
    for (const auto& [number, swarm] : swarms_) tell(number);
    for (const auto& [number, url] : all) ask_soon(number, url);
}

bool RelayClient::announces_itself(const std::string& url) const {
    return without_pin(url) != url || proxy_->get() != nullptr;
}

RelayClient::Outcome RelayClient::ask(const Question& question) {
    using Kind = Outcome::Kind;
    if (question.stop.stop_requested()) return {};
    auto address = parse_relay_url(question.url);
    if (!address.ok()) return {.kind = Kind::NoTickets, .text = address.error().message};
    auto client = relay_http_client(*address, question.proxy);
    if (!client.ok()) return {.kind = Kind::Unreachable, .text = client.error().message};
    Asked asked;
    Outcome outcome = ask_ticket(question, *address, *client, asked);
    outcome.asked = asked;
    bool is_known = outcome.kind == Kind::Ticket || outcome.kind == Kind::NoTickets;
    bool is_ours = address->pin || question.proxy != nullptr;
    if (is_ours && is_known) announce(question, *client, outcome);
    return outcome;
}

RelayClient::Outcome RelayClient::ask_ticket(const Question& question, const RelayUrl& address,
                                             HttpClient& client, Asked& asked) {
    using Kind = Outcome::Kind;
    const SwarmState& swarm = question.swarm;
    Result<MemberName> name = swarm.random_name;
    if (swarm.signer.own_name) name = swarm.signer.own_name(address.authority);
    if (!name.ok()) return {.kind = Kind::Refused, .text = name.error().message};
    AdmissionRequest request{.relay = address.authority,
                             .swarm_key = SwarmPublicKey::from(swarm.signer.public_key),
                             .info_hash = TrackerHash::from(swarm.info_hash),
                             .member = *name,
                             .time_s = now_s()};
    HttpFields headers;
    if (!question.token.empty()) headers.push_back({"Authorization", "Bearer " + question.token});
    // The second time with the relay's clock, if ours is what it minds.
    for (int attempt = 0; attempt < 2; ++attempt) {
        request.nonce = system_random().id<AdmissionNonce>();
        auto signature = swarm.signer.sign(request.message());
        if (!signature.ok()) return {.kind = Kind::Refused, .text = signature.error().message};
        request.signature = AdmissionSignature::from(*signature);
        auto begin = std::chrono::steady_clock::now();
        auto response = client.request({.method = "POST",
                                        .path = "/v1/tickets",
                                        .headers = headers,
                                        .body = encode_admission_request(request)},
                                       kAskTimeout, question.stop);
        asked.took = duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
        asked.status = response.ok() ? Status() : Status(response.error());
        if (!response.ok()) return {.kind = Kind::Unreachable, .text = response.error().message};
        auto answer = decode_admission_answer(response->body);
        if (response->status == 200 && answer.ok())
            return {.kind = Kind::Ticket,
                    .text = answer->ticket,
                    .lifetime = seconds(std::max(answer->expires_in_s, 60U))};
        bool is_busy = response->status == 429 || response->status == 503;
        if (is_busy) return {.kind = Kind::Unreachable, .text = "the relay is busy"};
        bool is_refusal =
            response->status == 403 && !answer.ok() && answer.error().kind == ErrorKind::Refused;
        if (!is_refusal) return {.kind = Kind::NoTickets};
        std::uint64_t theirs = relay_time_in(response->body);
        bool may_be_the_clock =
            theirs != 0 && (theirs > request.time_s + 60 || theirs + 60 < request.time_s);
        if (attempt > 0 || !may_be_the_clock) {
            std::string why = answer.error().message;
            bool is_about_token = why.find("token") != std::string::npos;
            if (is_about_token && !question.token.empty()) why += ", not the one that we show";
            return {.kind = Kind::Refused, .text = why};
        }
        request.time_s = theirs;
    }
    return {.kind = Kind::Refused, .text = "the clocks differ too much"};
}

void RelayClient::announce(const Question& question, HttpClient& client, Outcome& outcome) {
    AnnounceRequest request{.info_hash = TrackerHash::from(question.swarm.info_hash),
                            .peer_id = PeerId::from(question.swarm.random_name.bytes),
                            .port = question.proxy == nullptr ? question.listen_port : kNoPort};
    HttpFields query = encode_announce_query(request);
    if (outcome.kind == Outcome::Kind::Ticket) query.push_back({"ticket", outcome.text});
    std::string path = relay_origin(question.url);
    path = std::string(without_pin(question.url)).substr(path.size());
    auto response = client.request({.path = path, .query = query}, kAskTimeout, question.stop);
    auto answer = response.ok() ? decode_announce_response(response->body)
                                : Result<AnnounceResponse>(response.error());
    outcome.has_announced = answer.ok();
    if (!answer.ok()) {
        outcome.announce_failure = answer.error().message;
        return;
    }
    outcome.interval = seconds(std::clamp(answer->interval_s, 5U, 3600U));
    for (const PeerEndpoint& peer : answer->peers)
        if (auto address = to_peer_address(peer)) outcome.peers.push_back(*address);
}

void RelayClient::on_outcome(SwarmNumber swarm, const std::string& url, std::uint64_t round,
                             const Outcome& outcome) {
    if (is_stopped_) return;
    if (events_.asked && outcome.asked.status)
        events_.asked(url, *outcome.asked.status, outcome.asked.took);
    Relay* relay = find(swarm, url);
    if (relay == nullptr || relay->round != round) return;
    std::string before = relay->announce;
    milliseconds again = kTrackerRetry;
    bool is_ours = announces_itself(url);
    switch (outcome.kind) {
        case Outcome::Kind::Ticket:
            relay->failures = 0;
            if (!is_ours)
                relay->announce = url + (url.find('?') == std::string::npos ? "?" : "&") +
                                  std::string(kTicketField) + outcome.text;
            // In time, though the first request for the next one fails.
            again = jittered(outcome.lifetime / 2);
            break;
        case Outcome::Kind::NoTickets:
            if (!is_ours) relay->announce = url;
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
    if (outcome.has_announced) again = std::min(again, jittered(outcome.interval));
    ask_later(swarm, *relay, again);
    if (relay->announce != before) tell(swarm);
    if (outcome.has_announced) events_.announced(swarm, url, outcome.peers);
    if (!outcome.announce_failure.empty()) events_.refused(swarm, url, outcome.announce_failure);
    if (outcome.kind == Outcome::Kind::Ticket) events_.admitted(swarm, url, outcome.text);
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
