// lockstep.vault: written once when a vault is made. Names the vault and its founder, for ever.
//
// The vault's id is the hash of its genesis, so no other header can claim it; the founder's
// certificate names that id. Format: vault/FORMAT.md, "lockstep.vault".
#pragma once

#include "vault/keys/device_identity.h"

namespace lockstep {

inline constexpr std::string_view kVaultHeaderName = "lockstep.vault";
inline constexpr std::string_view kKeyDirectoryName = "keys";
inline constexpr std::string_view kKeyObjectSuffix = ".keys";

struct VaultGenesis {
    std::array<std::byte, 32> random{};
    std::int64_t created_ms = 0;
    DeviceId founder;
    Commitment root;  // to K
    auto operator<=>(const VaultGenesis&) const = default;
};

struct VaultHeader {
    VaultGenesis genesis;
    DeviceCertificate founder;
    VaultId id;  // hash of the genesis
    auto operator<=>(const VaultHeader&) const = default;
};

VaultId vault_id_of(const VaultGenesis& genesis);
Bytes encode_vault_header(const VaultHeader& header);
// Verified: the id is the genesis' hash, the certificate is the founder's, for this vault.
Result<VaultHeader> decode_vault_header(ByteView bytes);

}  // namespace lockstep
