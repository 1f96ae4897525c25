// A connected socket with deadlines: what the HTTP client stands on.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/http/transport.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

// When a call gives up, and who may make it give up at once. THREADS: one; the stop may come from
// any.
class Patience {
  public:
    using Time = std::chrono::steady_clock::time_point;

    Patience(Time deadline, const std::stop_token& stop);

    void set_deadline(Time deadline) { deadline_ = deadline; }
    // Waits until `fd` has one of `events` (as in poll()). Timeout, Cancelled.
    Status wait(int fd, short events) const;
    // Waits a moment. Timeout, Cancelled.
    Status pause(std::chrono::milliseconds time) const;

  private:
    struct Ring {
        int fd;
        void operator()() const noexcept;
    };
    Status poll_until(int fd, short events, Time until, bool may_run_out) const;

    Time deadline_;
    UniqueFd stop_fd_;
    std::stop_callback<Ring> on_stop_;
};

// Errors as HttpClient's. The socket does not block: read and write wait in `patience`.
Result<UniqueFd> connect_unix(const std::filesystem::path& path, const Patience& patience);
Result<UniqueFd> connect_tcp(const std::string& host, std::uint16_t port, const Patience& patience);

// `fd` is the descriptor under `transport`.
Status shake_hands(Transport& transport, int fd, const Patience& patience);
Status send_all(Transport& transport, int fd, std::string_view data, const Patience& patience);
// 0: the peer has closed.
Result<std::size_t> receive_some(Transport& transport, int fd, MutableByteView out,
                                 const Patience& patience);
// Whether an idle connection can take another request: open, and without unasked-for input.
bool is_still_usable(const Transport& transport, int fd);

}  // namespace lockstep
