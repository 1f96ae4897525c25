#include "vault/history/retention.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(RetentionTest, TextIsReadAndWritten) {
    for (const char* text : {"all 30d", "all 7d, daily 1y", "all 14d, hourly 60d, yearly 10y",
                             "all 200h, weekly 56d, monthly 2y"})
        EXPECT_EQ(text, retention_text(*parse_retention(text)));
    EXPECT_EQ("all 30d, daily 1y", retention_text(*parse_retention("daily 1y,all 30d")));
    EXPECT_EQ("all 14d, weekly 56d", retention_text(*parse_retention("all 2w, weekly 8w")));
    for (const char* text :
         {"", "all", "all 6d", "daily 1y", "all 30", "all 30m", "all 30d, all 1y",
          "all 30d, often 1y", "all -3d", "all 99999999999999999999d", "all 30d,"})
        EXPECT_FALSE(parse_retention(text).ok()) << text;
}

TEST(RetentionTest, MomentsAreBeginningsOfDaysAndMonths) {
    constexpr std::int64_t kDay = 24 * 3'600'000LL;
    const std::int64_t now = 20'000 * kDay + 5'000'000;  // 2024-10-04
    const KeptTimes kept = kept_times(*parse_retention("all 7d, daily 10d, monthly 1y"), now, {42});
    EXPECT_EQ(now - 7 * kDay, kept.since_ms);
    EXPECT_EQ(42, kept.moments.front());
    EXPECT_TRUE(kept.keeps(now - 30 * kDay, now - 7 * kDay)) << "shown until then";
    EXPECT_FALSE(kept.keeps(19'993 * kDay - 10, 19'993 * kDay)) << "gone at midnight";
    EXPECT_TRUE(kept.keeps(19'991 * kDay, 19'991 * kDay + 1));
    EXPECT_FALSE(kept.keeps(19'991 * kDay + 1, 19'991 * kDay + 2));
    const std::int64_t september = 19'967 * kDay;  // 2024-09-01
    EXPECT_TRUE(kept.keeps(september - 1, september + 1));
    EXPECT_FALSE(kept.keeps(september + 1, september + 2));
    EXPECT_TRUE(kept.keeps(0, 43)) << "a snapshot";
}

}  // namespace
}  // namespace lockstep
