// A blocking HTTP/1.1 client over a unix socket, TCP or TLS: the CLI's and the GUI worker's way to
// the daemon, and the probe of a relay.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/http/message.h"
#include "base/http/proxy.h"
#include "base/http/transport.h"
#include "base/result.h"

namespace lockstep {

struct HttpClientOptions {
    std::uint64_t response_size_max = 64 << 20;
    std::uint32_t header_size_max = 64 << 10;
    // An event larger than this ends a stream with TooLarge.
    std::size_t event_size_max = 4 << 20;
    // That TCP and TLS connections go through; null: none.
    std::shared_ptr<const Proxy> proxy{};
};

struct HttpStreamOptions {
    // Ends the stream with Cancelled, at once, from any thread.
    std::stop_token stop{};
    // Time to connect and get the response's header.
    std::chrono::milliseconds connect_timeout{10'000};
    // Timeout when not even a heartbeat arrives for this long; 0: wait for ever.
    std::chrono::milliseconds idle_timeout{0};
};

// Errors: NotFound when the unix socket does not exist (nobody runs there); Unavailable when nobody
// listens or the host is unreachable; Refused when the user may not connect; Timeout; Cancelled;
// TooLarge; Corrupt when the answer is no HTTP; Io otherwise.
//
// THREADS: one request at a time; use one client per thread.
class HttpClient {
  public:
    static HttpClient over_unix(std::filesystem::path path, HttpClientOptions options = {});
    // `host` is a name or an address (an IPv6 one without brackets).
    static HttpClient over_tcp(std::string host, std::uint16_t port,
                               HttpClientOptions options = {});
    // The same under TLS; Refused when the server is not who it must be.
    static HttpClient over_tls(std::string host, std::uint16_t port,
                               std::shared_ptr<TlsContext> tls, HttpClientOptions options = {});
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;

    // Sends `request` and waits for the whole response; any status is a success here. The
    // connection is kept for the next request. A request that changes nothing (GET, HEAD) is sent
    // again once when the kept connection turns out to be dead.
    Result<HttpResponse> request(const HttpRequest& request, std::chrono::milliseconds timeout,
                                 std::stop_token stop = {});

    // Calls `on_event` for every event until it returns false (ok) or the stream ends (Unavailable,
    // as the server went away or found us too slow: resync and call again). A status other than 200
    // is returned through `refusal` when given, and is an Io error.
    Status stream_events(const HttpRequest& request,
                         const std::function<bool(const HttpEvent&)>& on_event,
                         HttpStreamOptions options = {}, HttpResponse* refusal = nullptr);

  private:
    class Impl;
    explicit HttpClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The key that a TLS server shows, believed or not: for a person to compare, or to be taken at
// first sight. Errors as HttpClient's.
Result<TlsPin> ask_tls_pin(const std::string& host, std::uint16_t port,
                           std::chrono::milliseconds timeout,
                           const std::shared_ptr<const Proxy>& proxy = nullptr);

}  // namespace lockstep
