#include "daemon/cli/command_line.h"

#include <fmt/format.h>

#include "daemon/cli/command_grammar.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace {

// Not in the help: what the shells' completion asks.
constexpr std::string_view kCompleteVerb = "complete";

std::variant<Command, ExitCode> complete(Grammar& grammar, std::vector<std::string> words) {
    Completion completion = complete_words(grammar.app(), std::move(words));
    if (completion.kind.empty()) {
        print_candidates("words", completion);
        return ExitCode::Ok;
    }
    Command command;
    command.verb = complete_names;
    command.arguments.target = std::move(completion.kind);
    command.arguments.value = std::move(completion.partial);
    command.arguments.name = std::move(completion.prefix);
    return command;
}

}  // namespace

Grammar::Grammar() : app_("Keeps encrypted vaults in step across your devices.", "lockstep") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", kVersionText, "Print the version");
    app_.set_help_flag("-h,--help", "Print this help");
    app_.footer(
        "Examples:\n"
        "  lockstep vault create papers --mount ~/papers\n"
        "  lockstep invite papers            (on this device)\n"
        "  lockstep join TICKET              (on the other one)\n"
        "  lockstep status\n"
        "\n"
        "A flag that is not given is taken from the environment: LOCKSTEP_VERB_FLAG, as in\n"
        "LOCKSTEP_VAULT_CREATE_KDF_MEMORY=64 for `vault create --kdf-memory 64`.\n"
        "\n"
        "Exit codes: 0 ok, 1 failure, 2 usage, 3 partly, 4 daemon not running, 10 missing or not "
        "a\n"
        "vault, 11 locked or busy, 12 wrong passphrase, 13 format too new or too old, 14 "
        "conflicts\n"
        "exist, 15 timeout, 25 rollback or fork alarm, 26 check found errors, 130 cancelled.");
}

CLI::App& Grammar::group(const std::string& name, const std::string& description) {
    CLI::App* group = app_.add_subcommand(name, description);
    group->require_subcommand(1);
    return *group;
}

CLI::App& Grammar::verb(CLI::App& parent, const std::string& name, const std::string& description,
                        const std::string& examples, Verb run) {
    CLI::App* verb = parent.add_subcommand(name, description);
    verb->footer("Examples:\n" + examples);
    verb->add_flag("--json", arguments().is_json, "Print JSON, for programs");
    // The innermost verb is finished last.
    verb->callback([this, run] { command_.verb = run; });
    return *verb;
}

void Grammar::vault_argument(CLI::App& verb, bool is_required) {
    CLI::Option* option =
        verb.add_option("vault", arguments().vault, "Name, id or directory of the vault");
    option->option_text("V");
    if (is_required) option->required();
}

void Grammar::passphrase_options(CLI::App& verb) {
    PassphraseSource& source = arguments().passphrase;
    CLI::Option* file = verb.add_option("--passphrase-file", source.file, "Read it from this file");
    CLI::Option* in = verb.add_flag("--passphrase-stdin", source.is_stdin,
                                    "Read it from the first line of standard input");
    CLI::Option* command = verb.add_option("--passphrase-command", source.command,
                                           "Read it from what this command prints");
    file->option_text("FILE");
    command->option_text("COMMAND");
    file->excludes(in)->excludes(command);
    in->excludes(command);
}

void Grammar::start_option(CLI::App& verb, const std::string& flag) {
    verb.add_flag(flag, arguments().is_at_start,
                  "Keep the key on this device, so that the vault unlocks when lockstepd starts");
}

std::variant<Command, ExitCode> parse_command_line(int count, char** values) {
    try {
        Grammar grammar;
        declare_vault_verbs(grammar);
        declare_mirror_verbs(grammar);
        declare_presence_verbs(grammar);
        declare_sync_verbs(grammar);
        declare_file_verbs(grammar);
        declare_history_verbs(grammar);
        std::vector<std::string> words(values + 1, values + count);
        if (!words.empty() && words.front() == kCompleteVerb)
            return complete(grammar, {words.begin() + 1, words.end()});
        Result<EnvironmentFlags> flags =
            add_environment_flags(grammar.app(), words, api::process_environment());
        if (!flags.ok()) {
            print_notice("lockstep: " + flags.error().message);
            return ExitCode::Usage;
        }
        try {
            // It takes them from the end.
            std::vector<std::string> backwards(flags->words.rbegin(), flags->words.rend());
            grammar.app().parse(std::move(backwards));
        } catch (const CLI::CallForVersion&) {
            print_line(kVersionText);
            return ExitCode::Ok;
        } catch (const CLI::CallForHelp&) {
            fmt::print("{}", grammar.app().help());
            return ExitCode::Ok;
        } catch (const CLI::ParseError& error) {
            const std::string meant = meant_word(grammar.app(), words);
            print_notice(fmt::format("lockstep: {}", meant.empty() ? error.what() : meant));
            if (!flags->variables.empty())
                print_notice(fmt::format("lockstep: flags that come from the environment: {}",
                                         fmt::join(flags->variables, ", ")));
            print_notice("See: lockstep --help, or --help after any verb");
            return ExitCode::Usage;
        }
        return std::move(grammar.command());
    } catch (const std::exception& error) {
        print_notice(fmt::format("lockstep: {}", error.what()));
        return ExitCode::Failure;
    }
}

}  // namespace lockstep::cli
