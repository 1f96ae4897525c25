#include <iostream>

#include <fmt/format.h>

#include "base/disk.h"
#include "base/spelling.h"
#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"

namespace lockstep::cli {

ExitCode config_get(Session& session) {
    const std::string& key = session.arguments.target;
    Result<api::ConfigList> list = session.daemon.config();
    if (!list.ok()) return session.fail(list.error());
    if (key.empty()) {
        if (session.arguments.is_json) {
            print_line(api::encode(*list));
            return ExitCode::Ok;
        }
        for (const api::ConfigValue& one : list->values) {
            print_line(fmt::format("{} = {}", one.key, printable(one.value)));
        }
        return ExitCode::Ok;
    }
    std::vector<std::string> keys;
    for (const api::ConfigValue& one : list->values) {
        keys.push_back(one.key);
        if (one.key != key) continue;
        print_line(session.arguments.is_json ? api::encode(one) : printable(one.value));
        return ExitCode::Ok;
    }
    return session.fail(
        Error{ErrorKind::Invalid, fmt::format("no setting '{}'{}", key, did_you_mean(key, keys))});
}

ExitCode config_set(Session& session) {
    const Arguments& arguments = session.arguments;
    std::string value = arguments.value;
    // A password is not for a command line.
    if (value == "-" && !std::getline(std::cin, value))
        return session.fail(Error{ErrorKind::Invalid, "there is no line on standard input"});
    Result<api::ConfigList> list = session.daemon.set_config({arguments.target, value});
    if (!list.ok()) return session.fail(list.error());
    if (arguments.is_json) {
        print_line(api::encode(*list));
    } else if (arguments.target.starts_with("network.") || arguments.target.starts_with("cache.") ||
               arguments.target.starts_with("api.")) {
        print_line(
            "saved; lockstep-config(5) says what counts at once, and what from the next start of "
            "lockstepd");
    } else {
        print_line("saved");
    }
    return ExitCode::Ok;
}

// Without the daemon, as a broken file is what keeps it from starting.
ExitCode config_check(Session& session) {
    const std::filesystem::path file = session.data_paths.config_file();
    if (!posix_disk().exists(file)) {
        print_line(session.arguments.is_json ? "{}"
                                             : "there is no " + file.native() + "; that is fine");
        return ExitCode::Ok;
    }
    Result<Bytes> text = posix_disk().read_file(file, api::kConfigSizeMax);
    if (!text.ok()) return session.fail(text.error());
    Result<api::Config> config = api::parse_config(as_text(*text));
    if (!config.ok()) {
        session.fail(config.error());
        return ExitCode::CheckFailed;
    }
    print_line(session.arguments.is_json ? "{}" : file.native() + " is well");
    return ExitCode::Ok;
}

ExitCode config_path(Session& session) {
    const std::string path = session.data_paths.config_file().native();
    print_line(session.arguments.is_json ? api::encode(api::ConfigList{path, {}}) : path);
    return ExitCode::Ok;
}

}  // namespace lockstep::cli
