// A device of a test: a LOCKSTEP_HOME in a temporary directory, its `lockstepd`, and `lockstep` run
// in it.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include "tests/support/temp_dir.h"

namespace lockstep {

struct Ran {
    int exit_code = -1;
    std::string output;  // standard output
    std::string errors;  // standard error

    nlohmann::json json() const { return nlohmann::json::parse(output, nullptr, false); }
};

class LockstepHome {
  public:
    LockstepHome();
    // Stops the daemon, by force when it does not stop, and takes away mounts left behind.
    ~LockstepHome();
    LockstepHome(const LockstepHome&) = delete;
    LockstepHome& operator=(const LockstepHome&) = delete;

    std::filesystem::path operator/(const std::string& name) const { return directory_ / name; }
    const std::filesystem::path& path() const { return directory_.path(); }
    std::filesystem::path socket() const { return *this / "runtime" / "control.sock"; }

    // Returns when the daemon answers; false when it ended instead.
    bool start(std::vector<std::string> arguments = {});
    // SIGTERM; the daemon's exit code, or -1 when it had to be killed.
    int stop();
    void kill();
    bool is_running() const { return daemon_ > 0; }
    pid_t daemon() const { return daemon_; }

    // `lockstep ARGUMENTS...`, with `input` on its standard input. Killed, with exit code -1, when
    // it takes longer than `patience`.
    Ran run(const std::vector<std::string>& arguments, const std::string& input = {},
            std::chrono::seconds patience = std::chrono::seconds(120)) const;
    // The same, expecting exit code 0.
    Ran must(const std::vector<std::string>& arguments, const std::string& input = {}) const;
    // Makes a vault with cheap key derivation and the passphrase "correct horse".
    Ran create(const std::string& name, const std::string& mount = {}) const;

    std::filesystem::path password_file() const { return *this / "passphrase"; }
    std::string log() const;

  private:
    TempDir directory_;
    pid_t daemon_ = 0;
};

// False, with the reason in the test's output, when this machine cannot mount.
bool can_mount();

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace lockstep
