// Where a passphrase comes from: never from an argument, as every user of the machine sees those.
#pragma once

#include <string>

#include "base/result.h"
#include "daemon/api/secret_text.h"

namespace lockstep::cli {

struct PassphraseSource {
    std::string file;       // --passphrase-file
    std::string command;    // --passphrase-command, run by /bin/sh
    bool is_stdin = false;  // --passphrase-stdin

    bool is_given() const { return is_stdin || !file.empty() || !command.empty(); }
};

// True when a person can be asked: standard input and standard error are terminals.
bool can_ask();

// From the given source; else asks on the terminal without echo, twice when it is a new one. One
// line end at the end is not part of it. Locked when there is no source and nobody to ask.
Result<api::SecretText> read_passphrase(const PassphraseSource& source, const std::string& prompt,
                                        bool is_new);

// Asks a question with the answer yes or no; false when there is nobody to ask.
bool ask_yes(const std::string& question);

// The first line of standard input or all of it, for `join -`.
Result<api::SecretText> read_secret_line();

}  // namespace lockstep::cli
