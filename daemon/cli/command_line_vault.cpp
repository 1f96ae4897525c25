// The verbs that make, open, lock, mount and check vaults.
#include "daemon/cli/command_grammar.h"
#include "daemon/cli/commands.h"

namespace lockstep::cli {

namespace {

void declare_create(Grammar& grammar, CLI::App& vault) {
    Arguments& arguments = grammar.arguments();
    CLI::App& verb = grammar.verb(
        vault, "create", "Make a new vault",
        "  lockstep vault create papers --mount ~/papers\n"
        "  lockstep vault create papers --dir /mnt/usb/papers.vault --recovery-out code.txt\n"
        "  pass show papers | lockstep vault create papers --passphrase-stdin\n",
        vault_create);
    verb.add_option("name", arguments.vault, "Its name on this device")
        ->required()
        ->option_text("NAME");
    verb.add_option("--dir", arguments.directory, "Where its ciphertext lies")->option_text("DIR");
    verb.add_option("--mount", arguments.mount, "Where to show its files")->option_text("DIR");
    verb.add_option("--recovery-out", arguments.recovery_out,
                    "Write the recovery code to a new file instead of the terminal")
        ->option_text("FILE");
    verb.add_option("--kdf-memory", arguments.kdf_memory_mib,
                    "Memory that guessing the passphrase costs, in MiB (64 to 4096; 256)")
        ->check(CLI::Range(64, 4096))
        ->option_text("MIB");
    verb.add_flag("--passphrase-stays-here", arguments.stays_here,
                  "It opens the vault on this device only, and does not lie in its directory");
    grammar.start_option(verb, "--unlock-at-start");
    grammar.passphrase_options(verb);
}

void declare_open(Grammar& grammar, CLI::App& vault) {
    Arguments& arguments = grammar.arguments();
    CLI::App& verb =
        grammar.verb(vault, "open", "Take up a vault that lies in a directory",
                     "  lockstep vault open /mnt/usb/papers.vault --mount ~/papers\n", vault_open);
    verb.add_option("directory", arguments.vault, "The vault's directory")
        ->required()
        ->option_text("DIR");
    verb.add_option("--name", arguments.name, "Its name on this device")->option_text("NAME");
    verb.add_option("--mount", arguments.mount, "Where to show its files")->option_text("DIR");
    grammar.start_option(verb, "--unlock-at-start");
    grammar.passphrase_options(verb);
}

void declare_locking(Grammar& grammar, CLI::App& vault) {
    Arguments& arguments = grammar.arguments();
    CLI::App& unlock = grammar.verb(vault, "unlock", "Unlock a vault, and mount it where it was",
                                    "  lockstep vault unlock papers\n"
                                    "  lockstep vault unlock papers --passphrase-file ~/.papers\n",
                                    vault_unlock);
    grammar.vault_argument(unlock);
    grammar.start_option(unlock, "--at-start");
    grammar.passphrase_options(unlock);

    CLI::App& lock = grammar.verb(vault, "lock", "Publish, unmount and forget the keys",
                                  "  lockstep vault lock papers\n"
                                  "  lockstep vault lock papers --force    (open files fail)\n",
                                  vault_lock);
    grammar.vault_argument(lock);
    lock.add_flag("--force", arguments.is_forced, "Even while files are open");

    CLI::App& autolock =
        grammar.verb(vault, "autolock", "Say or choose when a vault is locked by itself",
                     "  lockstep vault autolock papers\n"
                     "  lockstep vault autolock papers --idle 15m --suspend on\n"
                     "  lockstep vault autolock papers --idle off\n"
                     "While files are open it is not locked; it is then tried again later.\n",
                     vault_autolock);
    grammar.vault_argument(autolock);
    autolock.add_option("--idle", arguments.idle, "When nobody has used it for so long, or `off`")
        ->option_text("TIME");
    autolock
        .add_option("--at-start", arguments.at_start,
                    "Whether this device keeps the key and unlocks it: `on` or `off`")
        ->check(CLI::IsMember({"on", "off"}))
        ->option_text("on|off");
    autolock.add_option("--suspend", arguments.suspend, "Before the machine sleeps: `on` or `off`")
        ->check(CLI::IsMember({"on", "off"}))
        ->option_text("on|off");
}

void declare_looking(Grammar& grammar, CLI::App& vault) {
    grammar.verb(vault, "list", "List the vaults of this device",
                 "  lockstep vault list\n  lockstep vault list --json\n", vault_list);
    CLI::App& show = grammar.verb(vault, "show", "Show one vault in full",
                                  "  lockstep vault show papers\n", vault_show);
    grammar.vault_argument(show);
}

void declare_checking(Grammar& grammar, CLI::App& vault) {
    Arguments& arguments = grammar.arguments();
    CLI::App& check = grammar.verb(
        vault, "check", "Verify every object of a vault, or of a directory without the daemon",
        "  lockstep vault check papers\n"
        "  lockstep vault check papers --repair\n"
        "  lockstep vault check papers --rebuild-index\n"
        "  lockstep vault check /mnt/usb/papers.vault --passphrase-file ~/.papers\n",
        vault_check);
    check.add_option("vault", arguments.vault, "A vault, or a vault's directory")
        ->required()
        ->option_text("V|DIR");
    check.add_flag("--repair", arguments.repairs,
                   "Have what is damaged fetched again from other devices, and made anew what this "
                   "device can make: key objects that it has copies of, its index");
    check.add_flag("--deep", arguments.is_deep,
                   "Read and hash every byte: there is no other check, so this is always so");
    check.add_flag(
        "--rebuild-index", arguments.rebuilds_index,
        "Afterwards throw away what this device keeps to unlock quickly; the next unlock "
        "makes it anew");
    grammar.passphrase_options(check);

    CLI::App& decrypt = grammar.verb(
        vault, "decrypt", "Restore all files from a vault's directory, without the daemon",
        "  lockstep vault decrypt /mnt/usb/papers.vault --to ./papers\n"
        "Of a file that is damaged what is intact is written as NAME.damaged, with zeros where "
        "bytes "
        "are\n"
        "missing, and the bytes are named; then it exits with 3. NAME itself is always a whole "
        "file.\n",
        vault_decrypt);
    decrypt.add_option("directory", arguments.vault, "The vault's directory")
        ->required()
        ->option_text("DIR");
    decrypt.add_option("--to", arguments.target, "A new or empty directory")
        ->required()
        ->option_text("OUT");
    grammar.passphrase_options(decrypt);

    CLI::App& collect = grammar.verb(
        vault, "gc", "Free the space of what the vault's retention keeps no longer (30 days)",
        "  lockstep vault gc papers --dry-run\n  lockstep vault gc papers\n"
        "Every device deletes it once all have agreed; one that was silent for 90 days is not "
        "waited for.\n",
        vault_collect);
    grammar.vault_argument(collect);
    collect.add_flag("--dry-run", arguments.is_dry_run, "Only say how much that would be");

    CLI::App& remove = grammar.verb(vault, "remove", "Take a vault off this device",
                                    "  lockstep vault remove papers\n"
                                    "  lockstep vault remove papers --delete-data --yes\n",
                                    vault_remove);
    grammar.vault_argument(remove);
    remove.add_flag("--delete-data", arguments.deletes_data, "Delete its directory as well");
    remove.add_flag("--yes", arguments.is_yes, "Do not ask");
}

void declare_mounting(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& mount = grammar.verb(grammar.app(), "mount",
                                   "Show a vault, or a folder of it, in a folder of this machine",
                                   "  lockstep mount papers ~/papers\n"
                                   "  lockstep mount papers:post/letters ~/letters --read-only\n"
                                   "  lockstep mount papers ~/then --at '2026-11-20 18:00'\n"
                                   "  lockstep mount papers            (wherever it was before)\n"
                                   "A vault may have several mounts. They are remembered, and come "
                                   "back with the next unlock,\n"
                                   "until `lockstep unmount DIR --forget`.\n",
                                   mount_vault);
    mount
        .add_option("vault", arguments.vault, "Name, id or directory of the vault; a folder of it")
        ->required()
        ->option_text("V[:PATH]");
    mount.add_option("directory", arguments.directory, "An empty folder; made when missing")
        ->option_text("DIR");
    mount.add_option("--at", arguments.at, "The vault as it was then, read-only")
        ->option_text("TIME");
    mount.add_flag("--read-only", arguments.is_read_only, "Nothing can be changed through it");
    mount.add_flag("--ownership", arguments.has_owners,
                   "Keep and sync owners (numbers); else all files are yours");
    grammar.passphrase_options(mount);

    CLI::App& unmount = grammar.verb(grammar.app(), "unmount", "Take the folder away again",
                                     "  lockstep unmount papers            (all its mounts)\n"
                                     "  lockstep unmount ~/letters\n"
                                     "  lockstep unmount ~/letters --forget\n",
                                     unmount_vault);
    unmount.add_option("vault", arguments.vault, "The vault, or one folder")
        ->required()
        ->option_text("V|DIR");
    unmount.add_flag("--force", arguments.is_forced, "Even while files are open: they fail");
    unmount.add_flag("--forget", arguments.is_forgotten, "Do not mount it there again");
}

}  // namespace

void declare_vault_verbs(Grammar& grammar) {
    CLI::App& vault = grammar.group("vault", "Make, open, lock and check vaults");
    declare_create(grammar, vault);
    declare_open(grammar, vault);
    declare_looking(grammar, vault);
    declare_locking(grammar, vault);
    declare_checking(grammar, vault);
    declare_key_verbs(grammar, vault);
    declare_mounting(grammar);
}

}  // namespace lockstep::cli
