// A BitTorrent tracker of thirty lines on 127.0.0.1: everybody who announces learns everybody else.
#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/unique_fd.h"

namespace lockstep {

class TinyTracker {
  public:
    TinyTracker() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        CHECK(::bind(listener_.get(), generic, size) == 0 && ::listen(listener_.get(), 64) == 0);
        CHECK(::getsockname(listener_.get(), generic, &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~TinyTracker() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    std::uint16_t port() const { return port_; }
    int announces() const { return announces_; }

  private:
    static std::string query(const std::string& request, const std::string& name) {
        auto at = request.find(name + "=");
        if (at == std::string::npos) return {};
        at += name.size() + 1;
        return request.substr(at, request.find_first_of("& ", at) - at);
    }

    void serve() {
        for (;;) {
            UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
            if (!client.ok()) return;
            char buffer[4096];
            auto got = ::recv(client.get(), buffer, sizeof(buffer), 0);
            std::string request(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
            auto port = static_cast<std::uint16_t>(std::atoi(query(request, "port").c_str()));
            auto& swarm = swarms_[query(request, "info_hash")];
            if (query(request, "event") == "stopped")
                swarm.erase(port);
            else
                swarm.insert(port);
            ++announces_;
            std::string peers;
            for (std::uint16_t other : swarm)
                if (other != port)
                    peers += std::string("\x7f\0\0\1", 4) + char(other >> 8) + char(other & 0xff);
            std::string body = "d8:intervali2e12:min intervali1e5:peers" +
                               std::to_string(peers.size()) + ":" + peers + "e";
            std::string answer =
                "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\nConnection: close\r\n\r\n" + body;
            [[maybe_unused]] auto sent =
                ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        }
    }

    UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::map<std::string, std::set<std::uint16_t>> swarms_;
    std::atomic<int> announces_{0};
    std::thread thread_;
};

}  // namespace lockstep
