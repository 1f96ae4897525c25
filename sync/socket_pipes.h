// SocketPipes: a thread that passes bytes between pairs of connected sockets.
#pragma once

#include <functional>
#include <list>
#include <thread>

#include "base/mutex.h"
#include "base/unique_fd.h"

namespace lockstep {

// THREADS: any. The destructor ends all pipes; their `ended` has been called when it returns.
class SocketPipes {
  public:
    // The thread is called `name`, of 15 characters at most.
    explicit SocketPipes(const char* name);
    ~SocketPipes();
    SocketPipes(const SocketPipes&) = delete;
    SocketPipes& operator=(const SocketPipes&) = delete;

    // Passes bytes both ways until either end closes or fails: then both are closed, and `ended` is
    // called on the thread. The sockets do not block.
    void add(UniqueFd one, UniqueFd other, std::function<void()> ended);
    // Ends all that are there.
    void close_all();

  private:
    class Pipe;

    void run();
    void wake();

    UniqueFd wake_;
    Mutex mutex_;
    std::list<Pipe> fresh_ GUARDED_BY(mutex_);
    bool is_stopping_ GUARDED_BY(mutex_) = false;
    bool is_clearing_ GUARDED_BY(mutex_) = false;
    std::list<Pipe> pipes_;  // the thread's
    std::thread thread_;
};

}  // namespace lockstep
