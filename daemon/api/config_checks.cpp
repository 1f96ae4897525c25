// What a value of the configuration may be.
#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "base/http/proxy.h"
#include "base/http/url.h"
#include "daemon/api/config.h"

namespace lockstep::api {
namespace {

bool has_control_byte(std::string_view text) {
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) return true;
    }
    return false;
}

Status check_port(std::string_view text) {
    std::uint32_t port = 0;
    if (text.empty() || text.size() > 5) return Error{ErrorKind::Invalid, "the port is missing"};
    for (char c : text) {
        if (c < '0' || c > '9') return Error{ErrorKind::Invalid, "the port is not a number"};
        port = port * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (port == 0 || port > 65535) {
        return Error{ErrorKind::Invalid, "the port must be between 1 and 65535"};
    }
    return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        std::size_t length = lead < 0x80           ? 1
                             : (lead >> 5) == 0x06 ? 2
                             : (lead >> 4) == 0x0e ? 3
                             : (lead >> 3) == 0x1e ? 4
                                                   : 0;
        if (length == 0 || text.size() - i < length) return false;
        std::uint32_t point = length == 1 ? lead : lead & (0x7fU >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            point = (point << 6) | (next & 0x3fU);
        }
        constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < kLeast[length] || point > 0x10ffff) return false;
        if (point >= 0xd800 && point <= 0xdfff) return false;
        i += length;
    }
    return true;
}

Result<std::string> normal_vault_path(std::string_view path) {
    if (!is_utf8(path) || path.find('\0') != std::string_view::npos)
        return Error{ErrorKind::Invalid, "a folder's path must be UTF-8 without NUL"};
    std::string normal;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..") return Error{ErrorKind::Invalid, "'..' is not taken in paths of a vault"};
        if (!normal.empty()) normal += '/';
        normal += part;
    }
    return normal;
}

Status check_vault_name(std::string_view name) {
    auto refuse = [&](std::string_view why) {
        return Error{ErrorKind::Invalid, fmt::format("a vault's name {}", why)};
    };
    if (name.empty()) return refuse("must not be empty");
    if (name.size() > 64) return refuse("must not be longer than 64 bytes");
    if (!is_utf8(name) || has_control_byte(name)) return refuse("must be printable UTF-8");
    if (name.front() == '-' || name.front() == '.') return refuse("must not begin with '-' or '.'");
    if (name.find_first_of("/:") != std::string_view::npos)
        return refuse("must not hold '/' or ':'");
    return {};
}

Status check_device_name(std::string_view name) {
    if (name.size() > 64) {
        return Error{ErrorKind::Invalid, "a device's name must not be longer than 64 bytes"};
    }
    if (name.empty() || !is_utf8(name) || has_control_byte(name)) {
        return Error{ErrorKind::Invalid, "a device's name must be printable UTF-8"};
    }
    return {};
}

Status check_content_cache(std::int64_t mib) {
    if (mib >= kContentCacheMibMin && mib <= kContentCacheMibMax) return {};
    return Error{ErrorKind::Invalid, fmt::format("a cache has between {} and {} MiB",
                                                 kContentCacheMibMin, kContentCacheMibMax)};
}

Status check_on_demand_cache(std::int64_t mib) {
    if (mib >= kOnDemandMibMin && mib <= kOnDemandMibMax) return {};
    return Error{ErrorKind::Invalid, fmt::format("this cache has between {} and {} MiB",
                                                 kOnDemandMibMin, kOnDemandMibMax)};
}

Status check_eviction_copies(std::int64_t copies) {
    if (copies >= 1 && copies <= kEvictionCopiesMax) return {};
    return Error{ErrorKind::Invalid,
                 fmt::format("between 1 and {} other devices", kEvictionCopiesMax)};
}

Status check_kdf_memory(std::int64_t mib) {
    if (mib >= kKdfMemoryMibMin && mib <= kKdfMemoryMibMax) return {};
    return Error{ErrorKind::Invalid, fmt::format("guessing a passphrase costs {} to {} MiB",
                                                 kKdfMemoryMibMin, kKdfMemoryMibMax)};
}

Status check_idle_lock(std::int64_t seconds) {
    if (seconds >= 0 && seconds <= static_cast<std::int64_t>(kIdleLockSecondsMax)) return {};
    return Error{ErrorKind::Invalid, "a vault is locked after 30 unused days at most"};
}

Status check_relay_url(std::string_view url) {
    if (is_srv_url(url)) {
        TRY_OK(parse_srv_url(url));
        return {};
    }
    constexpr std::string_view kPinMark = "#pin=";
    if (std::size_t mark = url.find('#'); mark != std::string_view::npos) {
        std::string_view pin = url.substr(mark);
        const bool is_pin = pin.starts_with(kPinMark) && pin.size() == kPinMark.size() + 64 &&
                            pin.find_first_not_of("0123456789abcdefABCDEF", kPinMark.size()) ==
                                std::string_view::npos;
        if (!is_pin) return Error{ErrorKind::Invalid, "a relay's pin is 64 hexadecimal digits"};
        url = url.substr(0, mark);
        if (!url.starts_with("https://"))
            return Error{ErrorKind::Invalid, "only a relay under https:// has a key to pin"};
    }
    if (url.size() > 255) return Error{ErrorKind::Invalid, "the URL is longer than 255 bytes"};
    TRY(HttpUrl where, parse_http_url(url));
    if (where.target.find('?') != std::string::npos)
        return Error{ErrorKind::Invalid, "a relay's URL has no query"};
    return {};
}

Status check_relay_token(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos)
        return Error{ErrorKind::Invalid, "a relay's token is written: URL TOKEN"};
    TRY_OK(check_relay_url(line.substr(0, space)));
    std::string_view token = line.substr(space + 1);
    const bool is_token =
        !token.empty() && token.size() <= 128 && std::ranges::all_of(token, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                   c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
        });
    if (is_token) return {};
    return Error{ErrorKind::Invalid, "a relay's token has 1 to 128 of A-Z a-z 0-9 - . _ ~ + / ="};
}

Status check_relay_weight(std::string_view line) {
    const Error wrong{ErrorKind::Invalid, "a relay's weight is written: URL NUMBER (1 to 1000)"};
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return wrong;
    TRY_OK(check_relay_url(line.substr(0, space)));
    std::string_view digits = line.substr(space + 1);
    std::uint32_t weight = 0;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), weight);
    const bool is_weight = failure == std::errc{} && end == digits.data() + digits.size() &&
                           weight >= 1 && weight <= kRelayWeightMax;
    if (!is_weight) return wrong;
    return {};
}

Status check_relay_strategy(std::string_view name) {
    if (std::ranges::find(kRelayStrategies, name) != kRelayStrategies.end()) return {};
    return Error{ErrorKind::Invalid,
                 fmt::format("a strategy is one of {}", fmt::join(kRelayStrategies, ", "))};
}

Status check_proxy(std::string_view url) {
    if (url.empty()) return {};
    if (auto proxy = parse_proxy_url(url); !proxy.ok()) return std::move(proxy).error();
    return {};
}

Status check_address(std::string_view address) {
    const Error wrong{ErrorKind::Invalid, "an address is IPV4:PORT or [IPV6]:PORT"};
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) return wrong;
    std::string host(address.substr(0, colon));
    const bool is_ipv6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_ipv6) host = host.substr(1, host.size() - 2);
    std::byte parsed[sizeof(in6_addr)];
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, host.c_str(), parsed) != 1) return wrong;
    return check_port(address.substr(colon + 1));
}

Result<LoopbackAddress> parse_api_listen(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return Error{ErrorKind::Invalid, "an address is written 127.0.0.1:PORT or [::1]:PORT"};
    LoopbackAddress out{.host = std::string(text.substr(0, colon)), .port = 0};
    const std::string_view digits = text.substr(colon + 1);
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (failure != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
        return Error{ErrorKind::Invalid, "the port must be between 1 and 65535"};
    in_addr address{};
    const bool is_ipv4 = inet_pton(AF_INET, out.host.c_str(), &address) == 1;
    const bool is_loopback = is_ipv4 ? ntohl(address.s_addr) >> 24 == 127 : out.host == "[::1]";
    if (!is_loopback)
        return Error{ErrorKind::Invalid,
                     fmt::format("'{}' is no address of this machine alone (127.0.0.1 or [::1]): "
                                 "the control API is not for a network",
                                 out.host)};
    if (!is_ipv4) out.host = "::1";
    return out;
}

}  // namespace lockstep::api
