// Whom a pack is asked of, decided from what is known alone.
#include "sync/fetch_plan.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace lockstep {
namespace {

using Holding = HolderView::Holding;
using Step = FetchDecision::Step;

HolderView holder(LinkNumber link, Holding holding, bool has_room = true, std::uint64_t load = 0) {
    return {link, holding, has_room, load};
}

PackView shared(std::vector<HolderView> holders) {
    PackView view;
    view.is_shared = true;
    view.holders = std::move(holders);
    return view;
}

TEST(FetchPlanTest, WhoComesFirstAsksTheCompleteHolder) {
    PackView view = shared({holder(1, Holding::Complete), holder(2, Holding::Unknown)});
    view.is_ours_first = true;
    EXPECT_EQ(decide_fetch(view).step, Step::Ask);
    EXPECT_EQ(decide_fetch(view).from, 1u);
}

TEST(FetchPlanTest, OthersWaitForWhoComesFirstButNotForLong) {
    PackView view = shared({holder(1, Holding::Complete), holder(2, Holding::Unknown)});
    EXPECT_EQ(decide_fetch(view).step, Step::WaitForOther);
    view.has_waited_for_first = true;
    EXPECT_EQ(decide_fetch(view).step, Step::AskOutOfTurn);
    EXPECT_EQ(decide_fetch(view).from, 1u);
}

TEST(FetchPlanTest, WhatAnotherIsGettingIsWaitedFor) {
    PackView view = shared({holder(1, Holding::Complete), holder(2, Holding::Unknown)});
    view.is_ours_first = view.has_waited_for_first = view.is_fetched_by_peer = true;
    EXPECT_EQ(decide_fetch(view).step, Step::WaitForOther);
    view.is_urgent = true;
    EXPECT_EQ(decide_fetch(view).step, Step::Ask);
}

TEST(FetchPlanTest, WhoLacksOthersTakesWorkOffWhoLacksNothing) {
    PackView view = shared({holder(1, Holding::Complete), holder(2, Holding::Named, true, 100)});
    view.is_ours_first = true;
    EXPECT_EQ(decide_fetch(view).from, 2u);
}

TEST(FetchPlanTest, AHolderWithoutRoomIsWaitedForAWhile) {
    PackView view = shared({holder(1, Holding::Complete), holder(2, Holding::Named, false)});
    EXPECT_EQ(decide_fetch(view).step, Step::WaitForRoom);
    view.has_waited_for_room = true;
    EXPECT_EQ(decide_fetch(view).step, Step::Ask);
    EXPECT_EQ(decide_fetch(view).from, 1u);
}

TEST(FetchPlanTest, AloneWithOneHolderNothingIsWaitedFor) {
    for (Holding holding : {Holding::Complete, Holding::Named, Holding::Unknown}) {
        PackView view = shared({holder(1, holding)});
        view.is_ours_first = true;
        Step step = decide_fetch(view).step;
        EXPECT_EQ(step, Step::Ask);
    }
    EXPECT_EQ(decide_fetch(shared({})).step, Step::NobodyHasIt);
}

TEST(FetchPlanTest, SmallPacksGoToTheLeastLoadedThatMayHaveThem) {
    PackView view;
    view.holders = {holder(1, Holding::Complete, true, 500), holder(2, Holding::Named, true, 400),
                    holder(3, Holding::Unknown, true, 0), holder(4, Holding::Complete, false, 0)};
    EXPECT_EQ(decide_fetch(view).from, 2u);
}

TEST(FetchPlanTest, RanksSpreadPacksEvenly) {
    std::vector<DeviceId> devices;
    for (int i = 0; i < 3; ++i) devices.push_back(system_random().id<DeviceId>());
    std::vector<int> first(devices.size());
    for (int i = 0; i < 3000; ++i) {
        PackId pack = system_random().id<PackId>();
        std::size_t best = 0;
        for (std::size_t k = 1; k < devices.size(); ++k)
            if (fetch_rank(devices[k], pack) > fetch_rank(devices[best], pack)) best = k;
        ++first[best];
    }
    for (int count : first) EXPECT_NEAR(count, 1000, 200);
}

}  // namespace
}  // namespace lockstep
