// The verbs about passphrases, recovery codes, rotation and roles.
#include "daemon/cli/command_grammar.h"
#include "daemon/cli/commands.h"

namespace lockstep::cli {

namespace {

void new_passphrase_options(CLI::App& verb, Arguments& arguments) {
    PassphraseSource& source = arguments.new_passphrase;
    CLI::Option* file =
        verb.add_option("--new-passphrase-file", source.file, "Read the new one from this file")
            ->option_text("FILE");
    CLI::Option* in = verb.add_flag(
        "--new-passphrase-stdin", source.is_stdin,
        "Read the new one from standard input, the line after the current one if that is there");
    CLI::Option* command = verb.add_option("--new-passphrase-command", source.command,
                                           "Read the new one from what this command prints")
                               ->option_text("COMMAND");
    file->excludes(in)->excludes(command);
    in->excludes(command);
    verb.add_flag("--stays-here", arguments.stays_here,
                  "It opens the vault on this device only, and does not lie in its directory");
    verb.add_option("--kdf-memory", arguments.kdf_memory_mib,
                    "Memory that guessing it costs, in MiB (64 to 4096)")
        ->check(CLI::Range(64, 4096))
        ->option_text("MIB");
}

void forgotten_option(CLI::App& verb, Arguments& arguments) {
    verb.add_flag("--forgotten", arguments.is_forgotten,
                  "Do not ask for the current one: this device is unlocked, that is enough");
}

void declare_passphrases(Grammar& grammar, CLI::App& vault) {
    Arguments& arguments = grammar.arguments();
    CLI::App& passwd =
        grammar.verb(vault, "passwd", "Change the passphrase",
                     "  lockstep vault passwd papers\n"
                     "  lockstep vault passwd papers --stays-here\n"
                     "  lockstep vault passwd papers --forgotten\n"
                     "What is written from then on the old one does not open; copies of the "
                     "directory made before, it does.\n",
                     vault_passwd);
    grammar.vault_argument(passwd);
    grammar.passphrase_options(passwd);
    new_passphrase_options(passwd, arguments);
    forgotten_option(passwd, arguments);

    CLI::App& group = *vault.add_subcommand("passphrase", "Several passphrases of one vault");
    group.require_subcommand(1);
    CLI::App& list = grammar.verb(group, "list", "List what opens the vault",
                                  "  lockstep vault passphrase list papers\n", passphrase_list);
    grammar.vault_argument(list);
    CLI::App& add = grammar.verb(group, "add", "Add one more",
                                 "  lockstep vault passphrase add papers\n"
                                 "  lockstep vault passphrase add papers --stays-here\n",
                                 passphrase_add);
    grammar.vault_argument(add);
    grammar.passphrase_options(add);
    new_passphrase_options(add, arguments);
    forgotten_option(add, arguments);
    CLI::App& remove =
        grammar.verb(group, "remove", "Remove one",
                     "  lockstep vault passphrase remove papers 0123456789abcdef\n"
                     "  lockstep vault passphrase remove papers here     (of this device)\n",
                     passphrase_remove);
    grammar.vault_argument(remove);
    remove.add_option("id", arguments.target, "As `passphrase list` shows it")
        ->required()
        ->option_text("ID");
    grammar.passphrase_options(remove);
    forgotten_option(remove, arguments);
}

void declare_recovery(Grammar& grammar, CLI::App& vault) {
    Arguments& arguments = grammar.arguments();
    CLI::App& group = *vault.add_subcommand("recovery", "The code on paper that opens a vault");
    group.require_subcommand(1);
    CLI::App& create =
        grammar.verb(group, "create", "Make a new recovery code, and print its sheet",
                     "  lockstep vault recovery create papers | lp\n"
                     "  lockstep vault recovery create papers --out sheet.txt\n"
                     "The code before works no more.\n",
                     recovery_create);
    grammar.vault_argument(create);
    create.add_option("--out", arguments.recovery_out, "Write the sheet to this new file")
        ->option_text("FILE");
    grammar.passphrase_options(create);
    forgotten_option(create, arguments);
    CLI::App& test = grammar.verb(group, "test", "Try a recovery code, without unlocking",
                                  "  lockstep vault recovery test papers\n"
                                  "The words at the ends of the lines may be typed as well.\n",
                                  recovery_test);
    grammar.vault_argument(test);
    grammar.passphrase_options(test);

    CLI::App& rotate =
        grammar.verb(vault, "rotate", "Give the vault new keys for what is written from now on",
                     "  lockstep vault rotate papers\n", vault_rotate);
    grammar.vault_argument(rotate);
}

}  // namespace

void declare_key_verbs(Grammar& grammar, CLI::App& vault) {
    declare_passphrases(grammar, vault);
    declare_recovery(grammar, vault);
}

void declare_role_verb(Grammar& grammar, CLI::App& device) {
    Arguments& arguments = grammar.arguments();
    CLI::App& role =
        grammar.verb(device, "role", "Say what a device may do in a vault",
                     "  lockstep device role papers phone reader\n"
                     "  lockstep device role papers 1f3a9c02 owner\n"
                     "owner: everything; writer: read and write; reader: read; blind: hold what it "
                     "cannot read.\n",
                     device_role);
    grammar.vault_argument(role);
    role.add_option("id", arguments.target, "Its name, or digits of its id")
        ->required()
        ->option_text("DEVICE");
    role.add_option("role", arguments.value, "owner, writer, reader or blind")
        ->required()
        ->option_text("ROLE");
}

}  // namespace lockstep::cli
