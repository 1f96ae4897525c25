#include "tests/sim/sim_device.h"

#include "vault/crypto/hash.h"

namespace lockstep::sim {

PassphraseStretcher& quick_stretcher() {
    class Quick final : public PassphraseStretcher {
        Result<StretchedPassphrase> stretch(const SecretBytes& passphrase,
                                            const PassphraseSalt& salt,
                                            const PassphraseCost&) override {
            Bytes both = to_bytes(salt.view());
            const ByteView typed = passphrase.reveal();
            both.insert(both.end(), typed.begin(), typed.end());
            return StretchedPassphrase::from(blake2b(both).view());
        }
    };
    static Quick stretcher;
    return stretcher;
}

}  // namespace lockstep::sim
