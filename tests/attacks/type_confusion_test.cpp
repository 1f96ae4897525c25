// T08: an object is passed off as one of another kind. Every kind in place of every other: at the
// decoders (with the same 32 bytes as every key, which no vault has), at the seals, signatures and
// derivations, among a vault's files, and from a peer.
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "tests/vault/keys_world.h"
#include "tests/vault/log_samples.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/kdf.h"
#include "vault/crypto/kdf_labels.h"
#include "vault/crypto/signature.h"
#include "vault/index/index.h"
#include "vault/journal/journal_replay.h"
#include "vault/keys/local_keys.h"
#include "vault/keys/recovery_code.h"
#include "vault/keys/ticket.h"
#include "vault/packs/pack_builder.h"
#include "vault/packs/pack_reader.h"
#include "vault/presence/keep_rules.h"

namespace lockstep {
namespace {

const fs::path kIndexPath = "/state/index.db";

struct Kind {
    std::string name;
    Bytes sample;
    std::function<bool(ByteView)> opens;
};

// One of each, all of one vault and epoch, under one and the same key.
class KindsOfObjects {
  public:
    KindsOfObjects() {
        writer_.vault = world_.id();
        writer_.records_key = key<struct RecordKeyTag>();
        writer_.outer_key = key<struct SegmentOuterKeyTag>();
        add_keys();
        add_data();
        add_local();
    }
    const std::vector<Kind>& all() const { return all_; }

  private:
    template <typename Purpose>
    static SecretKey<Purpose> key() {
        return SecretKey<Purpose>::from(id_of<Id<void, 32>>(7).view());
    }
    void add(std::string name, Bytes sample, std::function<bool(ByteView)> opens) {
        all_.push_back({std::move(name), std::move(sample), std::move(opens)});
    }
    template <typename T>
    static bool ok(const Result<T>& result) {
        return result.ok();
    }

    void add_keys() {
        add("vault header", encode_vault_header(world_.vault->header),
            [](ByteView bytes) { return ok(decode_vault_header(bytes)); });
        add("key object", world_.objects[0],
            [this](ByteView bytes) { return ok(parse_key_object(bytes, world_.id())); });
        add("device key", world_.founder.identity.encode(),
            [](ByteView bytes) { return ok(DeviceIdentity::decode(bytes)); });
        LocalKeys local{.vault = world_.id(),
                        .sealing_public = world_.founder.sealing.public_key(),
                        .sealing_clear = world_.founder.sealing.copy(),
                        .sealing_sealed = {},
                        .replicators = {},
                        .pinned = {},
                        .format_seen_max = 1,
                        .certificate = world_.founder.certificate(world_.id())};
        add("local keys", encode_local_keys(local),
            [this](ByteView bytes) { return ok(decode_local_keys(bytes, world_.id())); });
        add("ticket", to_bytes(as_bytes(encode_ticket(Ticket{}))),
            [](ByteView bytes) { return ok(parse_ticket(as_text(bytes))); });
        add("recovery code", to_bytes(make_recovery_code(world_.random).reveal()),
            [](ByteView bytes) { return ok(read_recovery_code(bytes)); });
    }

    void add_data() {
        add("segment", writer_.write(one_of_each()), [this](ByteView bytes) {
            auto outer = open_outer(bytes, writer_.lookup());
            return outer.ok() &&
                   ok(open_records(bytes, *outer, writer_.vault, writer_.records_key));
        });
        PackBuilder builder(key<struct PackBaseKeyTag>(), world_.id(), writer_.epoch,
                            world_.random);
        builder.add(ChunkKind::Data, id_of<ChunkId>(1), as_bytes("content"));
        add("pack", std::move(builder).finish().bytes, [this](ByteView bytes) {
            auto pack = PackReader::open(std::make_unique<MemoryPackBytes>(bytes),
                                         key<struct PackBaseKeyTag>(), world_.id());
            return pack.ok() && ok(pack->read_index());
        });
    }

    void add_local() {
        const JournalCipher cipher{world_.id(), key<struct JournalKeyTag>()};
        Bytes journal = cipher.encode_slot(1);
        const JournalLink link = journal_link(journal);
        journal.resize(kJournalFramesOffset);
        cipher.append_frame(
            journal, {1, 0, link, encode_journal_entry(JournalRecords{one_of_each()}).value()},
            world_.random);
        add("journal", journal, [this](ByteView bytes) {
            auto replay = replay_journal(bytes, {world_.id(), key<struct JournalKeyTag>()});
            return replay.ok() && !replay->entries.empty();
        });
        MemoryDisk disk;
        CHECK(disk.make_directories("/state").ok());
        CHECK(Index::open(index_at(disk)).ok());
        add("index", *disk.contents(kIndexPath), [this](ByteView bytes) {
            MemoryDisk other;
            other.put(kIndexPath, bytes);
            auto index = Index::open(index_at(other));
            return index.ok() && !(*index)->is_new();
        });
        add("keep rules", encode_keep_rules({}),
            [](ByteView bytes) { return ok(decode_keep_rules(bytes)); });
    }
    SealedFilesEnvironment index_at(Disk& disk) {
        return {disk, kIndexPath, key<struct IndexKeyTag>(), world_.id(), world_.random};
    }

    KeyWorld world_;
    LogWriter writer_{9};
    std::vector<Kind> all_;
};

TEST(T08_TypeConfusionTest, NoDecoderTakesAnObjectOfAnotherKind) {
    KindsOfObjects kinds;
    ASSERT_EQ(kinds.all().size(), 11U);
    for (const Kind& wanted : kinds.all())
        for (const Kind& given : kinds.all())
            EXPECT_EQ(wanted.opens(given.sample), wanted.name == given.name)
                << "a " << given.name << " as a " << wanted.name;
}

// Nor when whoever passes it off writes the prefix of the other kind over its own.
TEST(T08_TypeConfusionTest, NoDecoderTakesAnObjectOfAnotherKindUnderItsOwnPrefix) {
    KindsOfObjects kinds;
    for (const Kind& wanted : kinds.all()) {
        for (const Kind& given : kinds.all()) {
            if (wanted.name == given.name) continue;
            Bytes disguised = given.sample;
            const std::size_t size = std::min(disguised.size(), kObjectPrefixSize);
            std::copy_n(wanted.sample.begin(), std::min(size, wanted.sample.size()),
                        disguised.begin());
            EXPECT_FALSE(wanted.opens(disguised)) << "a " << given.name << " as a " << wanted.name;
        }
    }
}

TEST(T08_TypeConfusionTest, NothingSealedAsOneTypeOpensAsAnother) {
    SeededRandom random(8);
    const auto key = SecretKey<struct TestKeyTag>::random(random);
    const VaultId vault = random.id<VaultId>();
    const EpochId epoch = random.id<EpochId>();
    const auto aad = [&](int type) {
        return associated_data(
            {.type = static_cast<ObjectType>(type), .vault = vault, .epoch = epoch});
    };
    for (int sealed_as = 1; sealed_as <= 47; ++sealed_as) {
        const Bytes sealed = seal(key, aad(sealed_as), as_bytes("the same content"), random);
        for (int opened_as = 1; opened_as <= 47; ++opened_as)
            EXPECT_EQ(open(key, aad(opened_as), sealed).ok(), sealed_as == opened_as)
                << sealed_as << " as " << opened_as;
    }
}

TEST(T08_TypeConfusionTest, NoSignatureOfOnePurposeCountsForAnother) {
    SeededRandom random(8);
    const SigningKey signer(SigningSeed::random(random));
    const Bytes message = random.bytes(100);
    const std::string_view labels[] = {
        label::kSignCertificate, label::kSignFact,      label::kSignKeyObject, label::kSignSegment,
        label::kSignHead,        label::kSignHandshake, label::kSignAdmission};
    for (std::string_view signed_as : labels) {
        const Signature signature = signer.sign(signed_as, message);
        for (std::string_view verified_as : labels)
            EXPECT_EQ(verify(signer.public_key(), verified_as, message, signature).ok(),
                      signed_as == verified_as)
                << signed_as << " as " << verified_as;
        // The border between label and message cannot be moved.
        for (std::size_t cut = 1; cut < 8; ++cut) {
            Bytes moved = to_bytes(as_bytes(signed_as.substr(signed_as.size() - cut)));
            append(moved, message);
            EXPECT_FALSE(verify(signer.public_key(), signed_as.substr(0, signed_as.size() - cut),
                                moved, signature)
                             .ok());
        }
    }
}

// A vault with two of everything.
class T08_ExchangedFilesTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(laptop_.found().ok());
        ASSERT_TRUE(laptop_.write("first", std::string(30'000, 'a')).ok());
        ASSERT_TRUE(laptop_.publish().ok());
        ASSERT_TRUE(desk_.join(laptop_).ok());
        ASSERT_TRUE(desk_.pull(laptop_).ok());
        ASSERT_TRUE(desk_.write("second", std::string(40'000, 'b')).ok());
        clock_.advance(std::chrono::seconds(5));
        ASSERT_TRUE(desk_.publish().ok());
        ASSERT_TRUE(laptop_.pull(desk_).ok());
        collect(kTestVaultDirectory);
    }
    void collect(const fs::path& directory) {
        const auto items = laptop_.disk().list(directory).value();
        for (const DirectoryItem& item : items) {
            const fs::path path = directory / item.name;
            if (item.is_directory) collect(path);
            if (item.is_directory) continue;
            files_[path] = *laptop_.disk().contents(path);
            ++kinds_[path.extension().string()];
        }
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice desk_{"desk", 2, clock_, quick_stretcher()};
    std::map<fs::path, Bytes> files_;
    std::map<std::string, int> kinds_;
};

// What stands in the place of another object is named; what can still be read is right.
TEST_F(T08_ExchangedFilesTest, AnyObjectInThePlaceOfAnyOtherIsNoticed) {
    ASSERT_EQ(kinds_.size(), 4U) << "header, key objects, segments, packs";
    ASSERT_GE(kinds_[".keys"], 2);
    ASSERT_GE(kinds_[".seg"], 2);
    ASSERT_GE(kinds_[".pack"], 2);
    std::uint64_t seed = 100;
    for (const auto& [place, own] : files_) {
        for (const auto& [from, other] : files_) {
            if (place == from) continue;
            SCOPED_TRACE(from.filename().string() + " in place of " + place.string());
            const auto device = laptop_.clone(++seed);
            device->disk().put(place, other);
            if (!device->kill_and_reopen().ok()) continue;  // refused as a whole: noticed
            const auto report = device->vault().check();
            EXPECT_TRUE(!report.ok() || !report->errors.empty() ||
                        !device->vault().status().alarms.empty());
            for (const auto& [path, content] : {std::pair("first", std::string(30'000, 'a')),
                                                std::pair("second", std::string(40'000, 'b'))}) {
                auto text = device->read(path);
                EXPECT_TRUE(!text.ok() || *text == content) << path;
            }
        }
    }
}

TEST_F(T08_ExchangedFilesTest, NothingThatAPeerSendsIsTakenAsAnotherKind) {
    VaultDevice phone{"phone", 3, clock_, quick_stretcher()};
    ASSERT_TRUE(phone.join(laptop_).ok());
    Replica& replica = *phone.vault().replica();
    // It knows of all packs and has none.
    for (const auto& [path, bytes] : files_)
        ASSERT_TRUE(path.extension() != ".seg" || replica.add_segment(bytes).ok());
    const std::vector<PackInfo> packs = replica.missing_packs();
    ASSERT_GE(packs.size(), 2U);
    for (const auto& [path, bytes] : files_) {
        SCOPED_TRACE(path.string());
        const std::string kind = path.extension().string();
        EXPECT_TRUE(kind == ".keys" || !replica.add_key_object(bytes).ok());
        EXPECT_TRUE(kind == ".seg" || !replica.add_segment(bytes).ok());
        for (const PackInfo& pack : packs) {
            if (path.stem() == pack.id.to_hex()) continue;
            EXPECT_FALSE(replica.add_pack(pack, bytes).ok());
            EXPECT_FALSE(replica.add_pack({pack.id, bytes.size()}, bytes).ok());
        }
    }
    EXPECT_EQ(replica.missing_packs(), packs);
    ASSERT_TRUE(phone.pull(laptop_).ok());
    EXPECT_EQ(*phone.read("first"), std::string(30'000, 'a'));
    EXPECT_EQ(*phone.read("second"), std::string(40'000, 'b'));
}

}  // namespace
}  // namespace lockstep
