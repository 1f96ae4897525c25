// Proxies: servers through which connections are made in place of our own. SOCKS5 (RFC 1928, with
// the password of RFC 1929) and HTTP's CONNECT (RFC 9110, 9.3.6).
//
// A proxy is told names, never addresses that we have looked up; only its own name is looked up
// here. Its password is in no message of this file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/http/client_socket.h"
#include "base/mutex.h"

namespace lockstep {

struct Proxy {
    enum class Kind { Socks5, Http };

    Kind kind = Kind::Socks5;
    std::string host{};  // a name, or an address without brackets
    std::uint16_t port = 0;
    std::string user{}, password{};  // both empty: it asks for none

    bool operator==(const Proxy&) const = default;
};

// "socks5://[USER:PASSWORD@]HOST:PORT" (socks5h:// is the same) or "http://…"; user and password
// percent-encoded where they must be. Invalid when it is none; the message repeats nothing of it.
Result<Proxy> parse_proxy_url(std::string_view url);
// As it is written, with everything: a secret when there is a password.
std::string proxy_url(const Proxy& proxy);
// With kHiddenPassword in place of the password: for people.
std::string shown_proxy_url(const Proxy& proxy);
// KIND://HOST:PORT, for messages.
std::string proxy_name(const Proxy& proxy);

inline constexpr std::string_view kHiddenPassword = "***";

// A connection through the proxy. What the proxy does or says wrong is Unavailable, naming it;
// Timeout and Cancelled name it, too.
Result<UniqueFd> connect_through(const Proxy& proxy, const std::string& host, std::uint16_t port,
                                 const Patience& patience);
// connect_through(); without a proxy (null) connect_tcp().
Result<UniqueFd> connect_out(const Proxy* proxy, const std::string& host, std::uint16_t port,
                             const Patience& patience);
// Whether the proxy answers and takes the password. Errors as connect_through()'s.
Status greet_proxy(const Proxy& proxy, const Patience& patience);

// The proxy in force: null when there is none. It may change at any time. THREADS: any.
class ProxyChoice {
  public:
    std::shared_ptr<const Proxy> get() const {
        MutexLock lock(mutex_);
        return proxy_;
    }
    void set(std::shared_ptr<const Proxy> proxy) {
        MutexLock lock(mutex_);
        proxy_ = std::move(proxy);
    }

  private:
    mutable Mutex mutex_;
    std::shared_ptr<const Proxy> proxy_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
