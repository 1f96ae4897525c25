// What this device keeps of a vault's content, and where content is.
#include <fmt/format.h>

#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/cli/byte_size.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace {

Result<VaultPath> place_of(Session& session) {
    return find_place(session, session.arguments.target);
}

template <typename Request>
void set_path(Request& request, const std::string& path) {
    if (api::is_utf8(path))
        request.path = path;
    else
        request.path_hex = hex(as_bytes(path));
}

std::string shown(const std::string& vault, const std::string& path) {
    return printable(vault) + ":" + printable(path);
}

void print_keep(const std::string& vault, const api::KeepAnswer& answer) {
    const bool is_own = answer.here.from == answer.here.path;
    print_line(fmt::format("{} is kept {}{}", shown(vault, answer.here.path),
                           answer.here.keep == "on-demand" ? "on demand"
                           : answer.here.keep == "full"    ? "in full"
                                                           : "pinned",
                           is_own ? "" : ", as " + shown(vault, answer.here.from) + " is"));
}

ExitCode set_keep(Session& session, const std::string& keep) {
    Result<VaultPath> place = place_of(session);
    if (!place.ok()) return session.fail(place.error());
    api::SetKeep request;
    set_path(request, place->path);
    request.keep = keep;
    Result<api::KeepAnswer> answer = session.daemon.set_keep(place->vault, request);
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json)
        print_line(api::encode(*answer));
    else
        print_keep(place->vault, *answer);
    return ExitCode::Ok;
}

}  // namespace

ExitCode pin_path(Session& session) {
    return set_keep(session, "pinned");
}

ExitCode unpin_path(Session& session) {
    return set_keep(session, "inherited");
}

ExitCode keep_path(Session& session) {
    if (!session.arguments.value.empty()) return set_keep(session, session.arguments.value);
    Result<VaultPath> place = place_of(session);
    if (!place.ok()) return session.fail(place.error());
    Result<api::KeepAnswer> answer = session.daemon.keep(place->vault, place->path);
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*answer));
        return ExitCode::Ok;
    }
    print_keep(place->vault, *answer);
    for (const api::KeepInfo& rule : answer->rules)
        print_line(fmt::format("    {:<9} {}", rule.keep, shown(place->vault, rule.path)));
    return ExitCode::Ok;
}

ExitCode evict_path(Session& session) {
    Result<VaultPath> place = place_of(session);
    if (!place.ok()) return session.fail(place.error());
    api::EvictContent request;
    set_path(request, place->path);
    Result<api::EvictAnswer> answer = session.daemon.evict(place->vault, request);
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*answer));
    } else {
        print_line(fmt::format("freed {} ({} packs)", size_text(answer->bytes), answer->packs));
        for (const api::EvictKept& kept : answer->kept)
            print_line(fmt::format("    stays: {}: {}", kept.count, printable(kept.reason)));
    }
    if (answer->kept.empty()) return ExitCode::Ok;
    return answer->bytes > 0 ? ExitCode::Partly : ExitCode::Failure;
}

ExitCode set_quota(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<api::VaultInfo> vault = [&]() -> Result<api::VaultInfo> {
        if (arguments.quota.empty()) return session.daemon.vault(arguments.vault);
        api::SetQuota request;
        if (arguments.quota != "none") {
            TRY(request.bytes, parse_byte_size(arguments.quota));
            if (request.bytes == 0)
                return Error{ErrorKind::Invalid, "a quota of nothing; say none for no limit"};
        }
        return session.daemon.set_quota(arguments.vault, request);
    }();
    if (!vault.ok()) return session.fail(vault.error());
    if (arguments.is_json) {
        print_line(api::encode(*vault));
        return ExitCode::Ok;
    }
    if (vault->role != "blind") {
        print_line(vault->quota_bytes == 0
                       ? printable(vault->name) +
                             ": content on demand is kept as in all vaults "
                             "(cache.on_demand_mib)"
                       : fmt::format("{}: {} of content on demand are kept at most",
                                     printable(vault->name), size_text(vault->quota_bytes)));
        return ExitCode::Ok;
    }
    print_line(fmt::format(
        "{}: {} of packs are here, {}", printable(vault->name), size_text(vault->pack_bytes),
        vault->quota_bytes == 0 ? "without a quota" : "of " + size_text(vault->quota_bytes)));
    return ExitCode::Ok;
}

// What each other device may bring in.
ExitCode device_quota(Session& session) {
    const Arguments& arguments = session.arguments;
    Result<api::SetQuota> quota = [&]() -> Result<api::SetQuota> {
        if (arguments.quota.empty()) return session.daemon.member_quota(arguments.vault);
        api::SetQuota request;
        if (arguments.quota != "none") {
            TRY(request.bytes, parse_byte_size(arguments.quota));
            if (request.bytes == 0)
                return Error{ErrorKind::Invalid, "a quota of nothing; say none for no limit"};
        }
        return session.daemon.set_member_quota(arguments.vault, request);
    }();
    if (!quota.ok()) return session.fail(quota.error());
    print_line(arguments.is_json ? api::encode(*quota)
               : quota->bytes == 0
                   ? "Other devices may bring in whatever they like."
                   : fmt::format("Each other device may bring in {} a day; what is more waits.",
                                 size_text(quota->bytes)));
    return ExitCode::Ok;
}

ExitCode whereis_path(Session& session) {
    Result<VaultPath> place = place_of(session);
    if (!place.ok()) return session.fail(place.error());
    Result<api::WhereisAnswer> answer = session.daemon.whereis(place->vault, place->path);
    if (!answer.ok()) return session.fail(answer.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*answer));
        return ExitCode::Ok;
    }
    print_line(fmt::format("{}, {}", shown(place->vault, answer->path), size_text(answer->size)));
    std::vector<std::vector<std::string>> rows{{"DEVICE", "ROLE", "HOLDS"}};
    for (const api::WhereisDevice& device : answer->devices)
        rows.push_back({printable(device.label) + (device.is_this_device ? " (this device)" : ""),
                        device.role,
                        device.is_connected ? device.holds : device.holds + " (not connected)"});
    print_table(rows);
    return ExitCode::Ok;
}

}  // namespace lockstep::cli
