#include "daemon/api/data_paths.h"

#include <cstdlib>

#include <fmt/format.h>

namespace lockstep::api {

namespace {

std::optional<fs::path> absolute_path(const Environment& environment, const char* name) {
    std::optional<std::string> value = environment(name);
    if (!value || value->empty() || value->front() != '/') return std::nullopt;
    return fs::path(*value).lexically_normal();
}

DataPaths under_home(const fs::path& home) {
    return {home / "config", home / "state", home / "data", home / "runtime"};
}

}  // namespace

Result<fs::path> DataPaths::control_socket() const {
    fs::path socket = runtime_directory / "control.sock";
    if (socket.native().size() <= kSocketPathMax) return socket;
    return Error{
        ErrorKind::Invalid,
        fmt::format("the path of the control socket, {}, has {} bytes and the system allows "
                    "{}: choose a shorter LOCKSTEP_HOME (or XDG_RUNTIME_DIR)",
                    socket.native(), socket.native().size(), kSocketPathMax)};
}

Result<DataPaths> data_paths(const Environment& environment) {
    if (auto home = environment("LOCKSTEP_HOME"); home && !home->empty()) {
        std::error_code failure;
        fs::path absolute = fs::absolute(*home, failure);
        if (failure) return Error{ErrorKind::Invalid, "LOCKSTEP_HOME: " + failure.message()};
        absolute = absolute.lexically_normal();
        if (!absolute.has_filename()) absolute = absolute.parent_path();
        return under_home(absolute);
    }
    std::optional<fs::path> home = absolute_path(environment, "HOME");
    auto base = [&](const char* name, const char* fallback) -> std::optional<fs::path> {
        if (auto path = absolute_path(environment, name)) return *path / "lockstep";
        if (home) return *home / fallback / "lockstep";
        return std::nullopt;
    };
    std::optional<fs::path> config = base("XDG_CONFIG_HOME", ".config");
    std::optional<fs::path> state = base("XDG_STATE_HOME", ".local/state");
    std::optional<fs::path> data = base("XDG_DATA_HOME", ".local/share");
    if (!config || !state || !data) {
        return Error{ErrorKind::Invalid, "neither HOME nor LOCKSTEP_HOME names a directory"};
    }
    std::optional<fs::path> runtime = absolute_path(environment, "XDG_RUNTIME_DIR");
    return DataPaths{*config, *state, *data, runtime ? *runtime / "lockstep" : *state / "runtime"};
}

Environment process_environment() {
    return [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        if (value == nullptr) return std::nullopt;
        return std::string(value);
    };
}

Result<DataPaths> data_paths() {
    return data_paths(process_environment());
}

}  // namespace lockstep::api
