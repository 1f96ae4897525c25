#include "base/http/proxy.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/http/listen_socket.h"
#include "base/http/transport.h"
#include "base/http/url.h"

namespace lockstep {
namespace {

constexpr std::size_t kHostSizeMax = 255;        // what SOCKS5 has room for
constexpr std::size_t kCredentialSizeMax = 255;  // user or password, as well
constexpr std::size_t kConnectAnswerMax = 8 << 10;

constexpr unsigned char kSocksVersion = 5;
constexpr unsigned char kNoPassword = 0, kWithPassword = 2, kNoMethod = 0xff;
constexpr unsigned char kIpv4 = 1, kName = 3, kIpv6 = 4;

Error invalid(const char* why) {
    return {ErrorKind::Invalid, why};
}

bool is_http_token_text(const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Status read_credentials(std::string_view text, Proxy& out) {
    const std::size_t colon = text.find(':');
    auto user = percent_decode(text.substr(0, colon));
    auto password = percent_decode(colon == std::string_view::npos ? std::string_view()
                                                                   : text.substr(colon + 1));
    if (!user.ok() || !password.ok())
        return invalid("the proxy's user or password has a '%' without two hex digits behind it");
    if (user->empty()) return invalid("the proxy's user is missing before the password");
    if (user->size() > kCredentialSizeMax || password->size() > kCredentialSizeMax)
        return invalid("a proxy's user and password have at most 255 bytes each");
    if (!is_http_token_text(*user) || !is_http_token_text(*password))
        return invalid("a proxy's user and password have no control characters");
    if (out.kind == Proxy::Kind::Http && user->find(':') != std::string::npos)
        return invalid("an HTTP proxy's user has no ':'");
    if (out.kind == Proxy::Kind::Socks5 && password->empty())
        return invalid("a SOCKS5 proxy's user has a password");
    out.user = std::move(*user);
    out.password = std::move(*password);
    return {};
}

Status read_place(std::string_view text, Proxy& out) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.find(']', colon) != std::string_view::npos)
        return invalid("the proxy's port is missing: HOST:PORT");
    const std::string_view digits = text.substr(colon + 1);
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (failure != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
        return invalid("the proxy's port is no number from 1 to 65535");
    std::string_view host = text.substr(0, colon);
    const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    in6_addr address{};
    const bool is_host = is_bracketed
                             ? ::inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1
                             : is_domain_name(host);
    if (!is_host) return invalid("the proxy's host is missing or is none");
    out.host = host;
    return {};
}

// What the proxy does wrong is not what a server behind it does.
Error proxy_fault(const Proxy& proxy, Error error) {
    const bool is_kept = error.kind == ErrorKind::Timeout || error.kind == ErrorKind::Cancelled;
    if (!is_kept) error.kind = ErrorKind::Unavailable;
    return std::move(error).in("proxy " + proxy_name(proxy));
}

Error unavailable(std::string why) {
    return {ErrorKind::Unavailable, std::move(why)};
}

Status send_bytes(int fd, std::string_view bytes, const Patience& patience) {
    Transport plain(fd);
    return send_all(plain, fd, bytes, patience);
}

// Exactly so many bytes: what comes behind them belongs to the connection.
Result<std::string> receive_exactly(int fd, std::size_t size, const Patience& patience) {
    std::string out(size, '\0');
    for (std::size_t got = 0; got < size;) {
        TRY_OK(patience.wait(fd, POLLIN));
        const ssize_t some = ::recv(fd, out.data() + got, size - got, 0);
        if (some == 0) return unavailable("it closed the connection");
        if (some < 0 && errno != EAGAIN && errno != EINTR) return socket_error(errno, "receive");
        if (some > 0) got += static_cast<std::size_t>(some);
    }
    return out;
}

// ---- SOCKS5 -------------------------------------------------------------------------------------

std::string sized(const std::string& text) {
    return static_cast<char>(text.size()) + text;
}

Status greet_socks(const Proxy& proxy, int fd, const Patience& patience) {
    const bool has_password = !proxy.user.empty();
    std::string hello{static_cast<char>(kSocksVersion), static_cast<char>(has_password ? 2 : 1),
                      static_cast<char>(kNoPassword)};
    if (has_password) hello += static_cast<char>(kWithPassword);
    TRY_OK(send_bytes(fd, hello, patience));
    TRY(const std::string answer, receive_exactly(fd, 2, patience));
    if (static_cast<unsigned char>(answer[0]) != kSocksVersion)
        return unavailable("it is no SOCKS5 proxy");
    const auto method = static_cast<unsigned char>(answer[1]);
    if (method == kNoPassword) return {};
    if (method == kNoMethod || method != kWithPassword || !has_password)
        return unavailable(has_password ? "it takes neither a password nor none"
                                        : "it wants a user and a password");
    TRY_OK(send_bytes(fd, '\1' + sized(proxy.user) + sized(proxy.password), patience));
    TRY(const std::string verdict, receive_exactly(fd, 2, patience));
    if (verdict[1] != 0) return unavailable("it does not take this user and password");
    return {};
}

std::string socks_target(const std::string& host, std::uint16_t port) {
    std::array<char, sizeof(in6_addr)> address{};
    std::string out;
    if (::inet_pton(AF_INET, host.c_str(), address.data()) == 1)
        out = std::string{static_cast<char>(kIpv4)} + std::string(address.data(), 4);
    else if (::inet_pton(AF_INET6, host.c_str(), address.data()) == 1)
        out = std::string{static_cast<char>(kIpv6)} + std::string(address.data(), 16);
    else
        out = static_cast<char>(kName) + sized(host);
    return out + static_cast<char>(port >> 8) + static_cast<char>(port & 0xff);
}

const char* socks_refusal(unsigned char code) {
    switch (code) {
        case 2:
            return "its rules do not allow it";
        case 3:
            return "no way to that network";
        case 4:
            return "no way to that host, or it has no such name";
        case 5:
            return "nobody answers there (connection refused)";
        case 6:
            return "it took too long";
        case 7:
            return "it makes no connections";
        case 8:
            return "it does not know such addresses";
        default:
            return "it cannot connect";
    }
}

Status ask_socks(const std::string& host, std::uint16_t port, int fd, const Patience& patience) {
    const std::string request{static_cast<char>(kSocksVersion), 1, 0};
    TRY_OK(send_bytes(fd, request + socks_target(host, port), patience));
    TRY(const std::string head, receive_exactly(fd, 4, patience));
    if (static_cast<unsigned char>(head[0]) != kSocksVersion)
        return unavailable("it is no SOCKS5 proxy");
    if (head[1] != 0) return unavailable(socks_refusal(static_cast<unsigned char>(head[1])));
    // Where it connects from, which is nothing to us.
    std::size_t size = 0;
    switch (static_cast<unsigned char>(head[3])) {
        case kIpv4:
            size = 4;
            break;
        case kIpv6:
            size = 16;
            break;
        case kName: {
            TRY(const std::string length, receive_exactly(fd, 1, patience));
            size = static_cast<unsigned char>(length[0]);
            break;
        }
        default:
            return unavailable("its answer is no SOCKS5");
    }
    TRY(const std::string ignored, receive_exactly(fd, size + 2, patience));
    return {};
}

// ---- HTTP ---------------------------------------------------------------------------------------

// The answer's head; nothing behind it is taken from the socket.
Result<std::string> receive_head(int fd, const Patience& patience) {
    std::string out;
    std::array<char, 1024> piece{};
    while (out.size() < kConnectAnswerMax) {
        TRY_OK(patience.wait(fd, POLLIN));
        const ssize_t seen = ::recv(fd, piece.data(), piece.size(), MSG_PEEK);
        if (seen == 0) return unavailable("it closed the connection");
        if (seen < 0 && errno != EAGAIN && errno != EINTR) return socket_error(errno, "receive");
        if (seen < 0) continue;
        const std::size_t before = out.size();
        out.append(piece.data(), static_cast<std::size_t>(seen));
        const std::size_t end = out.find("\r\n\r\n");
        if (end != std::string::npos) out.resize(end + 4);
        TRY(const std::string taken, receive_exactly(fd, out.size() - before, patience));
        if (end != std::string::npos) return out;
    }
    return unavailable("its answer is too long");
}

// The three digits that it answers.
Result<std::string> ask_http(const Proxy& proxy, const std::string& host, std::uint16_t port,
                             int fd, const Patience& patience) {
    const bool is_v6 = host.find(':') != std::string::npos;
    const std::string target = (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
    std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
    if (!proxy.user.empty())
        request += "Proxy-Authorization: Basic " +
                   base64(as_bytes(proxy.user + ":" + proxy.password)) + "\r\n";
    TRY_OK(send_bytes(fd, request + "\r\n", patience));
    TRY(const std::string head, receive_head(fd, patience));
    // "HTTP/1.1 200 Connection established"
    const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
    if (!line.starts_with("HTTP/1.") || line.size() < 12) return unavailable("it is no HTTP proxy");
    const std::string_view status = line.substr(9, 3);
    const bool is_number =
        std::all_of(status.begin(), status.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return unavailable("it is no HTTP proxy");
    if (status == "407")
        return unavailable(proxy.user.empty() ? "it wants a user and a password (407)"
                                              : "it does not take this user and password (407)");
    return std::string(status);
}

Status connect_by_http(const Proxy& proxy, const std::string& host, std::uint16_t port, int fd,
                       const Patience& patience) {
    TRY(const std::string status, ask_http(proxy, host, port, fd, patience));
    if (status.starts_with('2')) return {};
    return unavailable("connecting to " + host + ": it answers " + status);
}

Result<UniqueFd> connect_to_proxy(const Proxy& proxy, const Patience& patience) {
    auto fd = connect_tcp(proxy.host, proxy.port, patience);
    if (!fd.ok()) return proxy_fault(proxy, std::move(fd).error());
    return fd;
}

const char* scheme_of(Proxy::Kind kind) {
    switch (kind) {
        case Proxy::Kind::Socks5:
            return "socks5://";
        case Proxy::Kind::Http:
            return "http://";
    }
    return "";
}

std::string place_of(const Proxy& proxy) {
    const bool is_v6 = proxy.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + proxy.host + "]" : proxy.host) + ":" + std::to_string(proxy.port);
}

}  // namespace

Result<Proxy> parse_proxy_url(std::string_view url) {
    Proxy out;
    if (url.starts_with("socks5://") || url.starts_with("socks5h://"))
        out.kind = Proxy::Kind::Socks5;
    else if (url.starts_with("http://"))
        out.kind = Proxy::Kind::Http;
    else
        return invalid("a proxy is written socks5://[USER:PASSWORD@]HOST:PORT, or with http://");
    for (char c : url)
        if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f)
            return invalid("a proxy's URL has no spaces, and only ASCII (write others as %XX)");
    url.remove_prefix(url.find("://") + 3);
    if (url.ends_with('/')) url.remove_suffix(1);
    if (url.find_first_of("/?#\\\"") != std::string_view::npos)
        return invalid("a proxy's URL ends with its port (write / ? # in a password as %XX)");
    if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
        TRY_OK(read_credentials(url.substr(0, at), out));
        url.remove_prefix(at + 1);
    }
    TRY_OK(read_place(url, out));
    return out;
}

std::string proxy_url(const Proxy& proxy) {
    std::string out = scheme_of(proxy.kind);
    if (!proxy.user.empty()) out += percent_encode(proxy.user);
    if (!proxy.password.empty()) out += ":" + percent_encode(proxy.password);
    if (!proxy.user.empty()) out += "@";
    return out + place_of(proxy);
}

std::string shown_proxy_url(const Proxy& proxy) {
    std::string out = scheme_of(proxy.kind);
    if (!proxy.user.empty()) out += percent_encode(proxy.user);
    if (!proxy.password.empty()) out += ":" + std::string(kHiddenPassword);
    if (!proxy.user.empty()) out += "@";
    return out + place_of(proxy);
}

std::string proxy_name(const Proxy& proxy) {
    return scheme_of(proxy.kind) + place_of(proxy);
}

Result<UniqueFd> connect_through(const Proxy& proxy, const std::string& host, std::uint16_t port,
                                 const Patience& patience) {
    const auto ask = [&](int fd) -> Status {
        if (host.empty() || host.size() > kHostSizeMax || !is_http_token_text(host))
            return unavailable("it cannot be asked for such a host");
        if (proxy.kind == Proxy::Kind::Http)
            return connect_by_http(proxy, host, port, fd, patience);
        TRY_OK(greet_socks(proxy, fd, patience));
        Status asked = ask_socks(host, port, fd, patience);
        if (!asked.ok()) return std::move(asked).error().in("connecting to " + host);
        return {};
    };
    TRY(UniqueFd fd, connect_to_proxy(proxy, patience));
    if (Status asked = ask(fd.get()); !asked.ok())
        return proxy_fault(proxy, std::move(asked).error());
    return fd;
}

Result<UniqueFd> connect_out(const Proxy* proxy, const std::string& host, std::uint16_t port,
                             const Patience& patience) {
    if (proxy == nullptr) return connect_tcp(host, port, patience);
    return connect_through(*proxy, host, port, patience);
}

Status greet_proxy(const Proxy& proxy, const Patience& patience) {
    const auto greet = [&](int fd) -> Status {
        if (proxy.kind == Proxy::Kind::Socks5) return greet_socks(proxy, fd, patience);
        // It has no greeting; whether it would connect to itself is nothing to us.
        TRY(const std::string status, ask_http(proxy, proxy.host, proxy.port, fd, patience));
        return {};
    };
    TRY(UniqueFd fd, connect_to_proxy(proxy, patience));
    if (Status greeted = greet(fd.get()); !greeted.ok())
        return proxy_fault(proxy, std::move(greeted).error());
    return {};
}

}  // namespace lockstep
