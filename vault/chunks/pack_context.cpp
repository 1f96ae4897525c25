#include "vault/chunks/pack_context.h"

namespace lockstep {

PackContext PackContext::derive(const EpochKeys& epoch, const VaultId& vault,
                                const PackSalt& salt) {
    auto derived = epoch.pack_key(salt.view());
    return {.key = std::move(derived.key),
            .commitment = derived.commitment,
            .vault = vault,
            .epoch = epoch.epoch,
            .salt = salt};
}

}  // namespace lockstep
