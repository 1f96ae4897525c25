// What another device may bring in: a flood is held back here, and nothing of it is lost.
#include "vault/core/intake_quota.h"

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

using std::chrono::hours;

constexpr std::uint64_t kDayBytes = 1 << 20;

DeviceId device_of(unsigned char first) {
    DeviceId out;
    out.bytes[0] = std::byte{first};
    return out;
}

TEST(IntakeQuotaTest, ADayHasOneAllowanceAndDaysAwayHaveMore) {
    FakeClock clock;
    MemoryDisk disk;
    const DeviceId one = device_of(1), other = device_of(2);
    auto open = [&] { return IntakeQuota(disk, clock, "/intake"); };
    {
        IntakeQuota quota = open();
        ASSERT_TRUE(quota.set_bytes_per_day(100).ok());
        EXPECT_TRUE(quota.take(one, 1, 1'000'000)) << "in the first week a vault comes as a whole";
        clock.advance(hours(24 * 8));
        EXPECT_TRUE(quota.take(one, 1, 100));
        EXPECT_FALSE(quota.take(one, 1, 1));
        EXPECT_EQ(std::vector<DeviceId>{one}, quota.held_back());
        EXPECT_TRUE(quota.take(other, 1, 100)) << "each has its own";
    }
    IntakeQuota quota = open();
    EXPECT_EQ(100u, quota.bytes_per_day());
    EXPECT_EQ(std::vector<DeviceId>{one}, quota.held_back());
    EXPECT_FALSE(quota.take(one, 1, 1)) << "a restart is no new day";
    ASSERT_TRUE(quota.let_in(one).ok());
    EXPECT_TRUE(quota.take(one, 1, 100'000));
    EXPECT_TRUE(quota.held_back().empty());
    clock.advance(hours(25));
    EXPECT_TRUE(quota.take(one, 1, 100));
    EXPECT_FALSE(quota.take(one, 1, 1));
    clock.advance(hours(24 * 5 + 1));
    EXPECT_TRUE(quota.held_back().empty());
    EXPECT_TRUE(quota.take(one, 1, 500));
    EXPECT_FALSE(quota.take(one, 1, 1));
    clock.advance(hours(24 * 400));
    EXPECT_TRUE(quota.take(one, kMemberSegmentsPerDay, 3000));
    EXPECT_FALSE(quota.take(one, 1, 1)) << "a month is the most";
    ASSERT_TRUE(quota.set_bytes_per_day(0).ok());
    EXPECT_TRUE(quota.take(one, 1, 1 << 30));
}

class IntakeVaultTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(laptop_.found().ok());
        ASSERT_TRUE(desk_.join(laptop_).ok());
        ASSERT_TRUE(desk_.vault().set_member_quota(kDayBytes).ok());
        exchange();
        clock_.advance(hours(24 * 8));
    }
    // Whatever the desk refuses stays with the laptop.
    void exchange() {
        for (VaultDevice* device : {&laptop_, &desk_}) ASSERT_TRUE(device->publish().ok());
        clock_.advance(std::chrono::seconds(3));
        static_cast<void>(desk_.pull(laptop_).ok());
        ASSERT_TRUE(desk_.vault().merge().ok());
        ASSERT_TRUE(laptop_.pull(desk_).ok());
    }
    void flood() {
        for (int i = 0; i < 8; ++i) {
            SeededRandom random(static_cast<std::uint64_t>(i) + 7);
            const std::string name = "flood" + std::to_string(i);
            ASSERT_TRUE(laptop_.write(name, as_text(random.bytes(300'000))).ok());
            exchange();
        }
    }
    std::vector<std::string> alarms() { return desk_.vault().status().alarms; }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
};

TEST_F(IntakeVaultTest, AFloodIsHeldBackSaidAndTakenTheNextDay) {
    flood();
    ASSERT_EQ(1u, alarms().size());
    EXPECT_EQ(0u, alarms()[0].find("held back: laptop")) << alarms()[0];
    EXPECT_LT(desk_.vault().status().pack_bytes, 2 * kDayBytes);
    EXPECT_LT(desk_.tree().size(), laptop_.tree().size());
    // Its own work goes on, and comes to the one that floods.
    ASSERT_TRUE(desk_.write("mine", "of the desk").ok());
    exchange();
    EXPECT_EQ("of the desk", *laptop_.read("mine"));
    ASSERT_TRUE(desk_.lose_power().ok());
    exchange();
    EXPECT_EQ(1u, alarms().size()) << "a restart lets nothing in";
    EXPECT_LT(desk_.tree().size(), laptop_.tree().size());
    for (int day = 0; day < 5 && desk_.tree() != laptop_.tree(); ++day) {
        clock_.advance(hours(25));
        exchange();
    }
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_TRUE(alarms().empty());
}

TEST_F(IntakeVaultTest, WhoIsLetInGoesOnAtOnce) {
    flood();
    EXPECT_EQ(ErrorKind::NotFound, desk_.vault().let_in(device_of(9)).error().kind);
    DeviceId laptop = laptop_.vault().replica()->device();
    ASSERT_TRUE(desk_.vault().let_in(laptop).ok());
    exchange();
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_TRUE(alarms().empty());
}

}  // namespace
}  // namespace lockstep
