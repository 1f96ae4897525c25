// ManagedVault: passphrases, recovery codes, rotation, roles.
#include "daemon/managed_vault.h"

namespace lockstep {

std::uint64_t ManagedVault::kdf_memory_bytes() const {
    const std::uint32_t own = config().kdf_memory_mib;
    return std::uint64_t{own != 0 ? own : services_.config.get().kdf_memory_mib} << 20;
}

Result<std::vector<KeySlotInfo>> ManagedVault::key_slots() const {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    return vault->key_slots();
}

Status ManagedVault::set_passphrase(const api::SetPassphrase& request) {
    TRY(Vault * vault, unlocked_vault());
    const std::uint64_t memory_bytes =
        request.kdf_memory_bytes != 0 ? request.kdf_memory_bytes : kdf_memory_bytes();
    TRY_OK(vault->set_passphrase({.current = request.current.reveal_bytes(),
                                  .passphrase = request.passphrase.reveal_bytes(),
                                  .cost = {.memory_bytes = memory_bytes},
                                  .replaces = !request.is_added,
                                  .stays_here = request.stays_here}));
    // What was chosen to be cheap is not made dearer at the next unlock.
    const auto mib = static_cast<std::uint32_t>(request.kdf_memory_bytes >> 20);
    if (mib == 0) return {};
    return remember([&](api::VaultConfig& config) { config.kdf_memory_mib = mib; });
}

Status ManagedVault::remove_passphrase(const api::RemovePassphrase& request) {
    TRY(Vault * vault, unlocked_vault());
    return vault->remove_passphrase(request.id, request.current.reveal_bytes());
}

Result<RecoveryCode> ManagedVault::renew_recovery_code(const api::RenewRecovery& request) {
    TRY(Vault * vault, unlocked_vault());
    return vault->renew_recovery_code(name(), request.current.reveal_bytes());
}

Status ManagedVault::test_recovery_code(const api::TestRecovery& request) const {
    Vault* vault = this->vault();
    if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
    return vault->test_recovery_code(request.code.reveal_bytes());
}

Status ManagedVault::rotate() {
    TRY(Vault * vault, unlocked_vault());
    return vault->rotate();
}

Status ManagedVault::set_role(const DeviceId& device, MemberRole role) {
    TRY(Vault * vault, unlocked_vault());
    return vault->set_role(device, role);
}

}  // namespace lockstep
