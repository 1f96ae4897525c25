// The verbs of mirrors and their brake.
#include "daemon/cli/command_grammar.h"
#include "daemon/cli/commands.h"

namespace lockstep::cli {

namespace {

void declare_mirror(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& mirror =
        grammar.group("mirror", "Keep plain folders equal to a vault, or to a folder of it");
    CLI::App& add = grammar.verb(mirror, "add", "Keep a plain folder equal to a vault from now on",
                                 "  lockstep mirror add papers ~/Documents\n"
                                 "  lockstep mirror add papers:post/letters ~/letters\n"
                                 "What the folder and the vault hold already is joined. The files "
                                 "lie in the folder in clear "
                                 "and\n"
                                 "in the vault: a mirror doubles the space. What `.lockstepignore` "
                                 "in the folder names stays "
                                 "out.\n",
                                 mirror_add);
    add.add_option("vault", arguments.vault, "Name, id or directory of the vault; a folder of it")
        ->required()
        ->option_text("V[:PATH]");
    add.add_option("directory", arguments.directory, "The plain folder; made when missing")
        ->required()
        ->option_text("DIR");
    add.add_flag("--no-brake", arguments.has_no_brake,
                 "Carry over deletes of many files without asking");
    grammar.verb(mirror, "list", "List the mirrors of this device",
                 "  lockstep mirror list\n  lockstep mirror list --json\n", mirror_list);
    CLI::App& remove = grammar.verb(mirror, "remove", "Leave the folder as it is, on its own",
                                    "  lockstep mirror remove ~/Documents\n", mirror_remove);
    remove.add_option("directory", arguments.directory, "The folder")
        ->required()
        ->option_text("DIR");
    CLI::App& test =
        grammar.verb(mirror, "ignore-test", "Say whether a path is mirrored, and by which rule not",
                     "  lockstep mirror ignore-test ~/Documents/build/x.o\n", mirror_ignore_test);
    test.add_option("path", arguments.target, "A path in the folder of a mirror; it need not exist")
        ->required()
        ->option_text("PATH");
}

}  // namespace

void declare_mirror_verbs(Grammar& grammar) {
    declare_mirror(grammar);
    CLI::App& brake = grammar.group("brake", "Deletes and rewrites of many files that wait");
    CLI::App& show = grammar.verb(brake, "show", "Show what is held",
                                  "  lockstep brake show papers\n"
                                  "More than a fifth of a mirror's files, or a thousand, deleted "
                                  "within ten minutes is held; so is what a device writes that "
                                  "rewrote a tenth of all files, or 200, to noise.\n",
                                  brake_show);
    grammar.vault_argument(show);
    CLI::App& release = grammar.verb(brake, "release", "Let what is held go on its way",
                                     "  lockstep brake release papers\n", brake_release);
    grammar.vault_argument(release);
    CLI::App& undo = grammar.verb(brake, "undo", "Take back the rewrites that are held",
                                  "  lockstep brake undo papers --dry-run\n"
                                  "Takes back all that the device did since the first of them, "
                                  "as `lockstep undo` does.\n",
                                  brake_undo);
    grammar.vault_argument(undo);
    undo.add_flag("--dry-run", grammar.arguments().is_dry_run, "Only say what that would be");
    grammar.vault_argument(grammar.verb(brake, "on", "Hold masses of rewrites (the default)",
                                        "  lockstep brake on papers\n", brake_on));
    grammar.vault_argument(grammar.verb(brake, "off", "Hold no rewrites on this device",
                                        "  lockstep brake off papers\n", brake_off));
}

}  // namespace lockstep::cli
