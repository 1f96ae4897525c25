// Bytes of format version 1, written once and opened for ever. The files are made by the disabled
// test below, run by hand when the format changes; then vault/FORMAT.md changes in the same commit.
#include <cstdlib>

#include "tests/vault/keys_world.h"
#include "vault/keys/local_keys.h"
#include "vault/keys/ticket.h"

namespace lockstep {
namespace {

const fs::path kDirectory = fs::path(LOCKSTEP_GOLDEN_DIRECTORY) / "keys";

Bytes read(const char* name) {
    auto bytes = posix_disk().read_file(kDirectory / name, 1 << 20);
    EXPECT_TRUE(bytes.ok()) << name;
    return std::move(bytes).value_or({});
}

TEST(KeysGoldenTest, VaultOpensWithPassphraseAndRecoveryCode) {
    auto header = decode_vault_header(read("lockstep.vault"));
    ASSERT_TRUE(header.ok()) << header.error().message;
    EXPECT_EQ(encode_vault_header(*header), read("lockstep.vault"));
    std::vector<Bytes> objects = {read("first.keys"), read("second.keys"), read("third.keys")};
    SecretBytes passphrase = SecretBytes::from_text("correct horse battery staple");
    KeyCredentials credentials;
    credentials.passphrase = &passphrase;
    auto state = KeyState::open(*header, objects, credentials);
    ASSERT_TRUE(state.ok()) << state.error().message;
    EXPECT_TRUE(state->problems().empty());
    EXPECT_EQ(state->heads(), std::vector{key_object_id(objects[2])});
    ASSERT_EQ(state->roster().members().size(), 2U);
    EXPECT_EQ(state->roster().members()[1].certificate.label, "desk");
    EXPECT_EQ(state->epoch_secrets().size(), 2U);

    SecretBytes code(read("recovery.txt"));
    KeyCredentials recovery;
    recovery.recovery_code = &code;
    auto recovered = KeyState::open(*header, objects, recovery);
    ASSERT_TRUE(recovered.ok()) << recovered.error().message;
    EXPECT_TRUE(equal(recovered->root().reveal(), state->root().reveal()));

    // One key of each level, so that no derivation changes unnoticed.
    VaultKeys vault = VaultKeys::derive(state->root(), state->vault());
    EpochId epoch = *state->write_epoch();
    EpochKeys epochs = EpochKeys::derive(*state->epoch_secret(epoch), state->vault(), epoch);
    ReplicatorKeys replicator =
        ReplicatorKeys::derive(*state->replicator_secret(epoch), state->vault(), epoch);
    std::string derived = hex(vault.chunk_id.reveal()) + "\n" + hex(epochs.records.reveal()) +
                          "\n" + hex(replicator.roster.reveal()) + "\n" +
                          vault.log_id({}, {}).to_hex() + "\n" +
                          vault.forked_file({}, {}).to_hex() + "\n";
    if (std::getenv("LOCKSTEP_WRITE_GOLDEN") != nullptr) {
        auto file = kDirectory / "derived.txt";
        ASSERT_TRUE(posix_disk().write_file_durably(file, as_bytes(derived)).ok());
    }
    EXPECT_EQ(derived, std::string(as_text(read("derived.txt"))));
}

TEST(KeysGoldenTest, LocalFilesAndTicketOpen) {
    auto header = decode_vault_header(read("lockstep.vault"));
    ASSERT_TRUE(header.ok());
    auto device = DeviceIdentity::decode(read("device.key"));
    ASSERT_TRUE(device.ok());
    EXPECT_EQ(device->id(), header->genesis.founder);
    auto local = decode_local_keys(read("keys.local"), header->id);
    ASSERT_TRUE(local.ok()) << local.error().message;
    EXPECT_EQ(encode_local_keys(*local), read("keys.local"));
    ASSERT_TRUE(local->sealing_clear.has_value());
    KeyCredentials credentials;
    credentials.device = &*local->sealing_clear;
    EXPECT_TRUE(KeyState::open(*header, {read("third.keys")}, credentials).ok());
    Bytes text = read("ticket.txt");
    auto ticket = parse_ticket(as_text(text));
    ASSERT_TRUE(ticket.ok()) << ticket.error().message;
    EXPECT_EQ(encode_ticket(*ticket), as_text(text));
    EXPECT_EQ(ticket->inviter, fingerprint_of(device->id()));
}

void write(const char* name, ByteView bytes) {
    ASSERT_TRUE(posix_disk().write_file_durably(kDirectory / name, bytes).ok());
}

TEST(KeysGoldenTest, DISABLED_Write) {
    ASSERT_TRUE(posix_disk().make_directories(kDirectory).ok());
    KeyWorld world(2026);
    TestDevice desk(world.random, "desk");
    world.admit(world.founder, desk, MemberRole::Writer);
    Bytes third = world.edit(world.founder, world.objects, rotate_epoch).value();
    write("lockstep.vault", world.vault->header_bytes);
    write("first.keys", world.objects[0]);
    write("second.keys", world.objects[1]);
    write("third.keys", third);
    write("recovery.txt", world.vault->recovery_code.reveal());
    write("device.key", world.founder.identity.encode());
    LocalKeys local;
    local.vault = world.id();
    local.sealing_public = world.founder.sealing.public_key();
    local.sealing_clear = world.founder.sealing.copy();
    local.pinned = {key_object_id(third)};
    local.format_seen_max = 1;
    local.certificate = world.founder.certificate(world.id());
    auto state = world.open(world.founder, {third});
    for (const auto& [epoch, secret] : state->replicator_secrets())
        local.replicators.emplace(epoch, secret.copy());
    write("keys.local", encode_local_keys(local));
    Ticket ticket;
    world.random.fill(ticket.secret);
    ticket.inviter = fingerprint_of(world.founder.identity.id());
    ticket.expires_at = 2'000'000'000;
    ticket.vault_label = "Photos";
    ticket.relays = {"https://relay.example:8443"};
    ticket.addresses = {"192.0.2.7:4001"};
    write("ticket.txt", as_bytes(encode_ticket(ticket)));
}

}  // namespace
}  // namespace lockstep
