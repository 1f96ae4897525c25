// What key objects say together: opening, admitting, merging, rotating, refusing.
#include "tests/vault/keys_world.h"
#include "vault/keys/recovery_code.h"

namespace lockstep {
namespace {

class KeyStateTest : public ::testing::Test {
  protected:
    KeyWorld world_;
    TestDevice desk_{world_.random, "desk"};
    TestDevice phone_{world_.random, "phone"};

    ErrorKind error_of(const Result<KeyState>& state) { return state.error().kind; }
};

TEST_F(KeyStateTest, FounderOpensItsNewVaultAsOwner) {
    auto state = world_.open(world_.founder);
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_TRUE(state->is_unlocked());
    EXPECT_TRUE(state->problems().empty());
    ASSERT_EQ(state->roster().members().size(), 1U);
    EXPECT_EQ(state->roster().members()[0].role, MemberRole::Owner);
    EXPECT_EQ(state->roster().members()[0].certificate.label, "laptop");
    EXPECT_EQ(state->roster().slots().size(), 2U);
    EXPECT_EQ(state->heads(), std::vector{world_.vault->key_object_id});
    ASSERT_TRUE(state->write_epoch().has_value());
    EXPECT_EQ(*state->write_epoch(), state->newest_epoch());
    EXPECT_EQ(root_commitment(state->root()), world_.vault->header.genesis.root);
}

TEST_F(KeyStateTest, PassphraseAndRecoveryCodeOpenTheSameKeys) {
    auto device = world_.open(world_.founder);
    auto passphrase = world_.open_with(world_.passphrase);
    ASSERT_TRUE(passphrase.ok()) << passphrase.error().message;
    EXPECT_TRUE(equal(passphrase->root().reveal(), device->root().reveal()));
    ASSERT_NE(passphrase->slot_author(), nullptr);
    EXPECT_EQ(passphrase->roster().authority_of(passphrase->slot_author()->public_key()),
              Authority::Passphrase);
    KeyCredentials credentials;
    credentials.recovery_code = &world_.vault->recovery_code;
    auto recovered = KeyState::open(world_.vault->header, world_.objects, credentials);
    ASSERT_TRUE(recovered.ok()) << recovered.error().message;
    EXPECT_TRUE(equal(recovered->root().reveal(), device->root().reveal()));
    EXPECT_EQ(recovered->roster().authority_of(recovered->slot_author()->public_key()),
              Authority::Recovery);
}

TEST_F(KeyStateTest, WrongCredentialsAreWrongKeys) {
    EXPECT_EQ(error_of(world_.open_with(SecretBytes::from_text("wrong"))), ErrorKind::WrongKey);
    EXPECT_EQ(error_of(world_.open(desk_)), ErrorKind::WrongKey);
    SecretBytes code = make_recovery_code(world_.random);
    KeyCredentials credentials;
    credentials.recovery_code = &code;
    EXPECT_EQ(error_of(KeyState::open(world_.vault->header, world_.objects, credentials)),
              ErrorKind::WrongKey);
    EXPECT_EQ(error_of(KeyState::open(world_.vault->header, {}, credentials)), ErrorKind::NotFound);
}

TEST_F(KeyStateTest, AdmittedDeviceOpensEverything) {
    world_.admit(world_.founder, desk_, MemberRole::Writer);
    auto state = world_.open(desk_);
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_EQ(state->heads().size(), 1U);
    EXPECT_EQ(state->valid().size(), 2U);
    const RosterMember* member = state->roster().find(desk_.identity.id());
    ASSERT_NE(member, nullptr);
    EXPECT_EQ(member->role, MemberRole::Writer);
    EXPECT_EQ(member->admitted, 1U);
    EXPECT_TRUE(equal(state->root().reveal(), world_.open(world_.founder)->root().reveal()));
    EXPECT_EQ(world_.open(world_.founder)->valid().size(), 2U);
}

TEST_F(KeyStateTest, PassphraseAdmitsTheDeviceThatOpensTheDirectory) {
    auto state = world_.open_with(world_.passphrase);
    KeyEditor editor{*state, *state->slot_author(), 5, world_.random};
    world_.objects.push_back(
        admit_member(editor, desk_.certificate(world_.id()), MemberRole::Owner).value());
    auto opened = world_.open(desk_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(opened->roster().find(desk_.identity.id())->role, MemberRole::Owner);
    EXPECT_TRUE(world_.open(world_.founder)->problems().empty());
}

TEST_F(KeyStateTest, PassphraseMayDoNothingElse) {
    world_.admit(world_.founder, desk_, MemberRole::Writer);
    auto state = world_.open_with(world_.passphrase);
    KeyEditor editor{*state, *state->slot_author(), 5, world_.random};
    EXPECT_EQ(rotate_epoch(editor).error().kind, ErrorKind::Refused);
    EXPECT_EQ(revoke_member(editor, desk_.identity.id(), {}).error().kind, ErrorKind::Refused);
    EXPECT_EQ(change_role(editor, desk_.identity.id(), MemberRole::Owner).error().kind,
              ErrorKind::Refused);
    EXPECT_EQ(recover_member(editor, desk_.certificate(world_.id())).error().kind,
              ErrorKind::Refused);
}

TEST_F(KeyStateTest, WritersAndStrangersMayNotAdmit) {
    world_.admit(world_.founder, desk_, MemberRole::Writer);
    auto attempt = world_.edit(desk_, world_.objects, [&](const KeyEditor& editor) {
        return admit_member(editor, phone_.certificate(world_.id()), MemberRole::Owner);
    });
    EXPECT_EQ(attempt.error().kind, ErrorKind::Refused);
}

TEST_F(KeyStateTest, TwoAdmissionsAtOnceAreBothThereAndTheNextObjectMergesThem) {
    world_.admit(world_.founder, desk_, MemberRole::Owner);
    TestDevice tablet(world_.random, "tablet");
    Bytes a = world_.admit(world_.founder, phone_, MemberRole::Writer, world_.objects);
    Bytes b = world_.admit(desk_, tablet, MemberRole::Reader, world_.objects);
    world_.objects.push_back(a);
    world_.objects.push_back(b);
    auto state = world_.open(world_.founder);
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_EQ(state->heads().size(), 2U);
    EXPECT_TRUE(state->needs_merge());
    EXPECT_EQ(state->roster().members().size(), 4U);
    world_.objects.push_back(world_.edit(desk_, world_.objects, merge_key_objects).value());
    for (const TestDevice* device : {&phone_, &tablet}) {
        auto merged = world_.open(*device);
        ASSERT_TRUE(merged.ok()) << merged.error().message;
        EXPECT_EQ(merged->heads().size(), 1U);
        EXPECT_EQ(merged->roster().members().size(), 4U);
    }
}

TEST_F(KeyStateTest, OrderOfObjectsDoesNotMatter) {
    world_.admit(world_.founder, desk_, MemberRole::Owner);
    world_.admit(desk_, phone_, MemberRole::Writer);
    auto forward = world_.open(world_.founder);
    std::vector<Bytes> reversed(world_.objects.rbegin(), world_.objects.rend());
    reversed.push_back(reversed[0]);
    auto backward = world_.open(world_.founder, reversed);
    EXPECT_EQ(forward->heads(), backward->heads());
    EXPECT_EQ(forward->roster().heads(), backward->roster().heads());
}

TEST_F(KeyStateTest, ConcurrentRotationsLeaveAllEpochsReadable) {
    world_.admit(world_.founder, desk_, MemberRole::Owner);
    Bytes a = world_.edit(world_.founder, world_.objects, rotate_epoch).value();
    Bytes b = world_.edit(desk_, world_.objects, rotate_epoch).value();
    world_.objects.push_back(a);
    world_.objects.push_back(b);
    auto one = world_.open(world_.founder), two = world_.open(desk_);
    ASSERT_TRUE(one.ok() && two.ok());
    EXPECT_EQ(one->epoch_secrets().size(), 3U);
    EXPECT_EQ(one->write_epoch(), two->write_epoch());
    EXPECT_EQ(one->roster().epochs().size(), 3U);
}

TEST_F(KeyStateTest, LockedDeviceFollowsARotationWithoutAnyPassphrase) {
    world_.admit(world_.founder, desk_, MemberRole::Writer);
    SealingKey replica = desk_.identity.vault_replica_key(world_.id());
    KeyCredentials locked;
    locked.replica = &replica;
    auto before = KeyState::open(world_.vault->header, world_.objects, locked);
    ASSERT_TRUE(before.ok()) << before.error().message;
    EXPECT_FALSE(before->is_unlocked());
    EXPECT_TRUE(before->epoch_secrets().empty());
    world_.objects.push_back(world_.edit(world_.founder, world_.objects, rotate_epoch).value());
    auto after = KeyState::open(world_.vault->header, world_.objects, locked);
    ASSERT_TRUE(after.ok()) << after.error().message;
    EXPECT_EQ(after->replicator_secrets().size(), 2U);
    EXPECT_NE(after->newest_epoch(), before->newest_epoch());
    EXPECT_EQ(after->newest_epoch(), world_.open(world_.founder)->newest_epoch());
}

TEST_F(KeyStateTest, BlindMemberGetsReplicatorSecretsAndNothingElse) {
    world_.admit(world_.founder, desk_, MemberRole::Blind);
    EXPECT_EQ(error_of(world_.open(desk_)), ErrorKind::WrongKey);
    SealingKey replica = desk_.identity.vault_replica_key(world_.id());
    KeyCredentials blind;
    blind.replica = &replica;
    auto state = KeyState::open(world_.vault->header, world_.objects, blind);
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_FALSE(state->is_unlocked());
    EXPECT_EQ(state->roster().members().size(), 2U);
}

TEST_F(KeyStateTest, KnownReplicatorSecretsOpenTheRoster) {
    std::map<EpochId, ReplicatorSecret> known;
    {
        auto state = world_.open(world_.founder);
        for (const auto& [epoch, secret] : state->replicator_secrets())
            known.emplace(epoch, secret.copy());
    }
    KeyCredentials credentials;
    credentials.known = &known;
    auto state = KeyState::open(world_.vault->header, world_.objects, credentials);
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_EQ(state->roster().members().size(), 1U);
}

TEST_F(KeyStateTest, RevocationStartsAnEpochThatTheRevokedDeviceCannotOpen) {
    world_.admit(world_.founder, desk_, MemberRole::Writer);
    LogCut cut{.log = world_.random.id<LogId>(), .number = 7, .hash = {}};
    world_.objects.push_back(world_
                                 .edit(world_.founder, world_.objects,
                                       [&](const KeyEditor& editor) {
                                           return revoke_member(editor, desk_.identity.id(), {cut});
                                       })
                                 .value());
    auto owner = world_.open(world_.founder);
    const RosterMember* member = owner->roster().find(desk_.identity.id());
    EXPECT_TRUE(member->is_revoked);
    EXPECT_EQ(member->cuts, std::vector{cut});
    SealingKey replica = desk_.identity.vault_replica_key(world_.id());
    KeyCredentials credentials = world_.credentials_of(desk_);
    credentials.replica = &replica;
    auto revoked = KeyState::open(world_.vault->header, world_.objects, credentials);
    ASSERT_TRUE(revoked.ok());  // what it could read before it can read
    EXPECT_EQ(revoked->epoch_secret(*owner->write_epoch()), nullptr);
    EXPECT_EQ(revoked->replicator_secret(*owner->write_epoch()), nullptr);
    auto again = world_.edit(world_.founder, world_.objects, [&](const KeyEditor& editor) {
        return admit_member(editor, desk_.certificate(world_.id()), MemberRole::Writer);
    });
    EXPECT_EQ(again.error().kind, ErrorKind::Refused);
}

TEST_F(KeyStateTest, RotationConcurrentWithARevocationIsNotWrittenWith) {
    world_.admit(world_.founder, desk_, MemberRole::Owner);
    world_.admit(world_.founder, phone_, MemberRole::Writer);
    Bytes revoke = world_
                       .edit(world_.founder, world_.objects,
                             [&](const KeyEditor& editor) {
                                 return revoke_member(editor, phone_.identity.id(), {});
                             })
                       .value();
    std::vector<Bytes> other = world_.objects;
    other.push_back(world_.edit(desk_, other, rotate_epoch).value());
    other.push_back(world_.edit(desk_, other, rotate_epoch).value());  // greater sequence
    EpochId unaware = *world_.open(desk_, other)->write_epoch();
    world_.objects = other;
    world_.objects.push_back(revoke);
    auto state = world_.open(world_.founder);
    EXPECT_NE(*state->write_epoch(), unaware);
    EXPECT_NE(state->epoch_secret(unaware), nullptr);
}

TEST_F(KeyStateTest, ChangedPassphraseReplacesTheOldOne) {
    SecretBytes fresh = SecretBytes::from_text("a new one");
    Bytes changed = world_
                        .edit(world_.founder, world_.objects,
                              [&](const KeyEditor& editor) {
                                  return change_passphrase(editor, fresh, kPassphraseCostMin);
                              })
                        .value();
    world_.objects.push_back(changed);
    EXPECT_TRUE(world_.open_with(fresh).ok());
    // Known to whoever has seen the new head, and to everybody once the old object is deleted.
    KeyCredentials credentials;
    credentials.passphrase = &world_.passphrase;
    credentials.pinned = {key_object_id(changed)};
    EXPECT_EQ(error_of(KeyState::open(world_.vault->header, world_.objects, credentials)),
              ErrorKind::WrongKey);
    world_.objects = {changed};
    EXPECT_EQ(error_of(world_.open_with(world_.passphrase)), ErrorKind::WrongKey);
    EXPECT_TRUE(world_.open(world_.founder).ok());
}

TEST_F(KeyStateTest, RecoveryCodeMakesANewOwner) {
    KeyCredentials credentials;
    credentials.recovery_code = &world_.vault->recovery_code;
    auto state = KeyState::open(world_.vault->header, world_.objects, credentials);
    KeyEditor editor{*state, *state->slot_author(), 5, world_.random};
    world_.objects.push_back(recover_member(editor, desk_.certificate(world_.id())).value());
    EXPECT_EQ(world_.open(desk_)->roster().find(desk_.identity.id())->role, MemberRole::Owner);
}

TEST_F(KeyStateTest, MissingPinnedHeadIsAnAlarmNotARefusal) {
    KeyCredentials credentials = world_.credentials_of(world_.founder);
    KeyObjectId gone = world_.random.id<KeyObjectId>();
    credentials.pinned = {gone, world_.vault->key_object_id};
    auto state = KeyState::open(world_.vault->header, world_.objects, credentials);
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(state->missing_pins(), std::vector{gone});
}

TEST_F(KeyStateTest, DamagedObjectsAreNamedAndTheRestIsUsed) {
    world_.admit(world_.founder, desk_, MemberRole::Writer);
    world_.objects.push_back(world_.objects[1]);
    world_.objects.back()[100] ^= std::byte{1};
    auto state = world_.open(world_.founder);
    ASSERT_TRUE(state.ok());
    ASSERT_EQ(state->problems().size(), 1U);
    EXPECT_EQ(state->problems()[0].object, key_object_id(world_.objects.back()));
    EXPECT_EQ(error_of(world_.open(world_.founder, {world_.objects.back()})), ErrorKind::Corrupt);
}

// A stranger that stores the vault writes an object of its own, naming the real head as parent.
TEST_F(KeyStateTest, ObjectOfAStrangerSupersedesNothing) {
    KeyWorld evil(99);
    auto state = evil.open(evil.founder);
    FactSet facts = state->facts();
    Keyring keyring{RootKey::random(evil.random), {}};
    EpochId epoch = evil.random.id<EpochId>();
    keyring.epochs.emplace(epoch, EpochSecret::random(evil.random));
    SigningKey author = evil.founder.identity.vault_signing_key(world_.id());
    Bytes object = build_key_object({.vault = world_.id(),
                                     .parents = {world_.vault->key_object_id},
                                     .created_ms = 1,
                                     .roster_epoch = epoch,
                                     .slots = world_.open(world_.founder)->slots(),
                                     .facts = {},
                                     .keyring = keyring,
                                     .grants_to = {}},
                                    author, evil.random)
                       .value();
    world_.objects.push_back(object);
    auto opened = world_.open(world_.founder);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(opened->heads(), std::vector{world_.vault->key_object_id});
    EXPECT_FALSE(opened->problems().empty());
}

// An owner's object that seals to a stranger as well: the whole object is refused, before anything
// is sealed after it.
TEST_F(KeyStateTest, ObjectThatSealsToAStrangerIsRefused) {
    auto state = world_.open(world_.founder);
    Keyring keyring{state->root().copy(), {}};
    for (const auto& [epoch, secret] : state->epoch_secrets())
        keyring.epochs.emplace(epoch, secret.copy());
    auto with = [&](std::vector<KeySlot> slots, std::vector<SealingPublicKey> grants) {
        return build_key_object({.vault = world_.id(),
                                 .parents = state->heads(),
                                 .created_ms = 1,
                                 .roster_epoch = state->newest_epoch(),
                                 .slots = std::move(slots),
                                 .facts = state->facts(),
                                 .keyring = keyring,
                                 .grants_to = std::move(grants)},
                                world_.founder.identity.vault_signing_key(world_.id()),
                                world_.random)
            .value();
    };
    std::vector<KeySlot> slots = state->slots();
    slots.push_back({.type = SlotType::Device,
                     .sealing = desk_.sealing.public_key(),
                     .signing = desk_.certificate(world_.id()).signing,
                     .parameters = {},
                     .sealed = {}});
    for (const Bytes& object :
         {with(slots, {}), with(state->slots(), {desk_.sealing.public_key()})}) {
        auto opened = world_.open(world_.founder, {world_.objects[0], object});
        ASSERT_TRUE(opened.ok());
        ASSERT_EQ(opened->problems().size(), 1U);
        EXPECT_EQ(opened->problems()[0].error.kind, ErrorKind::Refused);
    }
}

TEST_F(KeyStateTest, ObjectWithAnotherRootKeyOrEpochSecretIsRefused) {
    auto state = world_.open(world_.founder);
    EpochId epoch = state->newest_epoch();
    Keyring other_root{RootKey::random(world_.random), {}};
    other_root.epochs.emplace(epoch, state->epoch_secret(epoch)->copy());
    Keyring other_epoch{state->root().copy(), {}};
    other_epoch.epochs.emplace(epoch, EpochSecret::random(world_.random));
    for (const Keyring* keyring : {&other_root, &other_epoch}) {
        Bytes object =
            build_key_object({.vault = world_.id(),
                              .parents = state->heads(),
                              .created_ms = 1,
                              .roster_epoch = epoch,
                              .slots = state->slots(),
                              .facts = state->facts(),
                              .keyring = *keyring,
                              .grants_to = {}},
                             world_.founder.identity.vault_signing_key(world_.id()), world_.random)
                .value();
        EXPECT_FALSE(world_.open(world_.founder, {object}).ok());
    }
}

}  // namespace
}  // namespace lockstep
