#include "daemon/sightings.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

DeviceId device(std::uint8_t first) {
    DeviceId id;
    id.bytes[0] = std::byte{first};
    return id;
}

TEST(SightingsTest, NobodySeenIsZero) {
    const Sightings sightings;
    EXPECT_EQ(sightings.last_seen_ms(device(1)), 0U);
    EXPECT_EQ(sightings.last_synced_ms(), 0U);
}

TEST(SightingsTest, WhoHasGoneWasLastSeenAtTheLookThatMissedIt) {
    Sightings sightings;
    sightings.look({device(1), device(2)}, false, 100);
    sightings.look({device(2)}, false, 200);
    sightings.look({device(2)}, false, 300);
    EXPECT_EQ(sightings.last_seen_ms(device(1)), 200U);
    EXPECT_EQ(sightings.last_seen_ms(device(2)), 300U);
    EXPECT_EQ(sightings.last_seen_ms(device(3)), 0U);
}

TEST(SightingsTest, SyncedLastAsLongAsItStayedInStep) {
    Sightings sightings;
    sightings.look({device(1)}, false, 100);
    EXPECT_EQ(sightings.last_synced_ms(), 0U);
    sightings.look({device(1)}, true, 200);
    sightings.look({}, false, 300);
    sightings.look({}, false, 400);
    EXPECT_EQ(sightings.last_synced_ms(), 300U);
}

TEST(SightingsTest, WhoWasSeenIsKeptAsText) {
    Sightings before;
    before.look({device(1), device(2)}, false, 100);
    before.look({device(2)}, false, 200);
    Sightings after;
    after.look({device(1)}, false, 150);
    after.restore("no line of ours\n" + before.text() + "0102 5\n");
    EXPECT_EQ(after.last_seen_ms(device(1)), 200U);
    EXPECT_EQ(after.last_seen_ms(device(2)), 200U);
    EXPECT_EQ(after.last_seen_ms(device(3)), 0U);
}

}  // namespace
}  // namespace lockstep
