// A relay as a device knows it: where it is, and whose key it must have.
//
// A URL is http://HOST[:PORT][/announce...] or the same with https, and may end in "#pin=" and the
// 64 hexadecimal digits of the SHA-256 of the relay's public key: then the relay is whoever has
// that key, and no authority is asked (relay/PROTOCOL.md, "Transport").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/http/client.h"

namespace lockstep {

struct RelayUrl {
    bool is_tls = false;
    std::string host{};
    std::uint16_t port = 0;
    // HOST:PORT, as signed and as a relay knows itself.
    std::string authority{};
    std::optional<TlsPin> pin{};
};

// Invalid when it is no such URL; a pin without TLS is none.
Result<RelayUrl> parse_relay_url(std::string_view url);
// Null without TLS.
Result<std::shared_ptr<TlsContext>> relay_tls(const RelayUrl& url);
// Through the proxy, unless it is null.
Result<HttpClient> relay_http_client(const RelayUrl& url, std::shared_ptr<const Proxy> proxy,
                                     std::uint64_t response_size_max = 64 << 10);
// Where its tracker is announced to. libtorrent talks to trackers on loopback only when the path
// begins with /announce.
std::string relay_announce_url(const std::string& url);
// Without its pin.
std::string_view without_pin(std::string_view url);
// http(s)://HOST:PORT, as one shows it: a path may hold a secret.
std::string relay_origin(std::string_view url);

}  // namespace lockstep
