// The configuration in force, and its file: changed by one caller at a time, saved before it
// counts.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/disk.h"
#include "base/mutex.h"
#include "daemon/api/config.h"

namespace lockstep {

// THREADS: any.
class ConfigStore {
  public:
    // Reads and validates the file; a missing one is an empty configuration.
    static Result<std::unique_ptr<ConfigStore>> load(Disk& disk, std::filesystem::path file);

    const std::filesystem::path& file() const { return file_; }
    api::Config get() const;

    // Lets `change` edit a copy, saves that durably, then makes it the one in force. When `change`
    // or the saving fails nothing has changed. Conflict when the file was edited by hand meanwhile:
    // the daemon does not overwrite what it has not read.
    Status update(const std::function<Status(api::Config&)>& change);

    // Takes over the file as it is now. Invalid, naming lines; Conflict when its vaults are others
    // than those in force, which change only through update(). Nothing is taken over then.
    Status reload();

  private:
    ConfigStore(Disk& disk, std::filesystem::path file) : disk_(disk), file_(std::move(file)) {}
    Result<std::string> read() const;

    Disk& disk_;
    const std::filesystem::path file_;
    mutable Mutex mutex_;
    api::Config config_ GUARDED_BY(mutex_);
    std::string text_ GUARDED_BY(mutex_);  // as last read or written
};

}  // namespace lockstep
