// Stretches passphrases in a short-lived child process, so that the 256 MiB of Argon2id are never
// this process's: what malloc once had from the kernel tends to stay in a long-lived process, and
// an allocation that fails must not take open files with it.
//
// The child is this very program (by /proc/self/exe, hence the same version also after an upgrade
// has replaced the file), started with kStretchArgument. Request and answer go through a socket
// pair; both sides wipe what they held.
#pragma once

#include <string>

#include "base/mutex.h"
#include "vault/crypto/passphrase.h"

namespace lockstep {

inline constexpr const char* kStretchArgument = "--stretch-passphrase";
inline constexpr std::size_t kStretchedPassphraseSizeMax = 1 << 20;

// THREADS: any. One child at a time: several unlocks at once need no more memory than one.
class ChildStretcher final : public PassphraseStretcher {
  public:
    explicit ChildStretcher(std::string program = "/proc/self/exe")
        : program_(std::move(program)) {}

    // Also TooLarge above kStretchedPassphraseSizeMax, and Io or NoSpace when the child cannot be
    // started or does not survive.
    Result<StretchedPassphrase> stretch(const SecretBytes& passphrase, const PassphraseSalt& salt,
                                        const PassphraseCost& cost) override;

  private:
    const std::string program_;
    Mutex mutex_;
};

// The child: answers one request on the socket that is its standard input and output. Returns its
// exit code.
int run_stretch_child();

}  // namespace lockstep
