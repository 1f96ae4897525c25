#include "vault/chunks/pack_context.h"

namespace lockstep {

PackContext PackContext::derive(const AnySecretKey& pack_base, const VaultId& vault,
                                const EpochId& epoch, const PackSalt& salt) {
    auto derived = lockstep::derive<struct PackKeyTag>(pack_base, label::kPack, {salt.view()});
    return {.key = std::move(derived.key),
            .commitment = derived.commitment,
            .vault = vault,
            .epoch = epoch,
            .salt = salt};
}

}  // namespace lockstep
