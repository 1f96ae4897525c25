// One table for every failure: ErrorKind <-> code in the API <-> HTTP status <-> the CLI's exit
// code.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::api {

// The CLI's exit codes, a contract with scripts.
enum class ExitCode : int {
    Ok = 0,
    Failure = 1,
    Usage = 2,
    Partly = 3,
    NotRunning = 4,
    NotFound = 10,  // missing, or not a vault
    Locked = 11,    // locked or busy
    WrongPassphrase = 12,
    Format = 13,     // too new or too old
    Conflicts = 14,  // `status --exit-code`
    Timeout = 15,
    Alarm = 25,  // rollback or fork
    CheckFailed = 26,
    Cancelled = 130,
};

std::string_view error_code(ErrorKind kind);
int http_status(ErrorKind kind);
ExitCode exit_code(ErrorKind kind);

// The kind that a code of the API stands for; none for a code this build does not know.
std::optional<ErrorKind> error_kind(std::string_view code);

// The body of every failed answer: {"error": {...}}.
struct ErrorBody {
    std::string code;
    std::string message;
    std::string request_id;
    std::string resource;   // the path asked for
    std::string timestamp;  // RFC 3339, UTC
};

}  // namespace lockstep::api
