#include "sync/relay_watch.h"

#include <algorithm>

#include "base/http/url.h"
#include "base/log.h"
#include "sync/relay_url.h"

namespace lockstep {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::size_t kThreads = 2;
constexpr seconds kProbeTimeout{5};
constexpr seconds kResolveRetryFirst{10};
constexpr seconds kResolveRetryMax{600};
constexpr std::size_t kEntriesMax = 64;

// Well is whoever answers, even a plain tracker that knows no such path.
Status ask_health(const std::string& url, const ProxyChoice& proxy, const std::stop_token& stop) {
    TRY(RelayUrl address, parse_relay_url(url));
    TRY(HttpClient client, relay_http_client(address, proxy.get()));
    HttpRequest request;
    request.path = "/healthz";
    TRY(HttpResponse response, client.request(request, kProbeTimeout, stop));
    if (response.status >= 500)
        return Error{ErrorKind::Unavailable, "it answers " + std::to_string(response.status)};
    return {};
}

// DNS may name any host: those of others shall not learn the domain's token.
bool is_within(std::string_view host, std::string_view domain) {
    return host == domain ||
           (host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
}

}  // namespace

RelayWatch::Questions RelayWatch::questions(const PeerAddress& name_server,
                                            std::shared_ptr<const ProxyChoice> proxy) {
    return {[name_server, proxy](const std::string& domain) -> Result<SrvAnswer> {
                if (proxy->get() != nullptr) return dns_goes_around_a_proxy();
                return resolve_srv(domain, name_server);
            },
            [proxy](const std::string& relay, const std::stop_token& stop) {
                return ask_health(relay, *proxy, stop);
            }};
}

RelayWatch::RelayWatch(SyncLoop& loop, Questions questions, Events events)
    : loop_(loop),
      questions_(std::move(questions)),
      events_(std::move(events)),
      pool_(system_random()),
      workers_(kThreads, "ls-health") {}

RelayWatch::~RelayWatch() {
    stop_.request_stop();
}

void RelayWatch::stop() {
    is_stopped_ = true;
    stop_.request_stop();
}

void RelayWatch::set(const RelaySettings& settings) {
    settings_ = settings;
    pool_.set_strategy(settings.strategy);
    std::erase_if(domains_, [&](const auto& domain) {
        return std::count(settings.urls.begin(), settings.urls.end(), domain.first) == 0;
    });
    for (const std::string& url : settings.urls)
        if (parse_srv_url(url).ok()) domains_.try_emplace(url);
    gather();
}

void RelayWatch::start_over() {
    domains_.clear();
    pool_.set_relays({});
    for (const std::string& url : settings_.urls)
        if (parse_srv_url(url).ok()) domains_.try_emplace(url);
    gather();
}

// Makes one list of the relays that are named and of those that DNS names.
void RelayWatch::gather() {
    entries_.clear();
    auto add = [&](RelayEntry entry) {
        if (entries_.size() == kEntriesMax || !parse_relay_url(entry.url).ok()) return;
        auto weight = settings_.weights.find(relay_origin(entry.url));
        if (weight != settings_.weights.end()) entry.weight = weight->second;
        entries_.push_back(std::move(entry));
    };
    for (const std::string& url : settings_.urls) {
        auto domain = domains_.find(url);
        if (domain == domains_.end()) {
            add({.url = url});
            continue;
        }
        bool is_tls = parse_srv_url(url)->is_tls;
        for (const SrvRecord& record : domain->second.records)
            add({.url = srv_relay_url(record, is_tls),
                 .domain = url,
                 .priority = record.priority,
                 .weight = record.weight});
    }
    pool_.set_relays(entries_);
    publish();
    events_.relays_changed();
}

void RelayWatch::tick(SyncLoop::Time now, bool is_wanted, const std::set<std::string>& in_use) {
    if (is_stopped_ || !is_wanted) return;
    for (auto& [url, domain] : domains_)
        if (!domain.is_asked && now >= domain.next) resolve(url);
    for (const std::string& relay : pool_.due_probes(now, in_use)) probe(relay);
    publish();
}

void RelayWatch::probe(const std::string& relay) {
    workers_.submit([this, relay, ask = questions_.ask_health, &loop = loop_,
                     stop = stop_.get_token(), alive = std::weak_ptr<int>(alive_)] {
        auto begin = std::chrono::steady_clock::now();
        Status status = stop.stop_requested() ? Status() : ask(relay, stop);
        auto took =
            std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
        if (stop.stop_requested()) return;
        loop.post([this, relay, status, took, alive] {
            if (!alive.expired()) on_asked(relay, status, took);
        });
    });
}

void RelayWatch::on_asked(const std::string& relay, const Status& status, microseconds took) {
    if (is_stopped_) return;
    auto now = std::chrono::steady_clock::now();
    bool is_news = status.ok() ? pool_.on_answer(relay, now, took)
                               : pool_.on_failure(relay, now, status.error().message);
    publish();
    if (!is_news) return;
    log_info("relay", "{} {}", relay_origin(relay),
             status.ok() ? "answers again" : "does not answer: it is left alone for a while");
    events_.health_changed(relay);
}

void RelayWatch::resolve(const std::string& url) {
    domains_.at(url).is_asked = true;
    workers_.submit([this, url, domain = parse_srv_url(url)->domain, &loop = loop_,
                     stop = stop_.get_token(), ask = questions_.resolve,
                     alive = std::weak_ptr<int>(alive_)] {
        if (stop.stop_requested()) return;
        auto answer = std::make_shared<Result<SrvAnswer>>(ask(domain));
        loop.post([this, url, answer, alive] {
            if (!alive.expired()) on_resolved(url, *answer);
        });
    });
}

// What DNS said last stays true until it says otherwise.
void RelayWatch::on_resolved(const std::string& url, const Result<SrvAnswer>& answer) {
    auto at = domains_.find(url);
    if (at == domains_.end() || is_stopped_) return;
    Domain& domain = at->second;
    domain.is_asked = false;
    auto now = std::chrono::steady_clock::now();
    if (!answer.ok()) {
        domain.problem = answer.error().message;
        auto wait = std::min<seconds>(kResolveRetryMax,
                                      kResolveRetryFirst * (1 << std::min(domain.failures, 6)));
        ++domain.failures;
        auto jitter = std::chrono::milliseconds(system_random().u64() % 5000);
        domain.next = now + wait + jitter;
        return publish();
    }
    domain.failures = 0;
    domain.problem = answer->records.empty() ? "the domain has no relays" : "";
    domain.next = now + answer->lifetime;
    if (std::exchange(domain.records, answer->records) != answer->records) return gather();
    publish();
}

std::vector<std::string> RelayWatch::urls() const {
    std::vector<std::string> out;
    for (const RelayEntry& entry : entries_) {
        std::string url = relay_announce_url(entry.url);
        if (std::count(out.begin(), out.end(), url) == 0) out.push_back(std::move(url));
    }
    return out;
}

RelayTokens RelayWatch::tokens() const {
    RelayTokens out = settings_.tokens;
    for (const RelayEntry& entry : entries_) {
        auto token = settings_.tokens.find(entry.domain);
        if (entry.domain.empty() || token == settings_.tokens.end()) continue;
        if (is_within(parse_relay_url(entry.url)->host, parse_srv_url(entry.domain)->domain))
            out.try_emplace(relay_origin(entry.url), token->second);
    }
    return out;
}

void RelayWatch::publish() {
    std::vector<RelayState> states = pool_.states(std::chrono::steady_clock::now());
    std::vector<RelayDomainState> domains;
    for (const auto& [url, domain] : domains_)
        domains.push_back({url, domain.records.size(), domain.problem});
    MutexLock lock(mutex_);
    states_ = std::move(states);
    domain_states_ = std::move(domains);
}

std::vector<RelayState> RelayWatch::states() const {
    MutexLock lock(mutex_);
    return states_;
}

std::vector<RelayDomainState> RelayWatch::domains() const {
    MutexLock lock(mutex_);
    return domain_states_;
}

}  // namespace lockstep
