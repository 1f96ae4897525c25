// A vault's keys and its devices, for tests: every device has an identity and a sealing key, key
// objects lie in a list as they would in the directory.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"
#include "vault/keys/key_author.h"

namespace lockstep {

struct TestDevice {
    explicit TestDevice(Random& random, std::string name)
        : label(std::move(name)),
          identity(DeviceIdentity::generate(random)),
          sealing(SealingKey::random(random)) {}

    DeviceCertificate certificate(const VaultId& vault) const {
        return identity.certify(vault, sealing.public_key(), label);
    }

    std::string label;
    DeviceIdentity identity;
    SealingKey sealing;
};

class KeyWorld {
  public:
    explicit KeyWorld(std::uint64_t seed = 1) : random(seed) {
        vault = std::make_unique<NewVault>(create_vault_keys({.device = founder.identity,
                                                              .sealing = founder.sealing,
                                                              .device_label = founder.label,
                                                              .passphrase = passphrase,
                                                              .cost = kPassphraseCostMin,
                                                              .now_ms = 1000},
                                                             random)
                                               .value());
        objects.push_back(vault->key_object);
    }

    KeyCredentials credentials_of(const TestDevice& device) const {
        KeyCredentials out;
        out.device = &device.sealing;
        return out;
    }
    Result<KeyState> open(const TestDevice& device, const std::vector<Bytes>& from) const {
        return KeyState::open(vault->header, from, credentials_of(device));
    }
    Result<KeyState> open(const TestDevice& device) const { return open(device, objects); }
    Result<KeyState> open_with(const SecretBytes& text) const {
        KeyCredentials credentials;
        credentials.passphrase = &text;
        return KeyState::open(vault->header, objects, credentials);
    }

    // Runs `edit(editor)` as `device` on the given objects; returns the new object without storing
    // it.
    template <typename Edit>
    Result<Bytes> edit(const TestDevice& device, const std::vector<Bytes>& from, Edit what) {
        TRY(KeyState state, open(device, from));
        SigningKey author = device.identity.vault_signing_key(vault->header.id);
        return what(KeyEditor{.state = state, .author = author, .now_ms = 2000, .random = random});
    }
    Bytes admit(const TestDevice& by, const TestDevice& who, MemberRole role,
                const std::vector<Bytes>& from) {
        return edit(by, from,
                    [&](const KeyEditor& editor) {
                        return admit_member(editor, who.certificate(id()), role);
                    })
            .value();
    }
    void admit(const TestDevice& by, const TestDevice& who, MemberRole role) {
        objects.push_back(admit(by, who, role, objects));
    }

    const VaultId& id() const { return vault->header.id; }

    SeededRandom random;
    TestDevice founder{random, "laptop"};
    SecretBytes passphrase = SecretBytes::from_text("correct horse battery staple");
    std::unique_ptr<NewVault> vault;
    std::vector<Bytes> objects;
};

}  // namespace lockstep
