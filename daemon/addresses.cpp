#include "daemon/addresses.h"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "daemon/api/config.h"

namespace lockstep {

namespace {

struct InterfaceAddress {
    std::string host;
    bool is_loopback = false;
};

std::string text_of(int family, const void* raw) {
    char text[INET6_ADDRSTRLEN] = {};
    return ::inet_ntop(family, raw, text, sizeof(text)) == nullptr ? std::string() : text;
}

InterfaceAddress read_address(const ifaddrs& interface) {
    if (interface.ifa_addr == nullptr || (interface.ifa_flags & IFF_UP) == 0) return {};
    const bool is_loopback = (interface.ifa_flags & IFF_LOOPBACK) != 0;
    if (interface.ifa_addr->sa_family == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, interface.ifa_addr, sizeof(address));
        const bool is_link_local = (ntohl(address.sin_addr.s_addr) >> 16) == 0xa9fe;
        if (is_link_local) return {};
        return {text_of(AF_INET, &address.sin_addr), is_loopback};
    }
    if (interface.ifa_addr->sa_family == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, interface.ifa_addr, sizeof(address));
        const unsigned char* raw = address.sin6_addr.s6_addr;
        const bool is_link_local = raw[0] == 0xfe && (raw[1] & 0xc0) == 0x80;
        if (is_link_local) return {};
        return {text_of(AF_INET6, &address.sin6_addr), is_loopback};
    }
    return {};
}

}  // namespace

Result<PeerAddress> parse_address(std::string_view text) {
    TRY_OK(api::check_address(text));
    const std::size_t colon = text.rfind(':');
    std::string host(text.substr(0, colon));
    if (host.front() == '[') host = host.substr(1, host.size() - 2);
    std::uint32_t port = 0;
    for (char c : text.substr(colon + 1)) port = port * 10 + static_cast<std::uint32_t>(c - '0');
    return PeerAddress{std::move(host), static_cast<std::uint16_t>(port)};
}

std::string format_address(const PeerAddress& address) {
    const bool is_ipv6 = address.host.find(':') != std::string::npos;
    if (is_ipv6) return fmt::format("[{}]:{}", address.host, address.port);
    return fmt::format("{}:{}", address.host, address.port);
}

std::vector<PeerAddress> own_addresses(std::uint16_t port) {
    ifaddrs* interfaces = nullptr;
    if (::getifaddrs(&interfaces) != 0) return {{"127.0.0.1", port}};
    std::vector<PeerAddress> outside, loopback;
    for (const ifaddrs* next = interfaces; next != nullptr; next = next->ifa_next) {
        InterfaceAddress found = read_address(*next);
        if (found.host.empty()) continue;
        auto& list = found.is_loopback ? loopback : outside;
        if (list.size() < kOwnAddressesMax) list.push_back({std::move(found.host), port});
    }
    ::freeifaddrs(interfaces);
    return outside.empty() ? loopback : outside;
}

}  // namespace lockstep
