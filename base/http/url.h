// Percent-encoding and the query part of a request target. Any byte may be encoded, NUL included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/http/message.h"
#include "base/result.h"

namespace lockstep {

// Fields above this in one query are refused: no caller of ours needs more.
inline constexpr std::size_t kQueryFieldsMax = 256;

// Everything but letters, digits and "-._~" becomes %XX.
std::string percent_encode(std::string_view raw);
// The same, but '/' stays.
std::string percent_encode_path(std::string_view raw);
// Invalid on a '%' without two hex digits after it.
Result<std::string> percent_decode(std::string_view encoded);

// "a=1&b=%00&c" <-> {{"a","1"}, {"b","\0"}, {"c",""}}. Reading takes '+' for a space, as forms
// write it; writing never makes one. Empty pieces ("&&") are skipped. Invalid on a bad '%' or too
// many fields.
Result<HttpFields> parse_query(std::string_view query);
std::string format_query(const HttpFields& fields);

// Splits a request target ("/a%20b?c=d", or its absolute form "http://host/a%20b?c=d") into the
// decoded path and query. Invalid when it is neither.
struct RequestTarget {
    std::string path;
    HttpFields query;
};
Result<RequestTarget> parse_target(std::string_view target);

// "https://[::1]:8443/a?b": a name or address without brackets, the port said or the scheme's own,
// and what is asked for there (at least "/"). Invalid when it is no such URL, has a user or
// password in it, or a byte that no URL has.
struct HttpUrl {
    bool is_tls = false;
    std::string host{};
    std::uint16_t port = 0;
    std::string target{};

    // HOST:PORT, an IPv6 address in brackets.
    std::string authority() const;
    bool operator==(const HttpUrl&) const = default;
};
Result<HttpUrl> parse_http_url(std::string_view url);

// "srv:example.org": whoever DNS lists as a service of that domain, spoken to under TLS;
// "srv+http:example.org": in plain. Invalid when there is no such domain name behind it.
struct SrvUrl {
    bool is_tls = true;
    std::string domain{};
};
bool is_srv_url(std::string_view url);
Result<SrvUrl> parse_srv_url(std::string_view url);
// A name of letters, digits, '-' and '_' with dots between, as DNS has it; at most 253 bytes.
bool is_domain_name(std::string_view name);

}  // namespace lockstep
