#include "sync/network_watch.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

namespace lockstep {

namespace {

constexpr std::chrono::seconds kSleepMin{3};

std::chrono::milliseconds read_clock(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::milliseconds(now.tv_nsec / 1'000'000);
}

std::string to_text(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    if (address.sa_family == AF_INET)
        bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    else if (address.sa_family == AF_INET6)
        bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (bytes == nullptr ||
        ::inet_ntop(address.sa_family, bytes, text.data(), text.size()) == nullptr)
        return {};
    return text.data();
}

}  // namespace

NetworkWatch::View NetworkWatch::look() {
    View out;
    // One goes on while the machine sleeps, the other stands still.
    out.slept = read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC);
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return out;
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        bool counts = one->ifa_addr != nullptr && (one->ifa_flags & IFF_UP) != 0 &&
                      (one->ifa_flags & IFF_LOOPBACK) == 0;
        if (!counts) continue;
        if (std::string text = to_text(*one->ifa_addr); !text.empty()) out.addresses.insert(text);
    }
    ::freeifaddrs(list);
    return out;
}

NetworkWatch::News NetworkWatch::compare(const View& now) {
    News news = News::None;
    if (has_looked_) {
        bool has_lost = !std::includes(now.addresses.begin(), now.addresses.end(),
                                       before_.addresses.begin(), before_.addresses.end());
        if (has_lost || now.slept - before_.slept >= kSleepMin)
            news = News::Broken;
        else if (now.addresses.size() > before_.addresses.size())
            news = News::Grown;
    }
    has_looked_ = true;
    before_ = now;
    return news;
}

}  // namespace lockstep
