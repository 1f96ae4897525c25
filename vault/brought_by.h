// BroughtBy: who brings what is being added to a replica on this thread.
#pragma once

#include <optional>
#include <utility>

#include "vault/types.h"

namespace lockstep {

// Set by who adds an object that came from another device, around the call.
class BroughtBy {
  public:
    explicit BroughtBy(const std::optional<DeviceId>& device)
        : before_(std::exchange(current_, device)) {}
    ~BroughtBy() { current_ = before_; }
    BroughtBy(const BroughtBy&) = delete;
    BroughtBy& operator=(const BroughtBy&) = delete;

    // nullopt: nobody, or nobody knows who.
    static std::optional<DeviceId> now() { return current_; }

  private:
    static inline thread_local std::optional<DeviceId> current_;
    std::optional<DeviceId> before_;
};

}  // namespace lockstep
