// What the API says of passphrases, recovery codes, key rotation and roles. Part of messages.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/api/secret_text.h"

namespace lockstep::api {

// One way to unlock a vault besides a device's own key.
struct PassphraseInfo {
    std::string kind;  // "passphrase", "local" (this device's own), "recovery"
    std::string id;
    std::uint64_t memory_bytes = 0, operations = 0;  // what each guess costs
    std::int64_t added_ms = 0;                       // 0: not known
    std::string added_by;                            // a device's label; may be empty
};

struct PassphraseList {
    std::vector<PassphraseInfo> passphrases;
};

// `current` is a passphrase or the recovery code; it may be left out only with `by_device`.
struct SetPassphrase {
    SecretText current;
    bool by_device = false;
    SecretText passphrase;
    bool is_added = false;               // one more; else it replaces the current one
    bool stays_here = false;             // opens the vault on this device only
    std::uint64_t kdf_memory_bytes = 0;  // 0: as configured
};

struct RemovePassphrase {
    std::string id;
    SecretText current;
    bool by_device = false;
};

struct RenewRecovery {
    SecretText current;
    bool by_device = false;
};

struct RecoveryAnswer {
    SecretText code;
    SecretText sheet;  // to be printed
};

struct TestRecovery {
    SecretText code;
};

struct SetRole {
    std::string vault;
    std::string role;  // owner, writer, reader, blind
};

}  // namespace lockstep::api
