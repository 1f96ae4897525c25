// device.key, certificates, keys.local and the key tree.
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/memory_disk.h"
#include "tests/support/temp_dir.h"
#include "tests/vault/keys_world.h"
#include "vault/keys/local_keys.h"

namespace lockstep {
namespace {

TEST(DeviceIdentityTest, IsMadeOnceAndSurvivesACrash) {
    SeededRandom random(1);
    MemoryDisk disk;
    auto first = DeviceIdentity::load_or_create(disk, "/state/device.key", random);
    ASSERT_TRUE(first.ok()) << first.error().message;
    disk.crash();
    auto second = DeviceIdentity::load_or_create(disk, "/state/device.key", random);
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(first->id(), second->id());
    EXPECT_TRUE(equal(first->secret().reveal(), second->secret().reveal()));
}

TEST(DeviceIdentityTest, DamagedFileIsReportedAndNeverReplaced) {
    SeededRandom random(1);
    Bytes bytes = DeviceIdentity::generate(random).encode();
    ASSERT_TRUE(DeviceIdentity::decode(bytes).ok());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_FALSE(DeviceIdentity::decode(damaged).ok());
    }
    MemoryDisk disk;
    ASSERT_TRUE(disk.make_directories("/s").ok());
    ASSERT_TRUE(disk.write_file_durably("/s/device.key", ByteView(bytes).first(50)).ok());
    EXPECT_FALSE(DeviceIdentity::load_or_create(disk, "/s/device.key", random).ok());
    EXPECT_EQ(disk.read_file("/s/device.key", 1000).value().size(), 50U);
}

TEST(DeviceIdentityTest, FileIsForItsOwnerOnly) {
    TempDir directory;
    fs::path path = directory.path() / "state" / "device.key";
    ASSERT_TRUE(DeviceIdentity::load_or_create(posix_disk(), path, system_random()).ok());
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(DeviceIdentityTest, VaultsCannotBeLinkedByTheirKeys) {
    SeededRandom random(1);
    DeviceIdentity device = DeviceIdentity::generate(random);
    VaultId a = random.id<VaultId>(), b = random.id<VaultId>();
    EXPECT_NE(device.vault_signing_key(a).public_key(), device.vault_signing_key(b).public_key());
    EXPECT_NE(device.vault_replica_key(a).public_key(), device.vault_replica_key(b).public_key());
    EXPECT_EQ(device.vault_signing_key(a).public_key(), device.vault_signing_key(a).public_key());
}

TEST(DeviceCertificateTest, EveryChangedFieldIsRefused) {
    SeededRandom random(1);
    TestDevice device(random, "desk"), other(random, "other");
    DeviceCertificate good = device.certificate(random.id<VaultId>());
    EXPECT_TRUE(good.verify().ok());
    auto refused = [&](auto change) {
        DeviceCertificate changed = good;
        change(changed);
        return !changed.verify().ok();
    };
    EXPECT_TRUE(refused([&](auto& c) { c.device = other.identity.id(); }));
    EXPECT_TRUE(refused([&](auto& c) { c.vault = random.id<VaultId>(); }));
    EXPECT_TRUE(refused([&](auto& c) { c.signing = random.id<SigningPublicKey>(); }));
    EXPECT_TRUE(refused([&](auto& c) { c.sealing = random.id<SealingPublicKey>(); }));
    EXPECT_TRUE(refused([&](auto& c) { c.replica = random.id<SealingPublicKey>(); }));
    EXPECT_TRUE(refused([&](auto& c) { c.label = "desc"; }));
}

TEST(DeviceLabelTest, IsPrintableUtf8OfBoundedLength) {
    for (const char* good : {"a", "Küche", "日本", "a b"})
        EXPECT_TRUE(check_device_label(good).ok());
    EXPECT_TRUE(check_device_label(std::string(64, 'x')).ok());
    for (const char* bad :
         {"", "a\n", "\x7f", "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
        EXPECT_FALSE(check_device_label(bad).ok());
    EXPECT_FALSE(check_device_label(std::string(65, 'x')).ok());
}

class LocalKeysTest : public ::testing::Test {
  protected:
    LocalKeys make() {
        LocalKeys out;
        out.vault = vault_;
        out.sealing_public = device_.sealing.public_key();
        out.replicators.emplace(random_.id<EpochId>(), ReplicatorSecret::random(random_));
        out.replicators.emplace(random_.id<EpochId>(), ReplicatorSecret::random(random_));
        out.pinned = {random_.id<KeyObjectId>()};
        out.format_seen_max = 1;
        out.certificate = device_.certificate(vault_);
        return out;
    }

    SeededRandom random_{7};
    VaultId vault_ = random_.id<VaultId>();
    TestDevice device_{random_, "desk"};
    SecretBytes passphrase_ = SecretBytes::from_text("pass");
};

TEST_F(LocalKeysTest, KeepsTheSecretInEveryWay) {
    for (int kept = 0; kept < 4; ++kept) {
        LocalKeys keys = make();
        if ((kept & 1) != 0) keys.sealing_clear = device_.sealing.copy();
        if ((kept & 2) != 0)
            keys.sealing_sealed =
                SealedSecret{.salt = {}, .cost = kPassphraseCostMin, .sealed = Bytes(72)};
        Bytes bytes = encode_local_keys(keys);
        auto decoded = decode_local_keys(bytes, vault_);
        ASSERT_TRUE(decoded.ok()) << decoded.error().message;
        EXPECT_EQ(encode_local_keys(*decoded), bytes);
        EXPECT_EQ(decoded->sealing_clear.has_value(), (kept & 1) != 0);
        EXPECT_EQ(decoded->certificate, keys.certificate);
        EXPECT_FALSE(decode_local_keys(bytes, random_.id<VaultId>()).ok());
    }
}

TEST_F(LocalKeysTest, EveryFlippedBitIsRefused) {
    LocalKeys keys = make();
    keys.sealing_clear = device_.sealing.copy();
    Bytes bytes = encode_local_keys(keys);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_FALSE(decode_local_keys(damaged, vault_).ok()) << bit;
    }
}

TEST_F(LocalKeysTest, PassphraseOpensTheSealedSecret) {
    auto sealed =
        seal_sealing_key(device_.sealing, vault_, passphrase_, kPassphraseCostMin, random_);
    ASSERT_TRUE(sealed.ok());
    auto expected = device_.sealing.public_key();
    EXPECT_EQ(open_sealing_key(*sealed, vault_, passphrase_, expected)->public_key(), expected);
    EXPECT_EQ(
        open_sealing_key(*sealed, vault_, SecretBytes::from_text("no"), expected).error().kind,
        ErrorKind::WrongKey);
    EXPECT_FALSE(open_sealing_key(*sealed, vault_, passphrase_, {}).ok());
}

TEST(KeyTreeTest, AllKeysOfATreeDiffer) {
    SeededRandom random(8);
    VaultId vault = random.id<VaultId>();
    EpochId epoch = random.id<EpochId>();
    RootKey root = RootKey::random(random);
    EpochSecret secret = EpochSecret::random(random);
    ReplicatorSecret replicator = derive_replicator_secret(secret, vault, epoch);
    VaultKeys v = VaultKeys::derive(root, vault);
    EpochKeys e = EpochKeys::derive(secret, vault, epoch);
    ReplicatorKeys r = ReplicatorKeys::derive(replicator, vault, epoch);
    std::set<std::string> all;
    std::size_t count = 0;
    for (const AnySecretKey* key : std::initializer_list<const AnySecretKey*>{
             &root, &secret, &replicator, &v.chunk_id, &v.list_node_id, &v.inline_root, &v.chunker,
             &v.pseudonym, &v.derived_id, &e.pack_base, &e.records, &e.names, &r.control_torrent,
             &r.swarm_mac, &r.roster, &r.segment_outer}) {
        all.insert(hex(key->reveal()));
        ++count;
    }
    EXPECT_EQ(all.size(), count);
    EXPECT_FALSE(equal(VaultKeys::derive(root, random.id<VaultId>()).chunk_id.reveal(),
                       v.chunk_id.reveal()));
    EXPECT_FALSE(equal(EpochKeys::derive(secret, vault, random.id<EpochId>()).records.reveal(),
                       e.records.reveal()));
}

TEST(KeyTreeTest, IdsAreFunctionsOfWhatTheyName) {
    SeededRandom random(8);
    VaultKeys keys = VaultKeys::derive(RootKey::random(random), random.id<VaultId>());
    auto device = random.id<DeviceId>();
    auto incarnation = random.id<IncarnationId>();
    EXPECT_EQ(keys.log_id(device, incarnation), keys.log_id(device, incarnation));
    EXPECT_NE(keys.log_id(device, incarnation), keys.log_id(device, random.id<IncarnationId>()));
    auto version = random.id<VersionId>();
    FileId file = random.id<FileId>();
    LinkId link = LinkId::from(file.view());
    EXPECT_EQ(keys.forked_file(file, version), keys.forked_file(file, version));
    EXPECT_NE(keys.forked_file(file, version).bytes, keys.forked_link(link, version).bytes);
    EXPECT_NE(keys.forked_file(file, version).bytes, keys.forked_version(file, version).bytes);
}

TEST(KeyTreeTest, EveryPackHasItsOwnKey) {
    SeededRandom random(8);
    EpochKeys keys =
        EpochKeys::derive(EpochSecret::random(random), random.id<VaultId>(), random.id<EpochId>());
    Bytes a = random.bytes(32), b = random.bytes(32);
    EXPECT_EQ(keys.pack_key(a).commitment, keys.pack_key(a).commitment);
    EXPECT_NE(keys.pack_key(a).commitment, keys.pack_key(b).commitment);
}

// vault/FORMAT.md lists every label of kdf_labels.h, and no other.
TEST(KdfLabelsTest, DocumentListsThem) {
    auto read = [](const fs::path& path) {
        std::ifstream in(path);
        std::ostringstream out;
        out << in.rdbuf();
        return out.str();
    };
    fs::path document = LOCKSTEP_FORMAT_DOCUMENT;
    auto labels_in = [](const std::string& text, char quote) {
        std::set<std::string> out;
        for (std::size_t at = 0;
             (at = text.find(quote + std::string("lockstep v1 "), at)) != std::string::npos;) {
            std::size_t end = text.find(quote, at + 1);
            out.insert(text.substr(at + 1, end - at - 1));
            at = end;
        }
        return out;
    };
    auto in_code = labels_in(read(document.parent_path() / "crypto" / "kdf_labels.h"), '"');
    auto in_document = labels_in(read(document), '`');
    EXPECT_GT(in_code.size(), 30U);
    for (const std::string& label : in_code) EXPECT_TRUE(in_document.contains(label)) << label;
    for (const std::string& label : in_document) EXPECT_TRUE(in_code.contains(label)) << label;
}

}  // namespace
}  // namespace lockstep
