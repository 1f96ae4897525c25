// The keys of an unlocked vault and what is made from them. For the files of OpenVault alone.
#pragma once

#include "vault/core/open_vault.h"

namespace lockstep {

struct OpenVault::Ids final : DerivedIds {
    explicit Ids(const VaultKeys& vault_keys) : keys(vault_keys) {}
    FileId file(const FileId& file, const VersionId& version) const override {
        return keys.forked_file(file, version);
    }
    LinkId link(const LinkId& link, const VersionId& version) const override {
        return keys.forked_link(link, version);
    }
    VersionId version(const FileId& fork, const VersionId& version) const override {
        return keys.forked_version(fork, version);
    }
    const VaultKeys& keys;
};

struct OpenVault::Secrets {
    explicit Secrets(const KeyState& state)
        : vault(VaultKeys::derive(state.root(), state.vault())),
          ids(vault),
          chunker(make_gear_table(vault.chunker)),
          derived(vault) {
        learn(state);
    }
    void learn(const KeyState& state) {
        for (const auto& [epoch, secret] : state.epoch_secrets())
            if (!epochs.contains(epoch))
                epochs[epoch] = std::make_unique<const EpochKeys>(
                    EpochKeys::derive(secret, state.vault(), epoch));
    }
    VaultKeys vault;
    std::map<EpochId, std::unique_ptr<const EpochKeys>> epochs;  // only grows
    ContentIds ids;
    Chunker chunker;
    Ids derived;
};

}  // namespace lockstep
