// How verbs and their options are declared. Only the command_line*.cpp files include this: CLI11 is
// heavy.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "daemon/cli/command_line.h"
#include "daemon/cli/completion.h"

namespace lockstep::cli {

// Collects what is parsed into one Command.
class Grammar {
  public:
    Grammar();
    Grammar(const Grammar&) = delete;
    Grammar& operator=(const Grammar&) = delete;

    CLI::App& app() { return app_; }
    Arguments& arguments() { return command_.arguments; }
    Command& command() { return command_; }

    // A group of verbs, like `vault`.
    CLI::App& group(const std::string& name, const std::string& description);
    // A verb; `examples` ends its help. Every verb takes --json.
    CLI::App& verb(CLI::App& parent, const std::string& name, const std::string& description,
                   const std::string& examples, Verb run);
    void vault_argument(CLI::App& verb, bool is_required = true);
    void passphrase_options(CLI::App& verb);
    void start_option(CLI::App& verb, const std::string& flag);

  private:
    CLI::App app_;
    Command command_;
};

void declare_vault_verbs(Grammar& grammar);
void declare_key_verbs(Grammar& grammar, CLI::App& vault);
void declare_role_verb(Grammar& grammar, CLI::App& device);
void declare_mirror_verbs(Grammar& grammar);
void declare_presence_verbs(Grammar& grammar);
void declare_sync_verbs(Grammar& grammar);
void declare_file_verbs(Grammar& grammar);
void declare_history_verbs(Grammar& grammar);

// environment_flags.cpp: the variable that stands for `--flag` of a verb, such as {"vault",
// "create"}.
std::string variable_of(const std::vector<std::string>& verb, std::string_view flag);

struct EnvironmentFlags {
    std::vector<std::string> words;      // all that is to be parsed
    std::vector<std::string> variables;  // that are among them
};
// What is typed wins. Invalid when a flag without a value is neither true nor false.
Result<EnvironmentFlags> add_environment_flags(const CLI::App& root, std::vector<std::string> words,
                                               const api::Environment& environment);

// completion_grammar.cpp: what may stand in place of the last of `words` (which come after
// "lockstep"), as far as the grammar knows.
Completion complete_words(const CLI::App& root, std::vector<std::string> words);
// "'statsu' is not known; did you mean 'status'?", of the first word that is no verb or flag; or
// nothing.
std::string meant_word(const CLI::App& root, const std::vector<std::string>& words);

}  // namespace lockstep::cli
