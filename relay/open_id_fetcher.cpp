#include "relay/open_id_fetcher.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/http/client.h"
#include "base/http/url.h"
#include "base/log.h"
#include "base/worker_pool.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kRequestTimeout = 10s;
constexpr std::uint64_t kAnswerMax = 256 << 10;
// However many strangers show tokens of unknown keys.
constexpr milliseconds kPause = 5s;
constexpr milliseconds kRetryMax = 300s;
constexpr std::string_view kConfigurationPath = "/.well-known/openid-configuration";

Error invalid(std::string what) {
    return {ErrorKind::Invalid, std::move(what)};
}

Result<std::string> get(const std::string& url, const OpenIdOptions& options,
                        const std::stop_token& stop) {
    TRY(HttpUrl where, parse_http_url(url));
    HttpClientOptions limits{.response_size_max = kAnswerMax};
    auto client = HttpClient::over_tcp(where.host, where.port, limits);
    if (where.is_tls) {
        TRY(auto tls, TlsContext::client({.host = where.host, .authorities = options.authorities}));
        client = HttpClient::over_tls(where.host, where.port, std::move(tls), limits);
    }
    HttpRequest request{.headers = {{"Accept", "application/json"}}, .target = where.target};
    auto response = client.request(request, kRequestTimeout, stop);
    if (!response.ok()) return std::move(response).error().in(url);
    if (response->status != 200)
        return Error{ErrorKind::Unavailable, fmt::format("{}: status {}", url, response->status)};
    return std::move(response->body);
}

// Where the provider's keys are. Its configuration must be the issuer's own: keys of another one
// would let that one make tokens of this one's.
Result<std::string> keys_url_in(const std::string& configuration, const OpenIdOptions& options) {
    auto json = nlohmann::json::parse(configuration, nullptr, false);
    auto text = [&](const char* key) {
        bool is_text = json.is_object() && json.contains(key) && json[key].is_string();
        return is_text ? json[key].get<std::string>() : std::string();
    };
    if (text("issuer") != options.issuer)
        return invalid("the provider's configuration is of another issuer");
    std::string url = text("jwks_uri");
    bool was_secure = options.issuer.starts_with("https://");
    if (url.empty() || (was_secure && !url.starts_with("https://")))
        return invalid("the provider's configuration names no keys over https");
    return url;
}

}  // namespace

Result<JsonWebKeys> fetch_open_id_keys(const OpenIdOptions& options, const std::stop_token& stop) {
    std::string base = options.issuer;
    if (base.ends_with('/')) base.pop_back();
    TRY(std::string configuration, get(base + std::string(kConfigurationPath), options, stop));
    TRY(std::string url, keys_url_in(configuration, options));
    TRY(std::string keys, get(url, options, stop));
    return JsonWebKeys::parse(keys);
}

OpenIdFetcher::OpenIdFetcher(OpenIdOptions options,
                             std::function<void(Result<JsonWebKeys>)> on_keys)
    : options_(std::move(options)), on_keys_(std::move(on_keys)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

OpenIdFetcher::~OpenIdFetcher() {
    thread_.request_stop();
    {
        MutexLock lock(mutex_);
        is_over_ = true;
    }
    wake_.notify_all();
}

void OpenIdFetcher::fetch_soon() {
    {
        MutexLock lock(mutex_);
        is_wanted_ = true;
    }
    wake_.notify_all();
}

bool OpenIdFetcher::wait(milliseconds time) {
    auto start = std::chrono::steady_clock::now();
    MutexLock lock(mutex_);
    for (;;) {
        auto until = start + (is_wanted_ ? std::min(time, kPause) : time);
        if (is_over_ || std::chrono::steady_clock::now() >= until) break;
        (void)wake_.wait_until(mutex_, until);
    }
    is_wanted_ = false;
    return !is_over_;
}

void OpenIdFetcher::run(const std::stop_token& stop) {
    name_thread("ls-openid");
    milliseconds retry = kPause;
    for (bool goes_on = true; goes_on;) {
        auto keys = fetch_open_id_keys(options_, stop);
        if (stop.stop_requested()) return;
        milliseconds pause = keys.ok() ? milliseconds(options_.refresh) : retry;
        retry = keys.ok() ? kPause : std::min(2 * retry, kRetryMax);
        on_keys_(std::move(keys));
        goes_on = wait(pause);
    }
}

}  // namespace lockstep
