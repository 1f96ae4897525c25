// The tunnel desk: members of a swarm say that they are here, and two that cannot reach each other
// are joined by the relay. It never dials anybody: all connections are the members' own.
//
// A control connection makes a member present. A tunnel is a pair of data connections whose bytes
// go from one to the other; what they carry, the relay cannot read.
#pragma once

#include <array>
#include <map>
#include <memory>

#include "base/http/server.h"
#include "relay/admission.h"
#include "relay/protocol/tunnel.h"
#include "relay/relay_config.h"

namespace lockstep {

struct TunnelCounts {
    std::uint64_t opened = 0;
    std::uint64_t refused = 0;
    std::uint64_t bytes = 0;

    bool operator==(const TunnelCounts&) const = default;
};

// THREADS: the loop's.
class TunnelDesk {
  public:
    TunnelDesk(Clock& clock, Random& random, const Admission& admission, TunnelOptions options);
    ~TunnelDesk();
    TunnelDesk(const TunnelDesk&) = delete;
    TunnelDesk& operator=(const TunnelDesk&) = delete;

    // Both answer the request: with a WebSocket or with why not.
    void accept_control(const HttpRequest& request, const HttpResponder& responder,
                        const TicketClaims& claims);
    void accept_data(const HttpRequest& request, const HttpResponder& responder);

    // Ends what waits or idles for too long; call it a few times a second.
    void tick();
    void set_options(const TunnelOptions& options) { options_ = options; }

    const TunnelCounts& counts() const { return counts_; }
    std::size_t member_count() const { return member_count_; }
    std::size_t tunnel_count() const { return tunnels_.size(); }

  private:
    using Time = std::chrono::steady_clock::time_point;
    using TunnelNumber = std::uint64_t;
    class ControlEnd;
    class DataEnd;

    struct Member {
        std::shared_ptr<WebSocket> socket;
        std::uint64_t connection = 0;
        std::uint16_t account = 0;
        Bytes address;
    };
    struct Swarm {
        std::map<MemberName, Member> members{};
        std::size_t tunnels = 0;
    };
    struct Tunnel {
        SwarmName swarm{};
        std::uint16_t account = 0;
        Time since{};
        Time last_moved{};
        bool is_joined = false;
        std::array<TunnelToken, 2> tokens{};
        std::array<bool, 2> taken{};
        std::array<std::shared_ptr<WebSocket>, 2> ends{};
    };
    struct Day {
        std::int64_t number = 0;
        std::uint64_t bytes = 0;
    };

    void enter(const TicketClaims& claims, Member member);
    void leave(const TicketClaims& claims, std::uint64_t connection);
    void on_message(const TicketClaims& claims, std::string_view bytes);
    void dial(const TicketClaims& claims, const MemberName& whom);
    // Why there can be no tunnel; empty when there can.
    std::string_view reason_against(const TicketClaims& claims, const MemberName& whom);
    static void say(const Member& member, const ControlMessage& message);

    void on_end_opened(TunnelNumber number, std::size_t side, std::shared_ptr<WebSocket> socket);
    void on_end_data(TunnelNumber number, std::size_t side, ByteView piece);
    void on_end_drained(TunnelNumber number, std::size_t side);
    void end(TunnelNumber number, std::uint16_t code);
    // Takes bytes off what an account may move today; false when it has moved them all.
    bool charge(std::uint16_t account, std::uint64_t bytes);

    Clock& clock_;
    Random& random_;
    const Admission& admission_;
    TunnelOptions options_;
    TunnelCounts counts_;
    std::map<SwarmName, Swarm> swarms_;
    std::map<Bytes, std::size_t> per_address_;
    std::size_t member_count_ = 0;
    std::uint64_t last_connection_ = 0;
    std::map<TunnelNumber, Tunnel> tunnels_;
    std::map<TunnelToken, std::pair<TunnelNumber, std::size_t>> tokens_;
    TunnelNumber last_tunnel_ = 0;
    std::map<std::uint16_t, Day> days_;
    // Ends that outlive the desk find it gone.
    std::shared_ptr<TunnelDesk*> self_;
};

}  // namespace lockstep
