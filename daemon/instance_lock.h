// One daemon for each home: a flock on a file of the state directory, gone with the process.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/unique_fd.h"

namespace lockstep {

class InstanceLock {
  public:
    // Busy, naming the process, when another daemon holds it.
    static Result<InstanceLock> take(const std::filesystem::path& file);

  private:
    explicit InstanceLock(UniqueFd file) : file_(std::move(file)) {}
    UniqueFd file_;
};

}  // namespace lockstep
