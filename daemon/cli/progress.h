// A line on the terminal that says what takes so long. Nothing is shown in the first second, nor
// when standard error is no terminal.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include "base/mutex.h"

namespace lockstep::cli {

// "[#####...............]  25 %": twenty places. REQUIRES: done <= total, total > 0
std::string bar_text(std::uint64_t done, std::uint64_t total);

// THREADS: any; draws from a thread of its own.
class Progress {
  public:
    explicit Progress(std::string doing);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // Whether anybody sees it.
    bool is_shown() const { return thread_.joinable(); }
    void set(std::string doing);
    // "copying: 12.0 MiB of 80.0 MiB"
    void set_bytes(std::uint64_t done, std::uint64_t total);

  private:
    void run();

    const std::string verb_;
    Mutex mutex_;
    CondVar stopped_;
    std::string doing_ GUARDED_BY(mutex_);
    bool is_stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace lockstep::cli
