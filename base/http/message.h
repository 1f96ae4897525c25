// What is said over HTTP, as plain values: requests, responses, events.
//
// All text here is decoded and may hold any byte, NUL included: a tracker's info hash is 20 raw
// bytes in a query value. Nothing in this folder's headers names the library underneath.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace lockstep {

struct HttpField {
    std::string name{};
    std::string value{};

    bool operator==(const HttpField&) const = default;
};
using HttpFields = std::vector<HttpField>;

// Who is at the other end of a connection, as the kernel says it.
struct HttpPeer {
    // SO_PEERCRED of a unix socket.
    std::optional<std::uint32_t> uid{};
    // Text and raw form (4 or 16 bytes) of a TCP peer's address; empty for a unix socket. An IPv4
    // address mapped into IPv6 is given as IPv4.
    std::string address{};
    Bytes address_bytes{};
    std::uint16_t port = 0;
    // Of the certificate it has shown, when the server asks for them; empty: none.
    std::string certificate_name{};

    // Whom an address is counted with: an IPv6 one with its /64, since people get that many. Empty
    // for a unix socket.
    Bytes address_group() const;
};

struct HttpRequest {
    std::string method = "GET";
    // Percent-decoded, without the query. Always begins with '/'.
    std::string path = "/";
    // Percent-decoded ('+' is a space), in the order sent; names may repeat.
    HttpFields query{};
    HttpFields headers{};
    std::string body{};
    // Server: filled in. Client: ignored.
    HttpPeer peer{};
    // Server: path and query as they were sent. Client: when empty, made of `path` and `query`.
    std::string target{};

    // The first value of that name. Header names match in either case.
    const std::string* query_value(std::string_view name) const;
    // The same as a decimal number; 0 without one.
    std::uint64_t query_number(std::string_view name) const;
    const std::string* header(std::string_view name) const;
    // The path's parts, each decoded after splitting, so that a part may hold "%2F": "/v1/a%2Fb" is
    // {"v1", "a/b"}. Empty parts are left out.
    std::vector<std::string> path_parts() const;
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body{};
    // Beside Content-Type and Content-Length, which are always written.
    HttpFields headers{};

    const std::string* header(std::string_view name) const;

    static HttpResponse text(int status, std::string body);
    static HttpResponse json(int status, std::string body);
};

// One server-sent event. Empty `id` and `event` are not written. `data` may hold several lines.
struct HttpEvent {
    std::string id{};
    std::string event{};
    std::string data{};

    bool operator==(const HttpEvent&) const = default;
};

}  // namespace lockstep
