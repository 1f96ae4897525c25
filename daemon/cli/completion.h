// What may stand where the user is typing. The shells' scripts (`lockstep completion SHELL`) ask
// `lockstep complete WORD...`, the last word being the one under the cursor, and get lines:
//
//     how                     words: as they are; open: more may follow at once (no space);
//     WORD <TAB> DESCRIPTION  files, directories: the shell knows its own; then no words follow
//
// so that the grammar of --help is the only one there is.
#pragma once

#include <string>
#include <vector>

#include "daemon/cli/session.h"

namespace lockstep::cli {

struct Candidate {
    std::string word;
    std::string description;
};

struct Completion {
    // What is named here, as the help has it: V, V:PATH, DIR, ...; empty: `candidates` are all.
    std::string kind;
    // The word under the cursor, behind `prefix` ("--name=").
    std::string partial;
    std::string prefix;
    std::vector<Candidate> candidates;
};

// Prints what of `candidates` begins with `partial`.
void print_candidates(const std::string& how, const Completion& completion);

// The same for what the daemon or the shell knows: `name` is the prefix, `target` the kind, `value`
// the word. Silent when the daemon does not run.
ExitCode complete_names(Session& session);

// `lockstep completion SHELL`
ExitCode completion_script(Session& session);

}  // namespace lockstep::cli
