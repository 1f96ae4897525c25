// A passphrase that a command prints, for the daemon at its start and for `lockstep`.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "daemon/api/secret_text.h"

namespace lockstep::api {

inline constexpr std::size_t kPassphraseSizeMax = 4096;

// One line end at the end is not part of it. Invalid when nothing is left, or what is no UTF-8 or
// has a NUL.
Result<SecretText> checked_passphrase(std::string text);

// All that `fd` gives, to its end. TooLarge above kPassphraseSizeMax; Timeout at `deadline`; Io.
Result<std::string> read_passphrase_text(
    int fd, std::optional<std::chrono::steady_clock::time_point> deadline = {});

struct CommandManner {
    // It shares our terminal and standard input, and a signal typed there ends it, too; else it has
    // no input, and a process group of its own.
    bool may_ask = false;
    // Then it is killed, with its group; nullopt: it may take any time.
    std::optional<std::chrono::milliseconds> patience{};
};

// What `command`, run by /bin/sh with our environment and no signals blocked or ignored, prints.
// Invalid when it fails or prints what is no passphrase; TooLarge; Timeout; Io.
Result<SecretText> passphrase_of_command(const std::string& command, const CommandManner& manner);

}  // namespace lockstep::api
