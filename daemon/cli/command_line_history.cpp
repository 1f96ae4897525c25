// The verbs about a vault's past.
#include "daemon/cli/command_grammar.h"
#include "daemon/cli/commands.h"

namespace lockstep::cli {

namespace {

constexpr const char* kTimes =
    "Times: 2026-11-21, '2026-11-21 14:05' (local), 2026-11-21T14:05:30Z, 3h or 2d (ago), or a "
    "snapshot's name.\n";

void declare_history(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& history =
        grammar.verb(grammar.app(), "history", "List the versions of a file, or what a folder lost",
                     "  lockstep history papers:letters/july.txt\n"
                     "  lockstep history papers:letters          (what was deleted in it)\n"
                     "  lockstep history papers:letters/july.txt --json\n",
                     show_history);
    history.add_option("path", arguments.target, "Vault and path; it may be deleted")
        ->required()
        ->option_text("V:PATH");

    CLI::App& restore = grammar.verb(
        grammar.app(), "restore", "Bring back what a file or folder was",
        std::string(
            "  lockstep restore papers:letters/july.txt          (deleted, or its last version)\n"
            "  lockstep restore papers:letters/july.txt --version 3f2a…\n"
            "  lockstep restore papers:letters --at '2026-11-20 18:00'\n"
            "  lockstep restore papers:letters --at 2d --to old-letters\n"
            "  lockstep restore papers:letters --at 2d --output ~/letters-then\n"
            "What is there now stays in the history; files that have come since stay in "
            "place.\n") +
            kTimes,
        restore_path);
    restore.add_option("path", arguments.target, "Vault and path")
        ->required()
        ->option_text("V:PATH");
    CLI::Option* version =
        restore.add_option("--version", arguments.version, "Of a file: as `history` lists it")
            ->option_text("ID");
    CLI::Option* at = restore.add_option("--at", arguments.at, "As it was then");
    at->option_text("TIME")->excludes(version);
    CLI::Option* to = restore.add_option("--to", arguments.to, "Another path in the vault");
    to->option_text("PATH");
    restore.add_option("--output", arguments.directory, "A new file or folder of this machine")
        ->option_text("LOCAL")
        ->excludes(to);

    CLI::App& diff =
        grammar.verb(grammar.app(), "diff", "Say what is different between two times",
                     std::string("  lockstep diff papers --from 1d\n"
                                 "  lockstep diff papers --from 2026-11-01 --to 2026-11-08\n") +
                         kTimes,
                     show_difference);
    grammar.vault_argument(diff);
    diff.add_option("--from", arguments.from, "The earlier time")->required()->option_text("TIME");
    diff.add_option("--to", arguments.to, "The later time (now)")->option_text("TIME");
}

void declare_undo(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& undo = grammar.verb(
        grammar.app(), "undo", "Take back what one device has done since a time",
        std::string("  lockstep undo papers --device desk --since 2h --dry-run\n"
                    "  lockstep undo papers --device desk --since '2026-11-21 14:05'\n"
                    "Only where nobody else has gone on from there: the rest is listed, and stays. "
                    "Exits 3 then.\n"
                    "An undo is a change like any other; undo it by undoing this device.\n") +
            kTimes,
        undo_device);
    grammar.vault_argument(undo);
    undo.add_option("--device", arguments.device, "Name or id")->required()->option_text("D");
    undo.add_option("--since", arguments.from, "From when on")->required()->option_text("TIME");
    undo.add_flag("--dry-run", arguments.is_dry_run, "Only say what that would be");
}

void declare_snapshots(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& snapshot = grammar.group("snapshot", "Times with names, whose state is kept");
    CLI::App& create =
        grammar.verb(snapshot, "create", "Name the vault's state of now, or of a time",
                     "  lockstep snapshot create papers before-the-move\n"
                     "  lockstep snapshot create papers monday --at '2026-11-16 08:00'\n"
                     "In a mount it is MOUNT/.lockstep/snapshots/NAME/, on every device.\n",
                     make_snapshot);
    grammar.vault_argument(create);
    create.add_option("name", arguments.name, "Its name")->required()->option_text("NAME");
    create.add_option("--at", arguments.at, "Of that time")->option_text("TIME");
    CLI::App& list = grammar.verb(snapshot, "list", "List them",
                                  "  lockstep snapshot list papers\n", list_snapshots);
    grammar.vault_argument(list);
    CLI::App& remove = grammar.verb(snapshot, "delete", "Forget one",
                                    "  lockstep snapshot delete papers before-the-move\n"
                                    "What nothing else keeps is freed by `lockstep vault gc`.\n",
                                    remove_snapshot);
    grammar.vault_argument(remove);
    remove.add_option("name", arguments.name, "Its name")->required()->option_text("NAME");

    CLI::App& retention = grammar.verb(
        grammar.app(), "retention", "Say or choose how long a vault keeps its past",
        "  lockstep retention papers\n"
        "  lockstep retention papers 'all 30d, daily 1y'\n"
        "  lockstep retention papers 'all 7d, hourly 30d, weekly 2y'\n"
        "  lockstep retention papers default\n"
        "  lockstep retention papers --quota 50G\n"
        "  lockstep retention papers --quota none\n"
        "`all` keeps every version; hourly, daily, weekly, monthly and yearly keep of the time "
        "before that\n"
        "what was shown at the beginning of each. It holds on every device. What is older is "
        "freed by `lockstep vault gc`.\n"
        "With a quota `gc` also lets the oldest versions go while content that only the past "
        "needs takes more;\n"
        "snapshots and the last 7 days stay. `lockstep vault gc papers --dry-run` says what would "
        "go.\n",
        show_or_set_retention);
    grammar.vault_argument(retention);
    retention.add_option("policy", arguments.value, "The new policy, or `default`")
        ->option_text("POLICY");
    retention.add_option("--quota", arguments.quota, "Of the past: like 500M, 20G, 1T, or none")
        ->option_text("SIZE");
}

}  // namespace

void declare_history_verbs(Grammar& grammar) {
    declare_history(grammar);
    declare_undo(grammar);
    declare_snapshots(grammar);
}

}  // namespace lockstep::cli
