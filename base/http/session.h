// What connections share, whatever they speak: a socket on the loop, deadlines, an end.
//
// Only files of base/http/ include this: it shows Asio.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/http/transport.h"

namespace lockstep {

using Socket = boost::asio::generic::stream_protocol::socket;
using SteadyTime = std::chrono::steady_clock::time_point;

// One connection. THREADS: the loop's.
class Session {
  public:
    virtual ~Session() = default;
    // Looks at the deadlines; called a few times a second at least.
    virtual void tick(SteadyTime at) = 0;
    // Ends as soon as what is under way is done.
    virtual void drain() = 0;
    virtual void close() = 0;
};

// Waits until `socket` can be read (or written, as `step` wants), then calls `then()`; not when the
// wait was given up.
template <typename F>
void wait_for(Socket& socket, IoStep::Kind step, F then) {
    auto what = step == IoStep::Kind::WantsWrite ? Socket::wait_write : Socket::wait_read;
    socket.async_wait(what, [then = std::move(then)](const boost::system::error_code& error) {
        if (error != boost::asio::error::operation_aborted) then();
    });
}

// Where this thread reads into before it looks at what came: one for all its connections, so that
// idle ones hold nothing.
MutableByteView read_scratch();

}  // namespace lockstep
