// Blind members: what they hold, what they never open, and how much of it.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "vault/core/vault_replica.h"

namespace lockstep {
namespace {

constexpr std::string_view kCanary = "canary-plaintext-in-a-file-and-its-name";

class VaultBlind : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        expect_ok(laptop_.write(std::string(kCanary), kCanary));
        publish(laptop_);
        expect_ok(server_.join(laptop_, MemberRole::Blind));
        server_.vault().care_for_presence();
        pull(server_, laptop_);
    }
    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    static ErrorKind error_of(const Status& status) {
        EXPECT_FALSE(status.ok());
        return status.ok() ? ErrorKind::Io : status.error().kind;
    }
    void publish(VaultDevice& device) {
        clock_.advance(std::chrono::seconds(3));
        expect_ok(device.publish());
    }
    void pull(VaultDevice& to, VaultDevice& from) {
        auto taken = to.pull(from);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().message);
    }
    // Content that does not compress, in a pack of its own.
    void write_pack(const std::string& name, std::size_t size) {
        SeededRandom random(std::hash<std::string>{}(name));
        std::string text(size, '\0');
        random.fill(std::span(reinterpret_cast<std::byte*>(text.data()), text.size()));
        expect_ok(laptop_.write(name, text));
        publish(laptop_);
    }
    void settle() {
        for (int round = 0; round < 3; ++round) {
            server_.vault().care_for_presence();
            pull(server_, laptop_);
        }
    }
    static Replica& replica(VaultDevice& device) { return *device.vault().replica(); }
    static DeviceId id_of(VaultDevice& device) { return replica(device).device(); }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice server_{"server", 2, clock_, quick_stretcher()};
};

TEST_F(VaultBlind, ItHoldsEveryObjectAndOpensNone) {
    EXPECT_EQ(replica(laptop_).frontier(), replica(server_).frontier());
    EXPECT_EQ(replica(laptop_).key_objects(), replica(server_).key_objects());
    EXPECT_TRUE(replica(server_).missing_packs().empty());
    EXPECT_TRUE(server_.vault().is_blind());
    EXPECT_FALSE(server_.vault().is_unlocked());
    EXPECT_TRUE(server_.vault().status().is_blind);
    EXPECT_EQ(ErrorKind::Locked, error_of(server_.write("a", "b")));
    EXPECT_FALSE(server_.read(std::string(kCanary)).ok());
    auto& keys = dynamic_cast<VaultReplica&>(replica(server_));
    EXPECT_FALSE(keys.keys()->is_unlocked());
    EXPECT_TRUE(keys.keys()->epoch_secrets().empty());
    EXPECT_FALSE(keys.keys()->replicator_secrets().empty());
    EXPECT_TRUE(server_.vault().check()->errors.empty());
}

TEST_F(VaultBlind, NoSecretUnlocksItNotEvenTheRightOne) {
    EXPECT_EQ(ErrorKind::Refused, error_of(server_.vault().unlock(as_bytes(kTestPassphrase))));
    EXPECT_EQ(ErrorKind::Refused, error_of(server_.vault().unlock_with_stored_key()));
    EXPECT_FALSE(server_.vault().is_unlocked());
}

TEST_F(VaultBlind, ItFollowsARotationAndARevocation) {
    VaultDevice desk("desk", 3, clock_, quick_stretcher());
    expect_ok(desk.join(laptop_, MemberRole::Writer));
    expect_ok(laptop_.vault().rotate());
    expect_ok(laptop_.vault().revoke(id_of(desk)));
    expect_ok(laptop_.write("after", "text"));
    publish(laptop_);
    settle();
    EXPECT_EQ(replica(laptop_).frontier(), replica(server_).frontier());
    EXPECT_EQ(replica(laptop_).swarms().size(), replica(server_).swarms().size());
    for (const Member& member : replica(server_).members())
        EXPECT_EQ(member.device == id_of(desk), member.is_revoked);
}

TEST_F(VaultBlind, ItServesANewMemberAllThatIsThere) {
    VaultDevice desk("desk", 3, clock_, quick_stretcher());
    expect_ok(desk.join(laptop_, MemberRole::Writer));
    pull(server_, laptop_);
    pull(desk, server_);
    EXPECT_EQ(kCanary, *desk.read(std::string(kCanary)));
}

TEST_F(VaultBlind, WhatIsDamagedIsNotTaken) {
    for (const auto& [log, last] : replica(laptop_).frontier()) {
        Bytes bytes = *replica(laptop_).read_segment({log, last.number});
        bytes.back() ^= std::byte{1};
        EXPECT_FALSE(replica(server_).add_segment(bytes).ok());
    }
    write_pack("large", 300'000);
    for (const auto& [log, last] : replica(laptop_).frontier())
        for (std::uint64_t number = 1; number <= last.number; ++number)
            ASSERT_TRUE(
                replica(server_).add_segment(*replica(laptop_).read_segment({log, number})).ok());
    const std::vector<PackInfo> missing = replica(server_).missing_packs();
    ASSERT_FALSE(missing.empty());
    for (const PackInfo& pack : missing) {
        Bytes bytes = *replica(laptop_).read_pack(pack.id, 0, pack.length);
        bytes.front() ^= std::byte{1};
        EXPECT_EQ(ErrorKind::Corrupt, error_of(replica(server_).add_pack(pack, bytes)));
    }
}

TEST_F(VaultBlind, APowerCutLeavesItABlindMember) {
    server_.vault().publish().ok();
    EXPECT_EQ(ErrorKind::Refused, error_of(server_.lose_power())) << "that is what unlocking says";
    EXPECT_TRUE(server_.vault().is_blind());
    EXPECT_EQ(replica(laptop_).frontier(), replica(server_).frontier());
}

TEST_F(VaultBlind, AnotherRoleLetsItReadAndWrite) {
    expect_ok(laptop_.vault().set_role(id_of(server_), MemberRole::Writer));
    pull(server_, laptop_);
    EXPECT_FALSE(server_.vault().is_blind());
    expect_ok(server_.vault().unlock_with_stored_key());
    EXPECT_EQ(kCanary, *server_.read(std::string(kCanary)));
    expect_ok(server_.write("mine", "text"));
    publish(server_);
    pull(laptop_, server_);
    ASSERT_TRUE(laptop_.vault().merge().ok());
    EXPECT_EQ("text", *laptop_.read("mine"));
}

TEST_F(VaultBlind, AQuotaIsKeptAndWhatDoesNotFitIsLeftOut) {
    const std::uint64_t before = server_.vault().status().pack_bytes;
    expect_ok(server_.vault().set_quota(before + 900'000));
    for (const char* name : {"a", "b", "c", "d"}) write_pack(name, 300'000);
    settle();
    VaultStatus status = server_.vault().status();
    EXPECT_LE(status.pack_bytes, before + 900'000);
    EXPECT_GT(status.left_out_packs, 0u);
    EXPECT_EQ(0u, status.missing_packs);
    EXPECT_EQ(before + 900'000, *status.quota);
    EXPECT_EQ(replica(laptop_).frontier(), replica(server_).frontier()) << "the log always comes";
    // A pack that comes unasked is not taken.
    for (const PackInfo& pack : dynamic_cast<VaultReplica&>(replica(server_)).absent_packs())
        EXPECT_EQ(ErrorKind::Refused,
                  error_of(replica(server_).add_pack(
                      pack, *replica(laptop_).read_pack(pack.id, 0, pack.length))));
    // It is remembered, and a greater one lets the rest in.
    static_cast<void>(server_.lose_power().ok());
    EXPECT_EQ(before + 900'000, *server_.vault().status().quota);
    expect_ok(server_.vault().set_quota(std::nullopt));
    settle();
    status = server_.vault().status();
    EXPECT_EQ(0u, status.left_out_packs);
    EXPECT_EQ(laptop_.vault().status().packs, status.packs);
}

// Nobody is connected who could promise to keep what goes.
TEST_F(VaultBlind, ALowerQuotaDeletesNothingThatNobodyPromisesToKeep) {
    write_pack("large", 300'000);
    settle();
    const std::uint64_t packs = server_.vault().status().packs;
    expect_ok(server_.vault().set_quota(1000));
    EXPECT_EQ(0u, server_.vault().care_for_presence());
    EXPECT_EQ(packs, server_.vault().status().packs);
}

TEST_F(VaultBlind, WhatAllHaveLetGoItDeletesARetentionLater) {
    laptop_.set_retention(std::chrono::hours(24 * 30));
    write_pack("old", 300'000);
    settle();
    const std::uint64_t packs = server_.vault().status().packs;
    expect_ok(laptop_.remove("old"));
    publish(laptop_);
    clock_.advance(std::chrono::hours(24 * 31));
    ASSERT_GT(laptop_.vault().collect(false)->packs, 0u);
    for (int round = 0; round < 4; ++round) publish(laptop_);
    ASSERT_LT(laptop_.vault().status().packs, packs);
    settle();
    EXPECT_EQ(packs, server_.vault().status().packs) << "not before its own time is over";
    clock_.advance(std::chrono::hours(24 * 29));
    settle();
    EXPECT_EQ(packs, server_.vault().status().packs);
    clock_.advance(std::chrono::hours(24 * 2));
    EXPECT_GT(server_.vault().care_for_presence(), 250'000u);
    EXPECT_LT(server_.vault().status().packs, packs);
    // Over a restart it is not asked for again.
    static_cast<void>(server_.lose_power().ok());
    EXPECT_TRUE(replica(server_).missing_packs().empty());
}

}  // namespace
}  // namespace lockstep
