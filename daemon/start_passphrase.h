// The passphrase of a vault that opens when nobody is there to be asked: at the daemon's start.
//
// It comes from the vault's `passphrase_command` in config.toml; else from a credential of the
// service manager (systemd.exec(5), LoadCredential=), which is a file in $CREDENTIALS_DIRECTORY:
// "passphrase.NAME" for the vault of that name, "passphrase" for all that have none of their own.
// Unlike a key that is kept by `unlock --at-start`, neither need lie on this machine's disk in
// clear. One line end at the end is not part of it.
#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "daemon/api/config.h"
#include "daemon/api/secret_text.h"

namespace lockstep {

// A command that takes longer is killed: a start must end.
inline constexpr std::chrono::seconds kPassphraseCommandTime{60};

// Nothing when none is meant for this vault. Fails when one is, but cannot be had: Invalid for a
// command that fails or what is no passphrase, Timeout, Io.
// THREADS: any; blocks while the command runs, which /bin/sh does without standard input, in the
// daemon's environment.
Result<std::optional<api::SecretText>> start_passphrase(
    const api::VaultConfig& vault, std::chrono::milliseconds patience = kPassphraseCommandTime);

}  // namespace lockstep
