#include "daemon/cli/completion.h"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace {

// A path of the vault, folder by folder.
void add_entries(Session& session, const VaultPath& typed, std::vector<Candidate>& out) {
    const std::size_t slash = typed.path.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : typed.path.substr(0, slash + 1);
    const Result<api::EntryList> list = session.daemon.list(typed.vault, folder);
    if (!list.ok()) return;
    for (const api::EntryInfo& entry : list->entries) {
        if (!entry.name_hex.empty()) continue;  // nobody can type that
        const bool is_folder = entry.type == "directory";
        out.push_back({typed.vault + ":" + folder + entry.name + (is_folder ? "/" : ""),
                       is_folder ? "" : size_text(entry.size)});
    }
}

void add_vaults(Session& session, const std::string& after, std::vector<Candidate>& out) {
    const Result<api::VaultList> list = session.daemon.vaults();
    if (!list.ok()) return;
    for (const api::VaultInfo& vault : list->vaults)
        out.push_back({vault.name + after, vault.status});
}

void add_devices(Session& session, std::vector<Candidate>& out) {
    const Result<api::DeviceList> list = session.daemon.devices();
    if (!list.ok()) return;
    for (const api::DeviceInfo& device : list->devices)
        if (!device.label.empty()) out.push_back({device.label, device.id.substr(0, 16)});
}

void add_relays(Session& session, std::vector<Candidate>& out) {
    const Result<api::RelayList> list = session.daemon.relays();
    if (!list.ok()) return;
    for (const api::RelayInfo& relay : list->relays) out.push_back({relay.url, relay.detail});
}

void add_settings(Session& session, std::vector<Candidate>& out) {
    const Result<api::ConfigList> list = session.daemon.config();
    if (!list.ok()) return;
    for (const api::ConfigValue& one : list->values) out.push_back({one.key, one.value});
}

}  // namespace

void print_candidates(const std::string& how, const Completion& completion) {
    print_line(how);
    for (const Candidate& candidate : completion.candidates) {
        if (!candidate.word.starts_with(completion.partial)) continue;
        print_line(fmt::format("{}{}\t{}", completion.prefix, printable(candidate.word),
                               printable(candidate.description)));
    }
}

ExitCode complete_names(Session& session) {
    Completion completion{.kind = session.arguments.target,
                          .partial = session.arguments.value,
                          .prefix = session.arguments.name,
                          .candidates = {}};
    const std::string& kind = completion.kind;
    auto& found = completion.candidates;
    const bool is_path = completion.partial.find('/') != std::string::npos;
    std::string how = "words";
    if (kind == "DIR" || (kind == "V|DIR" && is_path)) {
        how = "directories";
    } else if (kind == "FILE" || kind == "FROM" || kind == "TO" || kind == "LOCAL" ||
               kind == "OUT") {
        how = "files";
    } else if (kind == "V" || kind == "V|DIR") {
        add_vaults(session, "", found);
    } else if (kind == "V:PATH" || kind == "V[:PATH]") {
        how = "open";
        if (const Result<VaultPath> typed = parse_vault_path(completion.partial); typed.ok())
            add_entries(session, *typed, found);
        else
            add_vaults(session, kind == "V:PATH" ? ":" : "", found);
    } else if (kind == "DEVICE" || kind == "D") {
        add_devices(session, found);
    } else if (kind == "URL") {
        add_relays(session, found);
    } else if (kind == "KEY") {
        add_settings(session, found);
    }
    print_candidates(how, completion);
    return ExitCode::Ok;
}

}  // namespace lockstep::cli
