// One run of `lockstep`: its arguments, the daemon it asks, how it ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/api/client.h"
#include "daemon/api/data_paths.h"
#include "daemon/api/error_code.h"
#include "daemon/cli/passphrase.h"

namespace lockstep::cli {

using api::ExitCode;

// Every value that a verb may take; each verb reads its own.
struct Arguments {
    bool is_json = false;
    std::string vault;       // V, or V|DIR
    std::string target;      // the second thing named: a DIR, a URL, a PATH, a key
    std::string value;       // the third
    std::string token_file;  // of a relay's access token; "-": standard input
    std::string pin;
    std::uint64_t weight = 0;  // of a relay; 0: not said
    std::string name;
    std::string directory;
    std::string mount;
    std::string recovery_out;
    std::string role = "writer";
    std::string expires = "24h";
    std::string timeout = "60s";
    std::string duration;
    std::string quota;
    std::string at, from, to;  // times; `to` is a path of the vault for some
    std::string version;
    std::string device;
    PassphraseSource passphrase;
    PassphraseSource new_passphrase;
    bool stays_here = false;
    std::uint64_t copies = 0;
    std::optional<std::uint64_t> since;
    std::uint64_t kdf_memory_mib = 0;
    bool is_forced = false;
    bool is_forgotten = false;
    bool has_no_brake = false;
    bool is_deep = false;  // changes nothing: every check is
    bool is_yes = false;
    bool is_read_only = false;
    bool has_owners = false;
    std::string idle, suspend, at_start;  // of `vault autolock`
    bool is_at_start = false;
    bool is_on_demand = false;
    bool is_full = false;
    bool deletes_data = false;
    bool is_watching = false;
    bool wants_exit_code = false;
    bool is_published_only = false;
    bool rebuilds_index = false;
    bool repairs = false;
    bool is_dry_run = false;
};

class Session {
  public:
    Session(Arguments given, api::DataPaths paths, std::filesystem::path socket_path)
        : arguments(std::move(given)),
          data_paths(std::move(paths)),
          socket(std::move(socket_path)),
          daemon(socket) {}

    const Arguments arguments;
    const api::DataPaths data_paths;
    const std::filesystem::path socket;
    api::DaemonClient daemon;

    // Says what went wrong, in the form asked for, and gives the exit code.
    ExitCode fail(const Error& error) const;
    // The same for a list of outcomes that is no Error.
    ExitCode fail(ExitCode code, std::string_view message) const;
};

using Verb = ExitCode (*)(Session&);

// The path as the daemon needs it: absolute, without "." and "..".
std::string absolute_path(const std::string& path);

// "V:PATH" apart. Invalid without a colon.
struct VaultPath {
    std::string vault;
    std::string path;
};
Result<VaultPath> parse_vault_path(const std::string& text);
// Where an absolute path of this machine lies: in the innermost mount (of the present) or mirror.
std::optional<VaultPath> place_below(const std::vector<api::VaultInfo>& vaults,
                                     const std::string& path);
// A place as a person names it: "V:PATH", "V" for all of it, or a path of this machine that begins
// with "/", "./" or "../" and lies in a mount or mirror, which the daemon is asked for.
Result<VaultPath> find_place(Session& session, const std::string& text);
// "V[:PATH]" apart; a vault that is named by its directory may have a ':' further on. Invalid when
// the path is no UTF-8.
Result<VaultPath> parse_vault_folder(const std::string& text);

}  // namespace lockstep::cli
