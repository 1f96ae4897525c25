// What counts as a change of the network.
#include "sync/network_watch.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

using News = NetworkWatch::News;
using std::chrono::milliseconds;

TEST(NetworkWatchTest, TheFirstLookIsNoNews) {
    NetworkWatch watch;
    EXPECT_EQ(watch.compare({milliseconds(9000), {"192.0.2.1"}}), News::None);
    EXPECT_EQ(watch.compare({milliseconds(9000), {"192.0.2.1"}}), News::None);
}

TEST(NetworkWatchTest, AnAddressThatGoesBreaksConnectionsAndOneThatComesDoesNot) {
    NetworkWatch watch;
    watch.compare({milliseconds(0), {"192.0.2.1"}});
    EXPECT_EQ(watch.compare({milliseconds(0), {"192.0.2.1", "2001:db8::1"}}), News::Grown);
    EXPECT_EQ(watch.compare({milliseconds(0), {"198.51.100.7", "2001:db8::1"}}), News::Broken);
    EXPECT_EQ(watch.compare({milliseconds(0), {}}), News::Broken);
}

TEST(NetworkWatchTest, SleepBreaksConnections) {
    NetworkWatch watch;
    watch.compare({milliseconds(0), {}});
    EXPECT_EQ(watch.compare({milliseconds(20), {}}), News::None);
    EXPECT_EQ(watch.compare({milliseconds(60'020), {}}), News::Broken);
    EXPECT_EQ(watch.compare({milliseconds(60'021), {}}), News::None);
}

TEST(NetworkWatchTest, ARealLookDoesNotChangeByItself) {
    NetworkWatch watch;
    watch.compare(NetworkWatch::look());
    EXPECT_EQ(watch.compare(NetworkWatch::look()), News::None);
}

}  // namespace
}  // namespace lockstep
