#include "sync/socket_pipes.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/worker_pool.h"

namespace lockstep {

namespace {

constexpr std::size_t kPieceMax = 64 << 10;

// What one socket has said and the other has not taken yet.
class Direction {
  public:
    bool is_empty() const { return begin_ == end_; }

    // False: the socket is at its end.
    bool read_from(int fd) {
        if (!is_empty()) return true;
        const ssize_t got = ::recv(fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        begin_ = 0;
        end_ = static_cast<std::size_t>(got);
        return got > 0;
    }
    bool write_to(int fd) {
        if (is_empty()) return true;
        const ssize_t sent =
            ::send(fd, bytes_.data() + begin_, end_ - begin_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        begin_ += static_cast<std::size_t>(sent);
        return true;
    }

  private:
    std::vector<std::byte> bytes_ = std::vector<std::byte>(kPieceMax);
    std::size_t begin_ = 0, end_ = 0;
};

bool is_hung_up(const pollfd& fd) {
    return fd.events == 0 && fd.revents != 0;
}

}  // namespace

class SocketPipes::Pipe {
  public:
    Pipe(UniqueFd one, UniqueFd other, std::function<void()> ended)
        : one_(std::move(one)), other_(std::move(other)), ended_(std::move(ended)) {}
    Pipe(Pipe&&) = delete;
    ~Pipe() {
        one_.reset();
        other_.reset();
        if (ended_) ended_();
    }

    std::array<pollfd, 2> waits_for() const {
        const auto events = [](const Direction& from, const Direction& to) {
            return static_cast<short>((from.is_empty() ? POLLIN : 0) |
                                      (to.is_empty() ? 0 : POLLOUT));
        };
        return {pollfd{one_.get(), events(out_, back_), 0},
                pollfd{other_.get(), events(back_, out_), 0}};
    }
    // False: it is over.
    bool go_on() {
        return out_.read_from(one_.get()) && out_.write_to(other_.get()) &&
               back_.read_from(other_.get()) && back_.write_to(one_.get());
    }

  private:
    UniqueFd one_, other_;
    std::function<void()> ended_;
    Direction out_, back_;
};

SocketPipes::SocketPipes(const char* name) : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    thread_ = std::thread([this, name] {
        name_thread(name);
        run();
    });
}

SocketPipes::~SocketPipes() {
    {
        MutexLock lock(mutex_);
        is_stopping_ = true;
    }
    wake();
    thread_.join();
}

void SocketPipes::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void SocketPipes::add(UniqueFd one, UniqueFd other, std::function<void()> ended) {
    {
        MutexLock lock(mutex_);
        fresh_.emplace_back(std::move(one), std::move(other), std::move(ended));
    }
    wake();
}

void SocketPipes::close_all() {
    {
        MutexLock lock(mutex_);
        is_clearing_ = true;
    }
    wake();
}

void SocketPipes::run() {
    while (true) {
        std::list<Pipe> gone;
        bool is_stopping = false;
        {
            MutexLock lock(mutex_);
            pipes_.splice(pipes_.end(), fresh_);
            is_stopping = is_stopping_;
            if (is_stopping_ || std::exchange(is_clearing_, false)) gone.swap(pipes_);
        }
        gone.clear();
        if (is_stopping) return;
        std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
        for (const Pipe& pipe : pipes_)
            for (const pollfd& fd : pipe.waits_for()) fds.push_back(fd);
        if (::poll(fds.data(), fds.size(), -1) < 0) continue;
        if (fds[0].revents != 0) {
            std::uint64_t rings = 0;
            [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &rings, sizeof(rings));
        }
        std::size_t at = 1;
        for (auto pipe = pipes_.begin(); pipe != pipes_.end(); at += 2) {
            const bool has_news = fds[at].revents != 0 || fds[at + 1].revents != 0;
            // An end that has hung up while the other takes nothing would be told for ever.
            const bool is_dead = is_hung_up(fds[at]) || is_hung_up(fds[at + 1]);
            const auto next = std::next(pipe);
            if (is_dead || (has_news && !pipe->go_on())) pipes_.erase(pipe);
            pipe = next;
        }
    }
}

}  // namespace lockstep
