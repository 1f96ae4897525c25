// A DNS server of sixty lines on 127.0.0.1 that knows SRV records: what was set, else "no such
// name".
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/unique_fd.h"
#include "sync/srv_resolver.h"

namespace lockstep {

// "a.b" as DNS writes it.
inline std::string dns_name(const std::string& name) {
    std::string out;
    for (std::size_t begin = 0; begin < name.size();) {
        std::size_t end = std::min(name.find('.', begin), name.size());
        out += static_cast<char>(end - begin);
        out += name.substr(begin, end - begin);
        begin = end + 1;
    }
    return out + std::string(1, '\0');
}

inline std::string dns_number(std::uint64_t number, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(number >> (8 * i) & 0xff);
    return out;
}

// The answer to `query`, a message with one question; "no such name" without records.
inline std::string dns_answer(const std::string& query, const std::vector<SrvRecord>& records,
                              std::uint32_t lifetime_s) {
    std::string out = query.substr(0, 2) + (records.empty() ? "\x81\x83" : "\x81\x80") +
                      dns_number(1, 2) + dns_number(records.size(), 2) + dns_number(0, 4);
    std::size_t end = query.find('\0', 12) + 5;
    out += query.substr(12, end - 12);
    for (const SrvRecord& record : records) {
        std::string data = dns_number(record.priority, 2) + dns_number(record.weight, 2) +
                           dns_number(record.port, 2) + dns_name(record.host);
        // The name is that of the question; SRV, IN.
        out += "\xc0\x0c" + dns_number(33, 2) + dns_number(1, 2) + dns_number(lifetime_s, 4) +
               dns_number(data.size(), 2) + data;
    }
    return out;
}

class TinyDns {
  public:
    TinyDns() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        CHECK(::bind(socket_.get(), generic, size) == 0);
        CHECK(::getsockname(socket_.get(), generic, &size) == 0);
        port_ = ntohs(address.sin_port);
        CHECK(::pipe(stop_) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~TinyDns() {
        ::close(stop_[1]);
        thread_.join();
        ::close(stop_[0]);
    }
    TinyDns(const TinyDns&) = delete;
    TinyDns& operator=(const TinyDns&) = delete;

    PeerAddress address() const { return {"127.0.0.1", port_}; }
    void set(const std::string& name, std::vector<SrvRecord> records) {
        std::lock_guard lock(mutex_);
        records_[dns_name(name)] = std::move(records);
    }
    void fall_silent(bool is_silent) { is_silent_ = is_silent; }

  private:
    void serve() {
        for (;;) {
            pollfd waits[2] = {{socket_.get(), POLLIN, 0}, {stop_[0], POLLIN, 0}};
            ::poll(waits, 2, -1);
            if (waits[1].revents != 0) return;
            std::string query(512, '\0');
            sockaddr_in from{};
            socklen_t size = sizeof(from);
            auto* generic = reinterpret_cast<sockaddr*>(&from);
            ssize_t got = ::recvfrom(socket_.get(), query.data(), query.size(), 0, generic, &size);
            if (got < 17 || is_silent_) continue;
            query.resize(static_cast<std::size_t>(got));
            std::lock_guard lock(mutex_);
            std::string name = query.substr(12, query.find('\0', 12) - 11);
            std::string answer = dns_answer(query, records_[name], 60);
            [[maybe_unused]] auto sent =
                ::sendto(socket_.get(), answer.data(), answer.size(), 0, generic, size);
        }
    }

    UniqueFd socket_;
    int stop_[2] = {};
    std::uint16_t port_ = 0;
    std::atomic<bool> is_silent_{false};
    std::mutex mutex_;
    std::map<std::string, std::vector<SrvRecord>> records_;
    std::thread thread_;
};

}  // namespace lockstep
