#include "daemon/cli/session.h"

#include <fmt/format.h>

#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/api/vault_place.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {

namespace {

constexpr std::string_view kHowToStart =
    "Start it with:  systemctl --user start lockstepd   (or, in a terminal of its own:  lockstepd)";

}  // namespace

ExitCode Session::fail(const Error& error) const {
    const ExitCode code =
        daemon.is_daemon_missing() ? ExitCode::NotRunning : api::exit_code(error.kind);
    if (arguments.is_json) {
        api::ErrorBody body;
        body.code = daemon.is_daemon_missing() ? "daemon_not_running" : api::error_code(error.kind);
        body.message = error.message;
        print_line(api::encode_error(body));
        return code;
    }
    print_notice("lockstep: " + printable_lines(error.message));
    if (daemon.is_daemon_missing()) print_notice(kHowToStart);
    return code;
}

ExitCode Session::fail(ExitCode code, std::string_view message) const {
    if (!arguments.is_json) print_notice("lockstep: " + printable_lines(message));
    return code;
}

std::string absolute_path(const std::string& path) {
    if (path.empty()) return path;
    std::error_code failure;
    std::filesystem::path absolute = std::filesystem::absolute(path, failure);
    if (failure) return path;
    absolute = absolute.lexically_normal();
    if (!absolute.has_filename() && absolute.has_parent_path()) absolute = absolute.parent_path();
    return absolute.native();
}

Result<VaultPath> parse_vault_path(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0) {
        return Error{ErrorKind::Invalid,
                     fmt::format("'{}' is no V:PATH (like papers:letters/july.txt)", text)};
    }
    return VaultPath{text.substr(0, colon), text.substr(colon + 1)};
}

namespace {

bool is_path_here(std::string_view text) {
    return text == "." || text == ".." || text.starts_with('/') || text.starts_with("./") ||
           text.starts_with("../");
}

}  // namespace

std::optional<VaultPath> place_below(const std::vector<api::VaultInfo>& vaults,
                                     const std::string& path) {
    std::optional<api::VaultPlace> place = api::place_below(vaults, path);
    if (!place) return std::nullopt;
    return VaultPath{std::move(place->vault), std::move(place->path)};
}

Result<VaultPath> find_place(Session& session, const std::string& text) {
    if (is_path_here(text)) {
        TRY(const api::VaultList list, session.daemon.vaults());
        if (std::optional<VaultPath> place = cli::place_below(list.vaults, absolute_path(text)))
            return *std::move(place);
    }
    return parse_vault_path(text.find(':') == std::string::npos ? text + ":" : text);
}

Result<VaultPath> parse_vault_folder(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon > text.find('/')) return VaultPath{text, {}};
    VaultPath folder{text.substr(0, colon), text.substr(colon + 1)};
    if (!api::is_utf8(folder.path))
        return Error{ErrorKind::Invalid, "the folder's path must be UTF-8"};
    return folder;
}

}  // namespace lockstep::cli
