// The verbs about files inside a vault, conflicts and configuration.
#include "daemon/cli/command_grammar.h"
#include "daemon/cli/commands.h"

namespace lockstep::cli {

namespace {

void declare_files(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& list = grammar.verb(grammar.app(), "ls", "List a folder of an unlocked vault",
                                  "  lockstep ls papers:\n  lockstep ls papers:letters --json\n"
                                  "  lockstep ls papers:letters --at 2d\n",
                                  list_files);
    list.add_option("path", arguments.target, "Vault and path")->required()->option_text("V:PATH");
    list.add_option("--at", arguments.at, "As it was then")->option_text("TIME");

    CLI::App& get = grammar.verb(grammar.app(), "get", "Copy a file out of an unlocked vault",
                                 "  lockstep get papers:letters/july.txt\n"
                                 "  lockstep get papers:letters/july.txt - | less\n"
                                 "  lockstep get papers:letters/july.txt --at '2026-11-20 18:00'\n",
                                 get_file);
    get.add_option("path", arguments.target, "Vault and path")->required()->option_text("V:PATH");
    get.add_option("to", arguments.value, "File or folder here (.); - for standard output")
        ->option_text("TO");
    get.add_option("--at", arguments.at, "As it was then")->option_text("TIME");

    CLI::App& put = grammar.verb(grammar.app(), "put", "Copy a file into an unlocked vault",
                                 "  lockstep put papers:letters/ july.txt\n"
                                 "  date | lockstep put papers:stamp.txt -\n",
                                 put_file);
    put.add_option("path", arguments.target, "Vault and path")->required()->option_text("V:PATH");
    put.add_option("from", arguments.value, "File here; - for standard input")
        ->required()
        ->option_text("FROM");
}

void declare_conflicts(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& conflicts = grammar.group("conflicts", "Files that two devices changed at once");
    CLI::App& list = grammar.verb(conflicts, "list", "List them",
                                  "  lockstep conflicts list\n  lockstep conflicts list papers\n",
                                  conflicts_list);
    grammar.vault_argument(list, false);
    CLI::App& resolve = grammar.verb(
        conflicts, "resolve", "Say which version stays",
        "  lockstep conflicts resolve papers:notes.txt --keep mine      (what this device wrote)\n"
        "  lockstep conflicts resolve papers:notes.txt --keep theirs    (what the other one "
        "wrote)\n"
        "  lockstep conflicts resolve papers:notes.txt --keep both      (as files of their own)\n"
        "  lockstep conflicts resolve 'papers:notes (conflict from desk ...).txt' --keep this\n",
        conflicts_resolve);
    resolve.add_option("path", arguments.target, "Vault and path of the file, or of its sibling")
        ->required()
        ->option_text("V:PATH");
    resolve.add_option("--keep", arguments.value, "mine, theirs, both, or this (what PATH shows)")
        ->required()
        ->option_text("WHICH");
}

void declare_config(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& config = grammar.group("config", "The daemon's configuration");
    CLI::App& get =
        grammar.verb(config, "get", "Print one setting, or all",
                     "  lockstep config get\n  lockstep config get device.name\n", config_get);
    get.add_option("key", arguments.target, "Which one")->option_text("KEY");
    CLI::App& set = grammar.verb(
        config, "set", "Change a setting",
        "  lockstep config set device.name laptop\n"
        "  lockstep config set network.listen_port 22100\n"
        "  lockstep config set network.limit_up 500      (KiB/s; 0: none)\n"
        "  lockstep config set network.alternative.limit_up 100\n"
        "  lockstep config set network.alternative.hours 'mon-fri 08:30-18:00; sat "
        "09:00-12:00'\n"
        "  lockstep config set network.alternative.now on   (until the hours say so)\n"
        "  lockstep config set network.proxy socks5://127.0.0.1:9050      (none: without)\n"
        "  lockstep config set network.proxy - <proxy.txt    (when it has a password)\n",
        config_set);
    set.add_option("key", arguments.target, "Which one")->required()->option_text("KEY");
    set.add_option("value", arguments.value, "Its new value; - reads it from stdin")
        ->required()
        ->option_text("VALUE");
    grammar.verb(config, "check", "Check config.toml without the daemon",
                 "  lockstep config check\n", config_check);
    grammar.verb(config, "path", "Print where config.toml lies", "  lockstep config path\n",
                 config_path);
}

}  // namespace

void declare_file_verbs(Grammar& grammar) {
    declare_files(grammar);
    declare_conflicts(grammar);
    declare_config(grammar);
}

}  // namespace lockstep::cli
