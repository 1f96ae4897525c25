// The command line as a value: which verb, with which arguments.
#pragma once

#include <variant>

#include "daemon/cli/session.h"

namespace lockstep::cli {

inline constexpr const char* kVersionText = "lockstep 0.1.0";

struct Command {
    Verb verb = nullptr;
    Arguments arguments;
};

// The command, or the exit code when all is said already: help, version, a mistake in the usage.
std::variant<Command, ExitCode> parse_command_line(int count, char** values);

}  // namespace lockstep::cli
