// Whether a file is read in order, and then what of it is wanted next and what is behind.
//
// THREADS: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/mutex.h"

namespace lockstep {

class ReadStream {
  public:
    struct Advice {
        // What follows from here on is to be fetched; tell fetching() what has been asked for.
        std::optional<std::uint64_t> fetch_from;
        // This range lies behind all requests under way; empty: nothing new.
        std::uint64_t done_from = 0, done_to = 0;
    };

    // A request was answered. Several of one reader may overtake each other by kReadSlack.
    Advice note(std::uint64_t offset, std::size_t size, std::uint64_t file_size)
        EXCLUDES_LOCK(mutex_);
    void fetching(std::uint64_t upto) EXCLUDES_LOCK(mutex_);

  private:
    Mutex mutex_;
    std::uint64_t next_ GUARDED_BY(mutex_) = 0;     // where it goes on
    std::uint64_t fetched_ GUARDED_BY(mutex_) = 0;  // up to where it was fetched
    std::uint64_t done_to_ GUARDED_BY(mutex_) = 0;  // up to where it is behind
};

}  // namespace lockstep
