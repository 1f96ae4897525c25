// PeerSession: one authenticated link: messages in and out, sealed, within the send window.
//
// Messages that find the window full wait here. Credit, ping and pong are its own affair. It knows
// nothing of what the messages mean. THREADS: ls-sync.
#pragma once

#include <deque>
#include <optional>

#include "sync/control/member_handshake.h"
#include "sync/control/messages.h"
#include "sync/torrent_session.h"

namespace lockstep {

class PeerSession {
  public:
    using Time = std::chrono::steady_clock::time_point;

    PeerSession(TorrentSession& net, LinkNumber link, const SessionCipher& cipher)
        : net_(net), link_(link), cipher_(cipher) {}
    PeerSession(const PeerSession&) = delete;
    PeerSession& operator=(const PeerSession&) = delete;

    void send(const Message& message) { send(std::vector<Message>{message}); }
    // All frames that fit the window go to the network in one piece.
    void send(const std::vector<Message>& messages);
    // Bytes that wait for the window to open. Senders of bulk stop above some megabytes.
    std::size_t waiting_bytes() const { return waiting_bytes_; }

    struct Received {
        Message message;
        std::size_t charge = 0;  // to be given to taken() when the message has been dealt with
    };
    // Nothing when the message was the session's own. Corrupt ends the link.
    Result<std::optional<Received>> receive(ByteView frame);
    void taken(std::size_t charge);

    // Pings when quiet; Timeout when nothing has been heard for too long.
    Status tick(Time now);

    Time last_heard() const { return last_heard_; }
    std::uint64_t bytes_received() const { return bytes_received_; }
    std::uint64_t bytes_sent() const { return bytes_sent_; }

  private:
    void flush();

    TorrentSession& net_;
    LinkNumber link_;
    SessionCipher cipher_;
    std::deque<Bytes> waiting_;  // encoded messages
    std::size_t waiting_bytes_ = 0;
    std::size_t window_ = kSendWindow;  // what we may still send
    std::size_t owed_ = 0;              // dealt with, credit not yet returned
    std::size_t in_hand_ = 0;           // received, credit not yet returned
    Time last_heard_ = std::chrono::steady_clock::now();
    Time last_ping_ = last_heard_;
    std::uint64_t bytes_received_ = 0, bytes_sent_ = 0;
};

}  // namespace lockstep
