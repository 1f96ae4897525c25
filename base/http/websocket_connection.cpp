#include "base/http/websocket_connection.h"

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace lockstep {
namespace {

constexpr std::size_t kScratchSize = 256 << 10;
constexpr std::size_t kMaskedAtOnce = 16 << 10;
constexpr std::chrono::milliseconds kGoodbyeTime{2000};

SteadyTime now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

MutableByteView read_scratch() {
    static thread_local std::vector<std::byte> scratch(kScratchSize);
    return scratch;
}

WebSocketConnection::WebSocketConnection(boost::asio::io_context& io, Socket socket,
                                         Transport transport, bool is_server,
                                         WebSocketOptions options)
    : io_(io),
      socket_(std::move(socket)),
      transport_(std::move(transport)),
      is_server_(is_server),
      options_(std::move(options)),
      reader_(is_server),
      is_paused_(options_.is_paused),
      last_received_(now()),
      last_progress_(now()) {}

void WebSocketConnection::start(std::shared_ptr<WebSocketEvents> events, Bytes already_read,
                                std::function<void()> gone) {
    events_ = std::move(events);
    gone_ = std::move(gone);
    already_read_ = std::move(already_read);
    read_soon();
}

void WebSocketConnection::send(WebSocketOpcode kind, ByteView payload) {
    if (state_ != State::Open) return;
    send_frame(kind, payload);
    if (unsent_bytes_ > options_.unsent_bytes_max) close();
}

void WebSocketConnection::send_frame(WebSocketOpcode opcode, ByteView payload) {
    std::optional<WebSocketMask> mask;
    if (!is_server_) {
        mask.emplace();
        system_random().fill(*mask);
    }
    WebSocketHead head = websocket_head(opcode, true, payload.size(), mask);
    std::size_t sent = 0;
    // What a server sends stays as it is: most of it goes out without being copied.
    if (is_server_ && unsent_.empty() && !is_writing_) {
        IoStep step = transport_.write(head.view(), payload);
        if (!step.is_done() && !step.must_wait()) return close();
        sent = step.size;
        if (sent > 0) last_progress_ = now();
        if (sent == head.size + payload.size()) return;
    }
    Bytes rest;
    rest.reserve(head.size + payload.size() - sent);
    if (sent < head.size) append(rest, head.view().subspan(sent));
    std::size_t at = sent > head.size ? sent - head.size : 0;
    // In pieces that are still in the cache when they are masked.
    while (at < payload.size()) {
        ByteView piece = payload.subspan(at, std::min(payload.size() - at, kMaskedAtOnce));
        append(rest, piece);
        if (mask) apply_mask(MutableByteView(rest).last(piece.size()), *mask, at);
        at += piece.size();
    }
    enqueue(std::move(rest));
}

void WebSocketConnection::enqueue(Bytes bytes) {
    if (unsent_.empty()) last_progress_ = now();
    unsent_bytes_ += bytes.size();
    unsent_.push_back({std::move(bytes)});
    write();
}

void WebSocketConnection::write() {
    while (!is_writing_ && !unsent_.empty() && state_ != State::Closed) {
        const Unsent& first = unsent_.front();
        ByteView next = unsent_.size() > 1 ? ByteView(unsent_[1].bytes) : ByteView();
        IoStep step = transport_.write(ByteView(first.bytes).subspan(first.written), next);
        if (step.must_wait()) return wait_to_write(step.kind);
        if (!step.is_done()) return close();
        on_written(step.size);
    }
}

void WebSocketConnection::on_written(std::size_t size) {
    last_progress_ = now();
    unsent_bytes_ -= size;
    while (size > 0) {
        Unsent& first = unsent_.front();
        std::size_t here = std::min(size, first.bytes.size() - first.written);
        first.written += here;
        size -= here;
        if (first.written == first.bytes.size()) unsent_.pop_front();
    }
}

void WebSocketConnection::wait_to_write(IoStep::Kind kind) {
    is_writing_ = true;
    wait_for(socket_, kind, [self = shared_from_this()] {
        self->is_writing_ = false;
        if (self->state_ == State::Closed) return;
        self->write();
        if (self->state_ == State::Open && self->unsent_.empty()) self->events_->on_drained();
        self->finish_if_done();
    });
}

void WebSocketConnection::resume() {
    is_paused_ = false;
    read_soon();
}

void WebSocketConnection::read_soon() {
    if (is_reading_ || is_paused_ || state_ == State::Closed) return;
    is_reading_ = true;
    boost::asio::post(io_, [self = shared_from_this()] { self->read(); });
}

// One piece at a time, then the others' turn.
void WebSocketConnection::read() {
    is_reading_ = false;
    if (state_ == State::Closed || is_paused_) return;
    if (!already_read_.empty()) {
        Bytes first = std::exchange(already_read_, {});
        feed(first);
        return read_soon();
    }
    MutableByteView scratch = read_scratch();
    IoStep step = transport_.read(scratch);
    if (step.must_wait()) {
        is_reading_ = true;
        wait_for(socket_, step.kind, [self = shared_from_this()] { self->read(); });
        return;
    }
    if (!step.is_done()) return close();
    feed(scratch.first(step.size));
    read_soon();
}

void WebSocketConnection::feed(MutableByteView input) {
    last_received_ = now();
    is_pinged_ = false;
    while (!input.empty() && state_ != State::Closed && !got_close_) {
        WebSocketReader::Piece piece = reader_.read(input);
        input = input.subspan(piece.used);
        switch (piece.kind) {
            case WebSocketReader::Piece::Kind::None:
                break;
            case WebSocketReader::Piece::Kind::Data:
                // After our goodbye nothing is listened to any more but the other's.
                if (state_ == State::Open)
                    events_->on_data(piece.payload, piece.opcode == WebSocketOpcode::Text,
                                     piece.ends_message);
                break;
            case WebSocketReader::Piece::Kind::Control:
                on_control(piece);
                break;
            case WebSocketReader::Piece::Kind::Failed:
                got_close_ = true;
                close(websocket_close::kProtocolError);
                break;
        }
    }
    finish_if_done();
}

void WebSocketConnection::on_control(const WebSocketReader::Piece& piece) {
    if (piece.opcode == WebSocketOpcode::Ping && state_ == State::Open) {
        send_frame(WebSocketOpcode::Pong, piece.payload);
        // Whoever pings without reading the answers fills the queue like any sender.
        if (unsent_bytes_ > options_.unsent_bytes_max) close();
    }
    if (piece.opcode != WebSocketOpcode::Close) return;
    got_close_ = true;
    bool is_good = websocket_close_code(piece.payload).has_value();
    close(is_good ? websocket_close::kNormal : websocket_close::kProtocolError);
}

void WebSocketConnection::close(std::uint16_t code) {
    if (state_ != State::Open) return;
    std::array<std::byte, 2> payload{static_cast<std::byte>(code >> 8),
                                     static_cast<std::byte>(code)};
    send_frame(WebSocketOpcode::Close, payload);
    if (state_ == State::Closed) return;
    state_ = State::Closing;
    deadline_ = now() + kGoodbyeTime;
    resume();  // to see the other's goodbye
    finish_if_done();
}

void WebSocketConnection::finish_if_done() {
    if (state_ != State::Closing || !unsent_.empty()) return;
    if (!std::exchange(is_shut_down_, true)) transport_.shut_down();
    if (got_close_ && !is_server_) close();
}

void WebSocketConnection::tick(SteadyTime at) {
    if (state_ == State::Closed) return;
    using std::chrono::milliseconds;
    bool is_silent = options_.silence_max > milliseconds(0) && !is_paused_ &&
                     at - last_received_ >= options_.silence_max;
    bool is_stalled = !unsent_.empty() && at - last_progress_ >= options_.stall_max;
    if (at >= deadline_ || is_silent || is_stalled) return close();
    bool pings = options_.ping_interval > milliseconds(0) && state_ == State::Open && !is_pinged_ &&
                 at - last_received_ >= options_.ping_interval;
    if (!pings) return;
    is_pinged_ = true;
    send_frame(WebSocketOpcode::Ping, {});
}

void WebSocketConnection::close() {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    auto self = shared_from_this();
    boost::system::error_code ignored;
    socket_.close(ignored);
    unsent_.clear();
    unsent_bytes_ = 0;
    // From the loop, so that no caller finds itself inside its own end.
    boost::asio::post(io_, [self] {
        if (self->events_ != nullptr) std::exchange(self->events_, nullptr)->on_closed();
        if (self->gone_) std::exchange(self->gone_, nullptr)();
    });
}

}  // namespace lockstep
