// Where a user's Lockstep keeps its things.
//
// With LOCKSTEP_HOME everything lies under that one directory, so that several isolated devices run
// on one machine: config/ state/ data/ runtime/. Otherwise the XDG base directories decide; a
// variable that holds no absolute path is ignored, as that specification asks.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace lockstep::api {

namespace fs = std::filesystem;

// The longest path a unix socket can have (sun_path with its NUL is 108 bytes).
inline constexpr std::size_t kSocketPathMax = 107;

struct DataPaths {
    fs::path config_directory;   // config.toml
    fs::path state_directory;    // device.key, journals, daemon.lock, listen_port
    fs::path data_directory;     // vaults are made here unless told otherwise
    fs::path runtime_directory;  // control.sock

    fs::path config_file() const { return config_directory / "config.toml"; }
    fs::path lock_file() const { return state_directory / "daemon.lock"; }
    fs::path vault_directory(const std::string& name) const {
        return data_directory / (name + ".vault");
    }
    // Invalid when the path is too long for a socket; says what to do.
    Result<fs::path> control_socket() const;
};

using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

// Pure. Invalid when neither LOCKSTEP_HOME nor HOME is there.
Result<DataPaths> data_paths(const Environment& environment);
// From this process's environment.
Result<DataPaths> data_paths();

}  // namespace lockstep::api
