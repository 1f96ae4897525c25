#include "base/http/url.h"

#include <algorithm>
#include <charconv>

namespace lockstep {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string encode(std::string_view raw, bool keep_slash) {
    std::string out;
    out.reserve(raw.size());
    for (char c : raw) {
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            out += c;
            continue;
        }
        auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kHexDigits[byte >> 4];
        out += kHexDigits[byte & 15];
    }
    return out;
}

Result<std::string> decode(std::string_view encoded, bool plus_is_space) {
    std::string out;
    out.reserve(encoded.size());
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        char c = encoded[i];
        if (c == '+' && plus_is_space) c = ' ';
        if (c == '%') {
            int high = i + 1 < encoded.size() ? hex_value(encoded[i + 1]) : -1;
            int low = i + 2 < encoded.size() ? hex_value(encoded[i + 2]) : -1;
            if (high < 0 || low < 0) return Error{ErrorKind::Invalid, "'%' without two hex digits"};
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        out += c;
    }
    return out;
}

}  // namespace

std::string percent_encode(std::string_view raw) {
    return encode(raw, false);
}
std::string percent_encode_path(std::string_view raw) {
    return encode(raw, true);
}
Result<std::string> percent_decode(std::string_view encoded) {
    return decode(encoded, false);
}

Result<HttpFields> parse_query(std::string_view query) {
    HttpFields out;
    while (!query.empty()) {
        std::size_t end = query.find('&');
        std::string_view piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (piece.empty()) continue;
        if (out.size() == kQueryFieldsMax)
            return Error{ErrorKind::Invalid, "too many query fields"};
        std::size_t equals = piece.find('=');
        TRY(std::string name, decode(piece.substr(0, equals), true));
        std::string_view raw =
            equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
        TRY(std::string value, decode(raw, true));
        out.push_back({std::move(name), std::move(value)});
    }
    return out;
}

std::string format_query(const HttpFields& fields) {
    std::string out;
    for (const auto& field : fields) {
        if (!out.empty()) out += '&';
        out += percent_encode(field.name);
        out += '=';
        out += percent_encode(field.value);
    }
    return out;
}

Result<RequestTarget> parse_target(std::string_view target) {
    constexpr std::string_view kScheme = "http://";
    if (target.starts_with(kScheme)) {
        std::size_t slash = target.find('/', kScheme.size());
        target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    if (!target.starts_with('/'))
        return Error{ErrorKind::Invalid, "the request target is not a path"};
    target = target.substr(0, target.find('#'));
    std::size_t question = target.find('?');
    RequestTarget out;
    TRY(out.path, decode(target.substr(0, question), false));
    if (question != std::string_view::npos) {
        TRY(out.query, parse_query(target.substr(question + 1)));
    }
    return out;
}

std::string HttpUrl::authority() const {
    bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HttpUrl> parse_http_url(std::string_view url) {
    auto invalid = [](const char* why) { return Error{ErrorKind::Invalid, why}; };
    for (char c : url)
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\') return invalid("not a URL");
    HttpUrl out{.is_tls = url.starts_with("https://")};
    if (!out.is_tls && !url.starts_with("http://"))
        return invalid("a URL begins with http:// or https://");
    url.remove_prefix(out.is_tls ? 8 : 7);
    url = url.substr(0, url.find('#'));
    std::size_t end = std::min(url.find_first_of("/?"), url.size());
    std::string_view host = url.substr(0, end);
    out.target = url.substr(end);
    if (!out.target.starts_with('/')) out.target.insert(0, "/");
    out.port = out.is_tls ? 443 : 80;
    std::size_t colon = host.rfind(':');
    if (colon != host.npos && host.find(']', colon) == host.npos) {
        std::string_view digits = host.substr(colon + 1);
        auto [stop, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        bool is_port =
            error == std::errc() && stop == digits.data() + digits.size() && out.port > 0;
        if (!is_port) return invalid("the URL's port is not a number from 1 to 65535");
        host = host.substr(0, colon);
    }
    bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    bool is_host = !host.empty() && host.find_first_of("@[]") == host.npos &&
                   (is_bracketed || host.find(':') == host.npos);
    if (!is_host) return invalid("the URL names no host");
    out.host = host;
    return out;
}

bool is_domain_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    while (!name.empty()) {
        std::size_t end = std::min(name.find('.'), name.size());
        std::string_view label = name.substr(0, end);
        bool is_label = !label.empty() && label.size() <= 63 && !label.starts_with('-') &&
                        std::all_of(label.begin(), label.end(), [](char c) {
                            return (is_unreserved(c) && c != '.' && c != '~');
                        });
        if (!is_label || end + 1 == name.size()) return false;
        name.remove_prefix(std::min(end + 1, name.size()));
    }
    return true;
}

bool is_srv_url(std::string_view url) {
    return url.starts_with("srv:") || url.starts_with("srv+http:");
}

Result<SrvUrl> parse_srv_url(std::string_view url) {
    if (!is_srv_url(url))
        return Error{ErrorKind::Invalid, "a domain's relays are written srv:DOMAIN"};
    std::size_t colon = url.find(':');
    SrvUrl out{.is_tls = colon == 3, .domain = std::string(url.substr(colon + 1))};
    if (!is_domain_name(out.domain))
        return Error{ErrorKind::Invalid, "there is no domain's name behind srv:"};
    return out;
}

}  // namespace lockstep
