// The verbs about what this device keeps of a vault's content.
#include "daemon/cli/command_grammar.h"
#include "daemon/cli/commands.h"

namespace lockstep::cli {

void declare_presence_verbs(Grammar& grammar) {
    Arguments& arguments = grammar.arguments();
    auto add_path = [&](CLI::App& verb) {
        verb.add_option("path", arguments.target, "Vault, or vault and path")
            ->required()
            ->option_text("V:PATH");
    };
    CLI::App& keep = grammar.verb(
        grammar.app(), "keep", "Say or choose what this device keeps of the content",
        "  lockstep keep papers                       (what is chosen)\n"
        "  lockstep keep papers on-demand             (only what is read, from now on)\n"
        "  lockstep keep papers:films on-demand\n"
        "  lockstep keep ~/papers/films on-demand     (the same, where papers is mounted)\n"
        "  lockstep keep papers:letters full          (all of it)\n"
        "  lockstep keep papers:letters inherited     (as the folder above)\n",
        keep_path);
    add_path(keep);
    keep.add_option("how", arguments.value, "full, on-demand, pinned or inherited")
        ->option_text("HOW");
    CLI::App& pin = grammar.verb(
        grammar.app(), "pin", "Keep a file or folder here, whatever is above it",
        "  lockstep pin papers:letters\n  lockstep pin papers:films/first.mkv\n", pin_path);
    add_path(pin);
    CLI::App& unpin = grammar.verb(grammar.app(), "unpin", "Keep it as the folder above is kept",
                                   "  lockstep unpin papers:letters\n", unpin_path);
    add_path(unpin);
    CLI::App& evict = grammar.verb(
        grammar.app(), "evict", "Free the space of content that other devices hold",
        "  lockstep evict papers:films      (kept on demand; another device promises to keep it)\n"
        "  lockstep evict papers --json\n"
        "Exits 3 when only a part could go, 1 when nothing could; it says why.\n",
        evict_path);
    add_path(evict);
    CLI::App& whereis = grammar.verb(grammar.app(), "whereis", "Say which devices hold a file",
                                     "  lockstep whereis papers:films/first.mkv\n", whereis_path);
    add_path(whereis);
    CLI::App& quota = grammar.verb(
        grammar.app(), "quota", "Say how much of this device's disk a vault may take",
        "  lockstep quota papers            (what it is, and how much is used)\n"
        "  lockstep quota papers 200G\n"
        "  lockstep quota papers none       (as much as it takes, or as cache.on_demand_mib says)\n"
        "Of a blind member all counts, of others the content that is kept on demand. What is here\n"
        "and does not fit goes once other devices promise to keep it.\n",
        set_quota);
    grammar.vault_argument(quota);
    quota.add_option("size", arguments.quota, "Like 500M, 20G, 1T, or none")->option_text("SIZE");
}

}  // namespace lockstep::cli
