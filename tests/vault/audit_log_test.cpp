// Which blocks blind members are asked to show, what counts, and the proofs of blocks.
#include "vault/presence/audit_log.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_disk.h"
#include "tests/support/seeded_random.h"
#include "vault/packs/block_proof.h"

namespace lockstep {
namespace {

Bytes some_bytes(std::size_t size) {
    SeededRandom random(size);
    Bytes out(size);
    random.fill(out);
    return out;
}

BlockProof proof_of(const Bytes& pack, std::uint32_t block) {
    const PackIdentity identity = identify_pack(pack);
    const PackPiece piece = piece_of_block(identity.info, block);
    return *prove_block(identity.info, block, ByteView(pack).subspan(piece.offset, piece.length),
                        identity.piece_layers);
}

TEST(BlockProofTest, EveryBlockOfAPackOfAnySizeIsProved) {
    for (const std::size_t size :
         {std::size_t{1}, 16 * kMiB / 1024, 20'000UL, 64UL * kKiB, 64UL * kKiB + 1, 200'000UL,
          1UL * kMiB, 1UL * kMiB + 1, 3UL * kMiB + 5'000, 5UL * kMiB}) {
        const Bytes pack = some_bytes(size);
        const PackInfo info = identify_pack(pack).info;
        const auto count = static_cast<std::uint32_t>(merkle_block_count(size));
        for (std::uint32_t block = 0; block < count; block += 1 + count / 7) {
            const BlockProof proof = proof_of(pack, block);
            EXPECT_LE(proof.path.size(), kBlockPathMax);
            EXPECT_TRUE(verify_block(info, block, proof).ok()) << size << " " << block;
        }
    }
}

TEST(BlockProofTest, WhatIsNotThatBlockIsRefused) {
    const Bytes pack = some_bytes(300'000);
    const PackInfo info = identify_pack(pack).info;
    const BlockProof good = proof_of(pack, 3);
    ASSERT_TRUE(verify_block(info, 3, good).ok());
    EXPECT_FALSE(verify_block(info, 4, good).ok());
    EXPECT_FALSE(verify_block(info, 100, good).ok());
    EXPECT_FALSE(verify_block(info, 3, {}).ok());
    EXPECT_FALSE(verify_block({info.id, info.length + 1}, 18, proof_of(pack, 18)).ok());
    for (std::size_t at = 0; at < good.block.size(); at += 997) {
        BlockProof bad = good;
        bad.block[at] ^= std::byte{1};
        EXPECT_FALSE(verify_block(info, 3, bad).ok());
    }
    for (std::size_t at = 0; at < good.path.size(); ++at) {
        BlockProof bad = good;
        bad.path[at].bytes[7] ^= std::byte{1};
        EXPECT_FALSE(verify_block(info, 3, bad).ok());
    }
    BlockProof longer = good;
    longer.path.emplace_back();
    EXPECT_FALSE(verify_block(info, 3, longer).ok());
}

class AuditLogTest : public ::testing::Test {
  protected:
    AuditLogTest() {
        EXPECT_TRUE(disk_.make_directories("/state").ok());
        for (int i = 0; i < 20; ++i) packs_.push_back({random_.id<PackId>(), 100'000});
    }
    using Results = std::vector<std::pair<BlockAudit, AuditResult>>;
    static Results all(const std::vector<BlockAudit>& blocks, AuditResult result) {
        Results out;
        for (const BlockAudit& block : blocks) out.emplace_back(block, result);
        return out;
    }
    void pass_all() {
        for (int round = 0; round < 4; ++round)
            log_.note(server_, all(log_.due(server_, packs_), AuditResult::Shown), true);
        ASSERT_TRUE(log_.report(server_, packs_).is_copy());
    }

    FakeClock clock_;
    MemoryDisk disk_;
    SeededRandom random_{7};
    DeviceId server_ = random_.id<DeviceId>();
    std::vector<PackInfo> packs_;
    AuditLog log_{disk_, clock_, random_, "/state/audits"};
};

TEST_F(AuditLogTest, ItIsACopyOnceItHasShownABlockOfEveryPack) {
    EXPECT_FALSE(log_.report(server_, packs_).is_copy());
    const auto first = log_.due(server_, packs_);
    ASSERT_FALSE(first.empty());
    ASSERT_LT(first.size(), packs_.size());
    for (const BlockAudit& audit : first) EXPECT_LT(audit.block, 7u);
    log_.note(server_, all(first, AuditResult::Shown), true);
    EXPECT_FALSE(log_.report(server_, packs_).is_copy()) << "not of every pack yet";
    log_.note(server_, all(log_.due(server_, packs_), AuditResult::Shown), true);
    EXPECT_TRUE(log_.report(server_, packs_).is_copy());
    // A pack that has come since is to be shown, too.
    packs_.push_back({random_.id<PackId>(), 5});
    EXPECT_FALSE(log_.report(server_, packs_).is_copy());
    EXPECT_EQ(1u, log_.due(server_, packs_).size());
}

TEST_F(AuditLogTest, OneFailureVoidsAllAndIsRemembered) {
    pass_all();
    for (const AuditResult result : {AuditResult::Failed, AuditResult::NotHere}) {
        log_.note(server_, {{{packs_[3], 1}, result}}, true);
        EXPECT_FALSE(log_.report(server_, packs_).is_copy());
        EXPECT_FALSE(log_.report(server_, packs_).has_passed);
        for (const PackInfo& pack : packs_) EXPECT_FALSE(log_.has_shown_lately(server_, pack.id));
        AuditLog later(disk_, clock_, random_, "/state/audits");
        EXPECT_FALSE(later.report(server_, packs_).is_copy()) << "over a restart";
        EXPECT_TRUE(log_.due(server_, packs_).empty()) << "not at once again";
        clock_.advance(std::chrono::seconds(6));
        pass_all();
    }
}

TEST_F(AuditLogTest, WhoSaysThatItHasNotAllIsNotBlamedForWhatItLacks) {
    pass_all();
    log_.note(server_, {{{packs_[3], 1}, AuditResult::NotHere}}, false);
    const AuditReport report = log_.report(server_, packs_);
    EXPECT_TRUE(report.has_passed);
    EXPECT_FALSE(report.is_copy());
    EXPECT_FALSE(log_.has_shown_lately(server_, packs_[3].id));
    EXPECT_TRUE(log_.has_shown_lately(server_, packs_[4].id));
}

TEST_F(AuditLogTest, ASampleIsDueEveryTenMinutesAndAfterARestart) {
    pass_all();
    EXPECT_TRUE(log_.due(server_, packs_).empty());
    clock_.advance(std::chrono::minutes(11));
    const auto sample = log_.due(server_, packs_);
    EXPECT_EQ(8u, sample.size());
    log_.note(server_, all(sample, AuditResult::Shown), true);
    EXPECT_TRUE(log_.due(server_, packs_).empty());
    clock_.advance(std::chrono::minutes(11));
    log_.note(server_, all(log_.due(server_, packs_), AuditResult::Shown), true);
    AuditLog later(disk_, clock_, random_, "/state/audits");
    EXPECT_TRUE(later.report(server_, packs_).is_copy());
    EXPECT_FALSE(later.due(server_, packs_).empty());
}

TEST_F(AuditLogTest, APromiseIsReliedUponForAnHour) {
    pass_all();
    EXPECT_TRUE(log_.due_of(server_, packs_).empty());
    clock_.advance(std::chrono::minutes(61));
    EXPECT_FALSE(log_.has_shown_lately(server_, packs_[0].id));
    EXPECT_EQ(2 * packs_.size(), log_.due_of(server_, packs_).size());
}

TEST_F(AuditLogTest, AFileThatCannotBeReadIsNone) {
    pass_all();
    for (std::uint64_t at : {0u, 40u, 100u}) {
        MemoryDisk other;
        ASSERT_TRUE(other.make_directories("/state").ok());
        Bytes bytes = *disk_.read_file("/state/audits", 1U << 20);
        bytes[at] ^= std::byte{1};
        ASSERT_TRUE(other.write_file_durably("/state/audits", bytes).ok());
        AuditLog damaged(other, clock_, random_, "/state/audits");
        EXPECT_FALSE(damaged.report(server_, packs_).is_copy());
    }
}

}  // namespace
}  // namespace lockstep
