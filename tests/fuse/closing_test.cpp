#include "fuse/closing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/memory_file_system.h"

namespace lockstep {
namespace {

class NobodyListens final : public ChangeObserver {
  public:
    void node_changed(NodeId) override {}
    void entry_changed(NodeId, const std::string&) override {}
};

class ClosingTest : public testing::Test {
  protected:
    std::vector<HandleId> open(std::size_t count) {
        std::vector<HandleId> out;
        for (std::size_t i = 0; i < count; ++i) {
            const auto made = fs_.create(kRootNode, "f" + std::to_string(next_++), 0644);
            EXPECT_TRUE(made.ok());
            fs_.forget(made->attributes.node, 1);
            out.push_back(made->handle);
        }
        return out;
    }

    MemoryFileSystem fs_;
    NobodyListens mount_;
    Closing closing_{fs_};
    int next_ = 0;
};

TEST_F(ClosingTest, WithoutItsThreadHandlesGoBackAtOnce) {
    for (const HandleId handle : open(3)) closing_.release(handle);
    EXPECT_EQ(fs_.open_handles(), 0U);
}

TEST_F(ClosingTest, HandlesGoBackBeforeLong) {
    closing_.start(mount_);
    for (int round = 0; round < 3; ++round) {
        for (const HandleId handle : open(5)) closing_.release(handle);
        EXPECT_TRUE(fs_.wait_until_closed());
    }
}

TEST_F(ClosingTest, NoMoreWaitThanMay) {
    closing_.start(mount_);
    for (const HandleId handle : open(3 * kClosingMax)) closing_.release(handle);
    EXPECT_LE(fs_.open_handles(), kClosingMax);
}

TEST_F(ClosingTest, StoppingReleasesAllAndLaterOnesGoBackAtOnce) {
    closing_.start(mount_);
    const std::vector<HandleId> late = open(2);
    for (const HandleId handle : open(100)) closing_.release(handle);
    closing_.stop();
    EXPECT_EQ(fs_.open_handles(), 2U);
    for (const HandleId handle : late) closing_.release(handle);
    EXPECT_EQ(fs_.open_handles(), 0U);
    closing_.stop();
}

}  // namespace
}  // namespace lockstep
