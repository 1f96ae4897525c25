#include "sync/control/peer_session.h"

namespace lockstep {

namespace {
// Credit goes back in lumps: the peer never stands still for it, since the window is much larger.
constexpr std::size_t kCreditLump = 512 * kKiB;
}  // namespace

void PeerSession::send(const std::vector<Message>& messages) {
    std::vector<Bytes> free_frames;
    for (const Message& message : messages) {
        Bytes bytes = encode_message(message);
        CHECK(bytes.size() + kSealOverhead <= kFrameSizeMax);
        if (is_free_of_credit(message)) {
            free_frames.push_back(cipher_.seal(bytes));
            bytes_sent_ += bytes.size();
        } else {
            waiting_bytes_ += bytes.size();
            waiting_.push_back(std::move(bytes));
        }
    }
    if (!free_frames.empty()) net_.send(link_, std::move(free_frames));
    flush();
}

void PeerSession::flush() {
    std::vector<Bytes> frames;
    while (!waiting_.empty() && waiting_.front().size() <= window_) {
        const Bytes& bytes = waiting_.front();
        frames.push_back(cipher_.seal(bytes));
        window_ -= bytes.size();
        waiting_bytes_ -= bytes.size();
        bytes_sent_ += bytes.size();
        waiting_.pop_front();
    }
    if (!frames.empty()) net_.send(link_, std::move(frames));
}

Result<std::optional<PeerSession::Received>> PeerSession::receive(ByteView frame) {
    TRY(Bytes bytes, cipher_.open(frame));
    TRY(Message message, decode_message(bytes));
    last_heard_ = std::chrono::steady_clock::now();
    bytes_received_ += bytes.size();
    if (const auto* credit = std::get_if<CreditMessage>(&message)) {
        if (credit->bytes > kSendWindow - window_)
            return Error{ErrorKind::Corrupt, "more credit than was used"};
        window_ += credit->bytes;
        flush();
        return std::optional<Received>();
    }
    if (std::holds_alternative<PingMessage>(message)) {
        send(PongMessage{});
        return std::optional<Received>();
    }
    if (std::holds_alternative<PongMessage>(message)) return std::optional<Received>();
    in_hand_ += bytes.size();
    if (in_hand_ > kSendWindow) return Error{ErrorKind::Corrupt, "sent beyond the window"};
    return std::optional(Received{std::move(message), bytes.size()});
}

void PeerSession::taken(std::size_t charge) {
    owed_ += charge;
    if (owed_ < kCreditLump) return;
    CHECK(owed_ <= in_hand_);
    in_hand_ -= owed_;
    send(CreditMessage{static_cast<std::uint32_t>(std::exchange(owed_, 0))});
}

Status PeerSession::tick(Time now) {
    if (now - last_heard_ > kSilenceMax) return Error{ErrorKind::Timeout, "silent for too long"};
    if (now - last_heard_ > kPingInterval && now - last_ping_ > kPingInterval) {
        last_ping_ = now;
        send(PingMessage{});
    }
    return {};
}

}  // namespace lockstep
