// What a server's connections need of it. Only files of base/http/ include this: it shows Asio.
#pragma once

#include <atomic>
#include <map>
#include <set>

#include "base/http/server.h"
#include "base/http/session.h"
#include "base/worker_pool.h"

namespace lockstep {

// Lives as long as the loop's thread runs. THREADS: the loop's, but for what is atomic.
struct ServerCore {
    HttpServerOptions options;
    HttpHandler handler;
    // How many connections come from where. Before `io`: connections that end with it count down.
    std::map<Bytes, std::size_t> per_address{};
    std::shared_ptr<boost::asio::io_context> io;
    std::unique_ptr<WorkerPool> pool;
    std::shared_ptr<TlsContext> tls{};
    std::set<std::shared_ptr<Session>> sessions{};
    std::atomic<std::size_t> session_count{0};
    // Bytes of bodies that are being received or handled.
    std::size_t body_bytes = 0;
    std::atomic<bool> is_draining{false};
    std::atomic<bool> is_stopping{false};

    void add(std::shared_ptr<Session> session) {
        sessions.insert(std::move(session));
        session_count = sessions.size();
    }
    void remove(const std::shared_ptr<Session>& session) {
        sessions.erase(session);
        session_count = sessions.size();
    }
};

// Takes the place of one connection of an address, while it lives.
class AddressSlot {
  public:
    // An empty slot counts nothing: a unix socket's.
    AddressSlot() = default;
    AddressSlot(AddressSlot&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)), group_(std::move(other.group_)) {}
    AddressSlot& operator=(AddressSlot&&) = delete;
    ~AddressSlot() { leave(); }

    void take(ServerCore& core, Bytes group) {
        CHECK(core_ == nullptr);
        core_ = &core;
        group_ = std::move(group);
        ++core.per_address[group_];
    }
    void leave() {
        if (core_ == nullptr) return;
        auto at = core_->per_address.find(group_);
        if (--at->second == 0) core_->per_address.erase(at);
        core_ = nullptr;
    }

  private:
    ServerCore* core_ = nullptr;
    Bytes group_;
};

// A connection that speaks HTTP; it may become a WebSocket. With `tls`, under TLS.
void start_http_connection(ServerCore& core, Socket socket, HttpPeer peer, AddressSlot slot,
                           const std::shared_ptr<TlsContext>& tls);

}  // namespace lockstep
