// The verbs about other devices: inviting, joining, relays, waiting, pausing.
#include "daemon/cli/command_grammar.h"
#include "daemon/cli/commands.h"

namespace lockstep::cli {

namespace {

void declare_joining(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& inviting =
        grammar.verb(grammar.app(), "invite", "Print a ticket that lets another device in",
                     "  lockstep invite papers\n"
                     "  lockstep invite papers --role reader --expires 1h\n"
                     "  lockstep invite papers --role blind       (a server that holds what it "
                     "cannot open)\n"
                     "  lockstep invite papers --yes > ticket     (the first comer is admitted)\n",
                     invite);
    grammar.vault_argument(inviting);
    inviting.add_option("--role", arguments.role, "owner, writer (the default), reader or blind")
        ->option_text("ROLE");
    inviting.add_option("--expires", arguments.expires, "How long the ticket works (24h)")
        ->option_text("DURATION");
    inviting.add_flag("--yes", arguments.is_yes,
                      "Admit the first comer without asking, and return at once");

    CLI::App& joining = grammar.verb(
        grammar.app(), "join", "Use a ticket that another device has printed",
        "  lockstep join lockstep:ABC... --mount ~/papers\n  lockstep join - < ticket\n"
        "  lockstep join - --on-demand < ticket      (see lockstep keep)\n"
        "  lockstep join - --quota 200G < ticket     (a blind member's)\n",
        join);
    joining.add_option("ticket", arguments.target, "The ticket; - reads it from standard input")
        ->required()
        ->option_text("TICKET|-");
    joining.add_option("--name", arguments.name, "The vault's name on this device")
        ->option_text("NAME");
    joining.add_option("--dir", arguments.directory, "Where its ciphertext lies")
        ->option_text("DIR");
    joining.add_option("--mount", arguments.mount, "Where to show its files")->option_text("DIR");
    joining.add_flag("--on-demand", arguments.is_on_demand,
                     "Fetch content when it is read, not before");
    joining
        .add_option("--quota", arguments.quota,
                    "How much of the disk a blind member gives to the vault")
        ->option_text("SIZE");
    grammar.start_option(joining, "--unlock-at-start");
}

void declare_devices(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& device = grammar.group("device", "The devices of your vaults");
    CLI::App& list =
        grammar.verb(device, "list", "List devices, and who asks to be admitted",
                     "  lockstep device list\n  lockstep device list papers\n", device_list);
    grammar.vault_argument(list, false);
    CLI::App& accept = grammar.verb(device, "accept", "Admit the device that shows the same digits",
                                    "  lockstep device accept 1f3a9c02\n"
                                    "  lockstep device accept 123456     (by its digits)\n",
                                    device_accept);
    accept.add_option("id", arguments.vault, "As `device list` shows it")
        ->required()
        ->option_text("ID");
    CLI::App& reject = grammar.verb(device, "reject", "Do not admit it",
                                    "  lockstep device reject 1f3a9c02\n", device_reject);
    reject.add_option("id", arguments.vault, "As `device list` shows it")
        ->required()
        ->option_text("ID");
    CLI::App& rename = grammar.verb(device, "rename", "Name this device",
                                    "  lockstep device rename self laptop\n", device_rename);
    rename.add_option("id", arguments.vault, "This device's id, or self")
        ->required()
        ->option_text("ID");
    rename.add_option("name", arguments.value, "Its new name")->required()->option_text("NAME");
    auto about = [&](CLI::App& verb) -> CLI::App& {
        verb.add_option("id", arguments.value, "Its name, or digits of its id")
            ->required()
            ->option_text("ID");
        verb.add_option("--vault", arguments.vault, "Only in this vault; else in all of them")
            ->option_text("V");
        return verb;
    };
    CLI::App& revoking = about(grammar.verb(
        device, "revoke", "Remove a device: it reads nothing that is written from now on",
        "  lockstep device revoke phone\n"
        "  lockstep device revoke 1f3a9c02 --vault papers --yes\n"
        "  lockstep device revoke phone --full     (seals what it could read under "
        "new keys)\n"
        "What other devices have of its work stays. What nobody has seen yet does "
        "not count; `device adopt` takes it over.\n"
        "What it has already it keeps: change passwords that it held.\n",
        device_revoke));
    revoking.add_flag("--yes", arguments.is_yes, "Do not ask");
    revoking.add_flag("--full", arguments.is_full,
                      "Seal all content anew, so that old keys open nothing that is kept; say "
                      "it again to see how far it has come");
    about(grammar.verb(device, "retire",
                       "Wait no longer for a device that is away; it stays a member",
                       "  lockstep device retire attic\n"
                       "When it comes back it begins a new log, and publishes again what it wrote "
                       "meanwhile.\n",
                       device_retire));
    declare_role_verb(grammar, device);
    about(grammar.verb(device, "adopt", "Take over what a removed device wrote unseen",
                       "  lockstep device adopt phone\n", device_adopt));
    CLI::App& quota = grammar.verb(
        device, "quota", "Say how much each other device may bring into a vault within a day",
        "  lockstep device quota papers           (what it is)\n"
        "  lockstep device quota papers 20G\n"
        "  lockstep device quota papers none\n"
        "What is more is left with those who have it until the next day, and `lockstep doctor` "
        "says so.\n",
        device_quota);
    grammar.vault_argument(quota);
    quota.add_option("size", arguments.quota, "Like 500M, 20G, 1T, or none")->option_text("SIZE");
    about(grammar.verb(device, "let-in", "Let a device go on that has brought in too much",
                       "  lockstep device let-in phone\n", device_let_in));
}

void declare_relays(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& relay = grammar.group("relay", "Servers that help devices find each other");
    auto with_url = [&](CLI::App& verb) -> CLI::App& {
        verb.add_option(
                "url", arguments.target,
                "Like http://relay.example.org:7070, or srv:example.org for those that DNS names")
            ->required()
            ->option_text("URL");
        return verb;
    };
    CLI::App& add = with_url(grammar.verb(
        relay, "add", "Use a relay",
        "  lockstep relay add http://relay.example.org:7070\n"
        "  lockstep relay add https://relay.example.org --token family.token\n"
        "  lockstep relay add srv:example.org\n"
        "Again with another token, pin or weight replaces them. What several relays are "
        "used for: lockstep config set network.relay_strategy failover (or round-robin, "
        "weighted, least-latency, hash).\n",
        relay_add));
    add.add_option("--token", arguments.token_file,
                   "File whose first line is the access token; - reads standard input")
        ->option_text("FILE");
    add.add_option(
           "--pin", arguments.pin,
           "The key it must have, as it logs at its start, or `first`: the one it shows now")
        ->option_text("HEX");
    add.add_option("--weight", arguments.weight,
                   "How much it gets of what is shared out by weight; others get 1")
        ->check(CLI::Range(1, 1000))
        ->option_text("NUMBER");
    grammar.verb(relay, "list", "List the relays in use", "  lockstep relay list\n", relay_list);
    with_url(grammar.verb(relay, "remove", "Use it no more",
                          "  lockstep relay remove http://relay.example.org:7070\n", relay_remove));
    with_url(grammar.verb(relay, "test", "Ask a relay whether it is well",
                          "  lockstep relay test http://relay.example.org:7070\n", relay_test));
}

void declare_state(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    CLI::App& status =
        grammar.verb(grammar.app(), "status", "Show how things stand",
                     "  lockstep status\n  lockstep status papers --watch\n"
                     "  lockstep status --exit-code      (14 when conflicts exist)\n",
                     show_status);
    grammar.vault_argument(status, false);
    status.add_flag("--watch", arguments.is_watching, "Show it again at every change");
    status.add_flag("--exit-code", arguments.wants_exit_code,
                    "Exit 14 when conflicts exist, 25 on an alarm");

    CLI::App& wait = grammar.verb(grammar.app(), "wait", "Wait until a vault is in step",
                                  "  lockstep wait papers\n"
                                  "  lockstep wait papers --copies 2 --timeout 10m\n",
                                  wait_for_vault);
    grammar.vault_argument(wait);
    wait.add_option("--copies", arguments.copies, "Other devices that must hold everything")
        ->option_text("N");
    wait.add_option("--timeout", arguments.timeout, "Give up after this long (60s)")
        ->option_text("DURATION");
    wait.add_flag("--published", arguments.is_published_only,
                  "Only until every local change is published");

    CLI::App& explaining =
        grammar.verb(grammar.app(), "explain", "Say why a file is not the same on all devices",
                     "  lockstep explain papers:letters/july.txt\n"
                     "  lockstep explain ./july.txt        (in a mount or a mirror)\n"
                     "  lockstep explain papers:letters/july.txt --json\n",
                     explain_file);
    explaining.add_option("path", arguments.target, "Vault and path")
        ->required()
        ->option_text("V:PATH");

    CLI::App& pause =
        grammar.verb(grammar.app(), "pause", "Stop syncing a vault, or all",
                     "  lockstep pause            (also after a restart, until resumed)\n"
                     "  lockstep pause papers --for 2h\n",
                     pause_sync);
    grammar.vault_argument(pause, false);
    pause.add_option("--for", arguments.duration, "Resume by itself after this long")
        ->option_text("DURATION");
    CLI::App& resume = grammar.verb(grammar.app(), "resume", "Sync again",
                                    "  lockstep resume\n  lockstep resume papers\n", resume_sync);
    grammar.vault_argument(resume, false);

    CLI::App& events = grammar.verb(
        grammar.app(), "events", "Print what happens, as it happens",
        "  lockstep events\n  lockstep events --since 1764000000000 --json\n", follow_events);
    events.add_option("--since", arguments.since, "Begin after this number")->option_text("N");
}

}  // namespace

void declare_sync_verbs(Grammar& grammar) {
    declare_joining(grammar);
    declare_devices(grammar);
    declare_relays(grammar);
    declare_state(grammar);
    grammar.verb(
        grammar.app(), "doctor", "Explain what is not as it should be, and what to do",
        "  lockstep doctor\n"
        "  lockstep doctor --json\n"
        "Looks at the vaults, FUSE, limits, the clock, relays, ports and space; names what "
        "fixes each finding.\n"
        "Exits 25 on an alarm, 26 on a problem, 4 when the daemon does not run; notes are "
        "no problem.\n",
        doctor);
    CLI::App& diagnostics = grammar.verb(
        grammar.app(), "diagnostics", "Collect what somebody who helps you needs to know",
        "  lockstep diagnostics lockstep.tar.gz\n"
        "Versions, settings, status, findings, metrics and the last lines of the log. Secrets, "
        "names "
        "of files, vaults, devices and hosts, ids and addresses are taken out; look through it "
        "before you hand it on.\n",
        write_diagnostics);
    diagnostics.add_option("file", grammar.arguments().target, "A new file")
        ->required()
        ->option_text("FILE");
    CLI::App& completion = grammar.verb(
        grammar.app(), "completion", "Print what makes a shell complete verbs, flags and names",
        "  source <(lockstep completion bash)      (in ~/.bashrc; the Debian package has it)\n"
        "  lockstep completion fish > ~/.config/fish/completions/lockstep.fish\n",
        completion_script);
    completion.add_option("shell", grammar.arguments().value, "bash, zsh or fish")
        ->required()
        ->option_text("SHELL");
}

}  // namespace lockstep::cli
