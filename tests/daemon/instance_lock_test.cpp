#include "daemon/instance_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

TEST(InstanceLockTest, ASecondHolderIsRefusedWithTheFirstsProcess) {
    TempDir directory;
    auto first = InstanceLock::take(directory / "daemon.lock");
    ASSERT_TRUE(first.ok());
    auto second = InstanceLock::take(directory / "daemon.lock");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind, ErrorKind::Busy);
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST(InstanceLockTest, ItIsFreeAgainWhenTheHolderGoes) {
    TempDir directory;
    { ASSERT_TRUE(InstanceLock::take(directory / "daemon.lock").ok()); }
    EXPECT_TRUE(InstanceLock::take(directory / "daemon.lock").ok());
}

TEST(InstanceLockTest, AMissingDirectoryIsAnError) {
    TempDir directory;
    EXPECT_FALSE(InstanceLock::take(directory.path() / "nowhere" / "daemon.lock").ok());
}

}  // namespace
}  // namespace lockstep
