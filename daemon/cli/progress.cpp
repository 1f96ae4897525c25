#include "daemon/cli/progress.h"

#include <chrono>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace {

constexpr std::chrono::milliseconds kQuiet{1'000};
constexpr std::chrono::milliseconds kRedraw{200};

}  // namespace

std::string bar_text(std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kPlaces = 20;
    const double part = static_cast<double>(done) / static_cast<double>(total);
    const auto filled = static_cast<std::size_t>(part * kPlaces);
    // Not 100 % before it is all there.
    return fmt::format("[{}{}] {:3} %", std::string(filled, '#'),
                       std::string(kPlaces - filled, '.'), static_cast<int>(part * 100));
}

Progress::Progress(std::string doing) : verb_(doing), doing_(std::move(doing)) {
    if (::isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { run(); });
}

Progress::~Progress() {
    {
        MutexLock lock(mutex_);
        is_stopping_ = true;
        stopped_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Progress::set(std::string doing) {
    MutexLock lock(mutex_);
    doing_ = std::move(doing);
}

void Progress::set_bytes(std::uint64_t done, std::uint64_t total) {
    set(total == 0 ? fmt::format("{}: {}", verb_, size_text(done))
                   : fmt::format("{}: {} of {}", verb_, size_text(done), size_text(total)));
}

void Progress::run() {
    const auto begin = std::chrono::steady_clock::now();
    auto next = begin + kQuiet;
    bool is_drawn = false;
    while (true) {
        std::string doing;
        {
            MutexLock lock(mutex_);
            while (!is_stopping_ && stopped_.wait_until(mutex_, next)) {
            }
            if (is_stopping_) break;
            doing = doing_;
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
            std::chrono::steady_clock::now() - begin);
        fmt::print(stderr, "\r\033[K{} … {} s", doing, seconds.count());
        std::fflush(stderr);
        is_drawn = true;
        next = std::chrono::steady_clock::now() + kRedraw;
    }
    if (is_drawn) {
        fmt::print(stderr, "\r\033[K");
        std::fflush(stderr);
    }
}

}  // namespace lockstep::cli
