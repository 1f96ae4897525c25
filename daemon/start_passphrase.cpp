#include "daemon/start_passphrase.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "daemon/api/passphrase_command.h"

namespace lockstep {

namespace {

using api::SecretText;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

Error errno_error(std::string_view what) {
    return {ErrorKind::Io, fmt::format("{}: {}", what, std::strerror(errno))};
}

// The service manager's directory holds files that only this service may read.
Result<std::optional<SecretText>> from_credential(const std::string& vault) {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr || *directory != '/') return std::optional<SecretText>();
    for (const std::string& name : {"passphrase." + vault, std::string("passphrase")}) {
        // A vault's name has no '/': it names no file elsewhere.
        const std::string path = fmt::format("{}/{}", directory, name);
        UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!file.ok() && errno == ENOENT) continue;
        if (!file.ok()) return errno_error(path);
        Result<std::string> text =
            api::read_passphrase_text(file.get(), steady_clock::now() + kPassphraseCommandTime);
        if (!text.ok()) return std::move(text).error().in(path);
        Result<SecretText> secret = api::checked_passphrase(std::move(*text));
        if (!secret.ok()) return std::move(secret).error().in(path);
        return std::optional<SecretText>(std::move(*secret));
    }
    return std::optional<SecretText>();
}

}  // namespace

Result<std::optional<SecretText>> start_passphrase(const api::VaultConfig& vault,
                                                   milliseconds patience) {
    if (vault.passphrase_command.empty()) return from_credential(vault.name);
    Result<SecretText> secret =
        api::passphrase_of_command(vault.passphrase_command, {.patience = patience});
    if (!secret.ok()) return std::move(secret).error().in("passphrase_command");
    return std::optional<SecretText>(std::move(*secret));
}

}  // namespace lockstep
