// The brake: a stop before a mass of deletes spreads.
//
// One for each direction of a mirror. Deletes are announced before they are done; when those of the
// last ten minutes would become too many, they and all further ones are held until somebody
// releases them. What is held and turns out to be there again is simply not announced any more.
//
// THREADS: none of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace lockstep {

inline constexpr auto kBrakeWindow = std::chrono::minutes(10);
inline constexpr std::uint64_t kBrakeFilesMax = 1000;
inline constexpr std::uint64_t kBrakePercentMax = 20;
inline constexpr std::uint64_t kBrakeFilesMin = 20;  // of few files a fifth is nothing

class Brake {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // `files`: how many there are, before the deletes. Whether `deletes` more may go on; when so,
    // they count from now on.
    bool may_delete(std::uint64_t deletes, std::uint64_t files, Time now);
    // What is announced next goes through, however much.
    void release() { is_released_ = true; }
    bool is_holding() const { return is_holding_; }
    // Nothing is to be deleted any more.
    void nothing_held() { is_holding_ = is_released_ = false; }

  private:
    struct Done {
        Time at;
        std::uint64_t files;
    };
    std::deque<Done> done_;
    bool is_holding_ = false;
    bool is_released_ = false;
};

}  // namespace lockstep
