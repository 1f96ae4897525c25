// The server's listeners, loop and life. What is said on a connection: http_connection.cpp.
#include "base/http/server.h"

#include <algorithm>
#include <cerrno>
#include <list>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/socket.h>

#include "base/http/listen_socket.h"
#include "base/http/server_core.h"
#include "base/log.h"
#include "base/mutex.h"

namespace lockstep {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr int kAcceptsPerWake = 64;

SteadyTime now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

// The listeners, the loop and its thread.
class HttpServer::Impl {
  public:
    Impl(HttpServerOptions options, HttpHandler handler);
    ~Impl() { stop(); }
    Status listen_unix(const std::filesystem::path& path);
    Status listen_on(UniqueFd socket) { return add(std::move(socket), std::nullopt, false); }
    Result<std::uint16_t> listen_tcp(const std::string& address, std::uint16_t port,
                                     Security security);
    void set_tls(std::shared_ptr<TlsContext> tls);
    void drain(std::chrono::milliseconds patience);
    void post(std::function<void()> task);
    void stop();
    std::size_t connection_count() const { return core_.session_count; }

  private:
    struct Listener {
        Listener(net::io_context& io, int fd) : descriptor(io, fd) {}
        net::posix::stream_descriptor descriptor;
        std::optional<UnixListenSocket> name;
        bool is_tls = false;
        bool is_paused = false;
    };

    Status add(UniqueFd fd, std::optional<UnixListenSocket> name, bool is_tls);
    void await_connections(const std::shared_ptr<Listener>& listener);
    void accept_some(Listener& listener);
    void admit(UniqueFd fd, bool is_tls);
    void await_tick();
    void tick();
    void close_listeners();
    void close_everything();

    ServerCore core_;
    net::executor_work_guard<net::io_context::executor_type> work_;
    net::steady_timer timer_;
    std::chrono::milliseconds tick_interval_;
    bool is_ticking_ = false;  // on the thread
    std::list<std::shared_ptr<Listener>> listeners_;
    Mutex drain_mutex_;
    CondVar drained_;
    std::thread thread_;
};

HttpServer::Impl::Impl(HttpServerOptions options, HttpHandler handler)
    : core_{.options = std::move(options),
            .handler = std::move(handler),
            .per_address = {},
            .io = std::make_shared<net::io_context>(1),
            .pool = nullptr},
      work_(core_.io->get_executor()),
      timer_(*core_.io) {
    const HttpServerOptions& o = core_.options;
    core_.pool = std::make_unique<WorkerPool>(
        o.inline_handlers ? 0 : std::max<std::size_t>(o.threads, 1), "ls-http");
    auto shortest = std::min({o.idle_timeout, o.request_timeout, o.event_heartbeat});
    tick_interval_ =
        std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
    if (o.on_tick) net::post(*core_.io, [this] { await_tick(); });
    thread_ = std::thread([this] {
        name_thread("ls-http");
        core_.io->run();
    });
}

Status HttpServer::Impl::listen_unix(const std::filesystem::path& path) {
    TRY(UnixListenSocket socket, UnixListenSocket::open(path));
    UniqueFd fd(socket.release_fd());
    return add(std::move(fd), std::move(socket), false);
}

Result<std::uint16_t> HttpServer::Impl::listen_tcp(const std::string& address, std::uint16_t port,
                                                   Security security) {
    TRY(TcpListenSocket socket, open_tcp_listen_socket(address, port));
    TRY_OK(add(std::move(socket.fd), std::nullopt, security == Security::Tls));
    return socket.port;
}

void HttpServer::Impl::set_tls(std::shared_ptr<TlsContext> tls) {
    net::post(*core_.io, [this, tls = std::move(tls)] { core_.tls = tls; });
}

void HttpServer::Impl::post(std::function<void()> task) {
    net::post(*core_.io, [this, task = std::move(task)] {
        if (!core_.is_stopping) task();
    });
}

Status HttpServer::Impl::add(UniqueFd fd, std::optional<UnixListenSocket> name, bool is_tls) {
    if (core_.is_stopping) return Error{ErrorKind::Cancelled, "the server was stopped"};
    auto listener = std::make_shared<Listener>(*core_.io, fd.release());
    if (name) listener->name.emplace(std::move(*name));
    listener->is_tls = is_tls;
    net::post(*core_.io, [this, listener] {
        listeners_.push_back(listener);
        await_connections(listener);
    });
    return {};
}

void HttpServer::Impl::await_connections(const std::shared_ptr<Listener>& listener) {
    listener->descriptor.async_wait(net::posix::stream_descriptor::wait_read,
                                    [this, listener](error_code error) {
                                        if (error || core_.is_draining) return;
                                        accept_some(*listener);
                                        await_tick();
                                        if (!listener->is_paused) await_connections(listener);
                                    });
}

void HttpServer::Impl::accept_some(Listener& listener) {
    for (int i = 0; i < kAcceptsPerWake; ++i) {
        UniqueFd fd(::accept4(listener.descriptor.native_handle(), nullptr, nullptr,
                              SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd.ok()) {
            admit(std::move(fd), listener.is_tls);
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno == EINTR || errno == ECONNABORTED) continue;
        // Out of descriptors or memory: try again at the next tick instead of spinning.
        log_warning("http", "cannot accept connections: {}", socket_error(errno, "accept").message);
        listener.is_paused = true;
        return;
    }
}

void HttpServer::Impl::admit(UniqueFd fd, bool is_tls) {
    const HttpServerOptions& options = core_.options;
    if (core_.sessions.size() >= options.connections_max) return;
    if (is_tls && core_.tls == nullptr) return;
    HttpPeer peer = peer_of(fd.get());
    if (peer.uid && options.allowed_uid && *peer.uid != *options.allowed_uid) {
        log_warning("http", "refused a connection of uid {}", *peer.uid);
        return;
    }
    bool is_tcp = !peer.uid;
    AddressSlot slot;
    if (is_tcp && options.connections_per_address_max > 0) {
        Bytes group = peer.address_group();
        auto known = core_.per_address.find(group);
        bool is_full = known != core_.per_address.end() &&
                       known->second >= options.connections_per_address_max;
        if (is_full) return;
        slot.take(core_, std::move(group));
    }
    int family = is_tcp ? AF_INET : AF_UNIX;  // only names the kind of socket to Asio
    Socket socket(*core_.io);
    error_code error;
    socket.assign(net::generic::stream_protocol(family, 0), fd.get(), error);
    if (error) return;
    (void)fd.release();
    start_http_connection(core_, std::move(socket), std::move(peer), std::move(slot),
                          is_tls ? core_.tls : nullptr);
}

// Only while there is somebody whom it concerns.
void HttpServer::Impl::await_tick() {
    const bool is_wanted =
        core_.options.on_tick || !core_.sessions.empty() ||
        std::ranges::any_of(listeners_, [](const auto& each) { return each->is_paused; });
    if (is_ticking_ || !is_wanted) return;
    is_ticking_ = true;
    timer_.expires_after(tick_interval_);
    timer_.async_wait([this](error_code error) {
        is_ticking_ = false;
        if (error || core_.is_stopping) return;
        tick();
        await_tick();
    });
}

void HttpServer::Impl::tick() {
    SteadyTime at = now();
    if (core_.options.on_tick && !core_.is_stopping) core_.options.on_tick();
    auto sessions = core_.sessions;  // tick() may close one
    for (const auto& session : sessions) session->tick(at);
    {
        MutexLock lock(drain_mutex_);
        if (core_.sessions.empty()) drained_.notify_all();
    }
    for (const auto& listener : listeners_)
        if (std::exchange(listener->is_paused, false)) await_connections(listener);
}

void HttpServer::Impl::drain(std::chrono::milliseconds patience) {
    if (core_.is_stopping) return;
    net::post(*core_.io, [this] {
        core_.is_draining = true;
        close_listeners();
        auto sessions = core_.sessions;  // drain() may close one
        for (const auto& session : sessions) session->drain();
        tick();
    });
    SteadyTime until = now() + patience;
    {
        MutexLock lock(drain_mutex_);
        while (!(core_.is_draining && core_.session_count == 0) && now() < until)
            (void)drained_.wait_until(drain_mutex_, until);
    }
    stop();
}

void HttpServer::Impl::stop() {
    if (core_.is_stopping.exchange(true)) return;
    net::post(*core_.io, [this] { close_everything(); });
    thread_.join();
    core_.pool.reset();
    // Late answers of those handlers find their connections gone.
    core_.io->restart();
    core_.io->poll();
}

void HttpServer::Impl::close_listeners() {
    for (const auto& listener : listeners_) {
        error_code ignored;
        listener->name.reset();
        listener->descriptor.close(ignored);
    }
    listeners_.clear();
}

void HttpServer::Impl::close_everything() {
    close_listeners();
    timer_.cancel();
    auto sessions = core_.sessions;
    for (const auto& session : sessions) session->close();
    work_.reset();
}

HttpServer::HttpServer(HttpServerOptions options, HttpHandler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}
HttpServer::~HttpServer() = default;
Status HttpServer::listen_unix(const std::filesystem::path& path) {
    return impl_->listen_unix(path);
}
Status HttpServer::listen_on(UniqueFd socket) {
    return impl_->listen_on(std::move(socket));
}
Result<std::uint16_t> HttpServer::listen_tcp(const std::string& address, std::uint16_t port,
                                             Security security) {
    return impl_->listen_tcp(address, port, security);
}
void HttpServer::set_tls(std::shared_ptr<TlsContext> tls) {
    impl_->set_tls(std::move(tls));
}
void HttpServer::drain(std::chrono::milliseconds patience) {
    impl_->drain(patience);
}
void HttpServer::post(std::function<void()> task) {
    impl_->post(std::move(task));
}
void HttpServer::stop() {
    impl_->stop();
}
std::size_t HttpServer::connection_count() const {
    return impl_->connection_count();
}

}  // namespace lockstep
