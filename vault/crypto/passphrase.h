// Passphrase to key: Argon2id, one lane, with compiled-in bounds for its costs.
//
// Parameters come from files that an attacker may have written: too cheap ones are refused (a
// downgrade), and too dear ones before anything is allocated. Passphrases are taken as the bytes
// that were typed (UTF-8), unchanged. THREADS: any; takes up to seconds and the memory it is told:
// never on a loop thread.
#pragma once

#include "vault/crypto/kdf.h"

namespace lockstep {

struct PassphraseCost {
    std::uint64_t memory_bytes = std::uint64_t{256} << 20;
    std::uint32_t operations = 3;
    auto operator<=>(const PassphraseCost&) const = default;
};

inline constexpr PassphraseCost kPassphraseCostDefault{};
inline constexpr PassphraseCost kPassphraseCostMin{std::uint64_t{64} << 20, 3};
inline constexpr PassphraseCost kPassphraseCostMax{std::uint64_t{4} << 30, 64};

using PassphraseSalt = Id<struct PassphraseSaltTag, 16>;
using StretchedPassphrase = SecretKey<struct StretchedPassphraseTag>;

// Refused below the floor or above the cap; memory is counted in whole KiB.
Status check_cost(const PassphraseCost& cost);

// Invalid: empty passphrase. Refused: cost out of bounds. NoSpace: more than half of this machine's
// memory.
Result<StretchedPassphrase> stretch_passphrase(const SecretBytes& passphrase,
                                               const PassphraseSalt& salt,
                                               const PassphraseCost& cost);

// Where passphrases are stretched: the memory that it takes need not be this process's.
// THREADS: any.
class PassphraseStretcher {
  public:
    virtual ~PassphraseStretcher() = default;
    // As stretch_passphrase().
    virtual Result<StretchedPassphrase> stretch(const SecretBytes& passphrase,
                                                const PassphraseSalt& salt,
                                                const PassphraseCost& cost) = 0;
};

// stretch_passphrase() itself.
PassphraseStretcher& in_process_stretcher();

}  // namespace lockstep
