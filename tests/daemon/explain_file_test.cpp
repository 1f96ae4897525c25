#include "daemon/explain_file.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace lockstep {
namespace {

template <typename IdType>
IdType id_of(std::uint8_t byte) {
    IdType id;
    id.bytes.fill(std::byte{byte});
    return id;
}

const LogId kLog = id_of<LogId>(1);
const SegmentHash kHash = id_of<SegmentHash>(2);

class ExplainFileTest : public ::testing::Test {
  protected:
    void SetUp() override {
        situation_.path = "letters/july.txt";
        situation_.file.written_by = "laptop";
        situation_.file.size = 100;
        situation_.file.log = kLog;
        situation_.frontier[kLog] = {7, kHash};
        situation_.others = {{.device = id_of<DeviceId>(3), .label = "desk"}};
    }
    PeerStatus& connect(bool is_in_step) {
        PeerStatus peer;
        peer.device = situation_.others.front().device;
        peer.in_step = is_in_step;
        peer.frontier = situation_.frontier;
        situation_.sync.peers.push_back(peer);
        return situation_.sync.peers.back();
    }
    std::vector<std::string> codes() const {
        std::vector<std::string> out;
        for (const api::ExplainReason& reason : explain_file(situation_).reasons)
            out.push_back(reason.code);
        return out;
    }
    std::string state() const { return explain_file(situation_).peers.front().state; }
    using Codes = std::vector<std::string>;

    FileSituation situation_;
};

TEST_F(ExplainFileTest, InStepIsWhenThereIsNoReason) {
    connect(true);
    EXPECT_EQ(codes(), Codes{});
    EXPECT_TRUE(explain_file(situation_).is_in_step);
    EXPECT_EQ(state(), "in step");
    situation_.others.clear();
    situation_.sync.peers.clear();
    EXPECT_TRUE(explain_file(situation_).is_in_step) << "a device without others";
}

TEST_F(ExplainFileTest, WhatWaitsHereIsToldFirst) {
    connect(true);
    situation_.file.is_being_written = true;
    situation_.file.is_unpublished = true;
    situation_.file.is_in_conflict = true;
    EXPECT_EQ(codes(), (Codes{"being_written", "unpublished", "conflict"}));
    EXPECT_EQ(state(), "waits for us");
    EXPECT_FALSE(explain_file(situation_).is_in_step);
}

TEST_F(ExplainFileTest, ContentThatNeedNotBeHereIsNothingToWaitFor) {
    situation_.file.absent_bytes = 60;
    situation_.is_on_demand = true;
    connect(true);
    EXPECT_EQ(codes(), Codes{});
    EXPECT_EQ(explain_file(situation_).absent_bytes, 60u);
}

TEST_F(ExplainFileTest, MissingContentNamesWhoHasIt) {
    situation_.file.absent_bytes = 60;
    situation_.file.absent_packs.resize(2);
    connect(false).missing_packs = 1;
    EXPECT_NE(
        explain_file(situation_)
            .reasons.front()
            .message.find(
                "60 of its 100 bytes are not here yet (2 packs that laptop wrote are missing); "
                "no device that has everything is connected"),
        std::string::npos);
    situation_.sync.peers.front().missing_packs = 0;
    EXPECT_NE(explain_file(situation_).reasons.front().message.find("without a gap: desk"),
              std::string::npos);
}

TEST_F(ExplainFileTest, SegmentsAndMergesThatAreDueMayHoldANewerVersion) {
    connect(true);
    situation_.has_unmerged = true;
    situation_.sync.missing_segments = 3;
    EXPECT_EQ(codes(), (Codes{"unmerged", "behind"}));
}

TEST_F(ExplainFileTest, APauseIsTheReasonThatNobodyIsConnected) {
    EXPECT_EQ(codes(), Codes{"disconnected"});
    EXPECT_EQ(state(), "not connected");
    situation_.is_paused = true;
    EXPECT_EQ(codes(), Codes{"paused"});
    situation_.paused_until = "2026-11-21 16:00:00 UTC";
    EXPECT_NE(explain_file(situation_).reasons.front().message.find("until 2026"),
              std::string::npos);
}

TEST_F(ExplainFileTest, APeerIsBehindOrLacksPacks) {
    PeerStatus& peer = connect(false);
    peer.missing_packs = 4;
    EXPECT_EQ(codes(), Codes{"peer_lacks_packs"});
    peer.frontier[kLog].number = 6;
    EXPECT_EQ(codes(), Codes{"peer_behind"});
    EXPECT_EQ(state(), "behind");
    // It has this log, and lacks something else.
    peer.frontier = situation_.frontier;
    peer.missing_packs = 0;
    EXPECT_EQ(codes(), Codes{});
}

TEST_F(ExplainFileTest, OfALockedVaultNothingElseIsKnown) {
    const api::ExplainAnswer answer = explain_locked("a");
    EXPECT_EQ(answer.reasons.front().code, "locked");
    EXPECT_FALSE(answer.is_in_step);
}

}  // namespace
}  // namespace lockstep
