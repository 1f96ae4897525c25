#include "daemon/api/bandwidth.h"

#include <gtest/gtest.h>

namespace lockstep::api {
namespace {

std::tm moment(int weekday, int hour, int minute) {
    std::tm out{};
    out.tm_wday = weekday;  // 0: Sunday
    out.tm_hour = hour;
    out.tm_min = minute;
    return out;
}

BandwidthConfig config_of(std::string_view hours) {
    BandwidthConfig config;
    config.usual = {.up_kib = 1000, .down_kib = 0};
    config.alternative = {.up_kib = 100, .down_kib = 200};
    config.hours = *parse_hours(hours);
    return config;
}

TEST(BandwidthTest, TheAlternativeLimitsCountInTheirHoursOfTheirDays) {
    const BandwidthConfig office = config_of("mon-fri 08:30-18:00");
    EXPECT_EQ(limits_at(office, moment(1, 8, 29)), office.usual);
    EXPECT_EQ(limits_at(office, moment(1, 8, 30)), office.alternative);
    EXPECT_EQ(limits_at(office, moment(5, 17, 59)), office.alternative);
    EXPECT_EQ(limits_at(office, moment(5, 18, 0)), office.usual);
    EXPECT_EQ(limits_at(office, moment(6, 12, 0)), office.usual);
    EXPECT_EQ(limits_at(office, moment(0, 12, 0)), office.usual);
}

TEST(BandwidthTest, HoursOverMidnightBelongToTheDayOnWhichTheyBegin) {
    const BandwidthConfig night = config_of("sun 22:00-06:00");
    EXPECT_EQ(limits_at(night, moment(0, 21, 59)), night.usual);
    EXPECT_EQ(limits_at(night, moment(0, 22, 0)), night.alternative);
    EXPECT_EQ(limits_at(night, moment(1, 5, 59)), night.alternative);
    EXPECT_EQ(limits_at(night, moment(1, 6, 0)), night.usual);
    EXPECT_EQ(limits_at(night, moment(0, 3, 0)), night.usual) << "Saturday's night is not meant";
}

TEST(BandwidthTest, WithoutHoursTheyNeverCount) {
    const BandwidthConfig never = config_of("");
    for (int day = 0; day < 7; ++day) EXPECT_EQ(limits_at(never, moment(day, 0, 0)), never.usual);
}

TEST(BandwidthTest, WhatIsSwitchedByHandCountsUntilTheHoursSayTheSame) {
    BandwidthConfig office = config_of("mon-fri 08:30-18:00");
    office.choice = LimitChoice::Alternative;
    EXPECT_EQ(limits_at(office, moment(0, 12, 0)), office.alternative);
    EXPECT_EQ(choice_at(office, moment(0, 12, 0)), LimitChoice::Alternative);
    EXPECT_EQ(choice_at(office, moment(1, 8, 30)), LimitChoice::Schedule);
    office.choice = LimitChoice::Usual;
    EXPECT_EQ(limits_at(office, moment(1, 12, 0)), office.usual);
    EXPECT_EQ(choice_at(office, moment(1, 12, 0)), LimitChoice::Usual);
    EXPECT_EQ(choice_at(office, moment(1, 18, 0)), LimitChoice::Schedule);
    office.choice = LimitChoice::Schedule;
    EXPECT_EQ(choice_at(office, moment(1, 12, 0)), LimitChoice::Schedule);
    for (const char* text : {"on", "off", "schedule"})
        EXPECT_EQ(format_limit_choice(*parse_limit_choice(text)), text);
    EXPECT_FALSE(parse_limit_choice("").ok());
}

TEST(BandwidthTest, HoursAreReadAndWritten) {
    for (const char* text : {"", "mon-fri 08:30-18:00", "mon-fri 08:30-18:00; sat-sun 22:00-02:00",
                             "mon-sun 00:00-24:00"})
        EXPECT_EQ(format_hours(*parse_hours(text)), text);
    EXPECT_EQ(format_hours(*parse_hours(" mon  08:30-09:00 ;tue 10:00-11:00")),
              "mon 08:30-09:00; tue 10:00-11:00");
    for (const char* text :
         {"mon", "mon 08:30", "mon 08:30-08:30", "08:30-09:00", "mon 24:00-08:00",
          "mon 08:30-18:00;", "mon 08:30-18:00, tue 1:00-2:00"})
        EXPECT_FALSE(parse_hours(text).ok()) << text;
    std::string many = "mon 00:00-00:01";
    for (std::size_t i = 0; i < kHoursMax; ++i) many += "; mon 00:00-00:01";
    EXPECT_FALSE(parse_hours(many).ok());
}

TEST(BandwidthTest, AWeekOfHalfHoursIsTheSameAsFewSpans) {
    for (const char* text : {"", "mon-fri 08:30-18:00", "mon-fri 08:30-18:00; sat 10:00-12:00",
                             "mon-sun 00:00-24:00", "wed 00:00-00:30; wed 23:30-24:00"}) {
        const std::vector<HoursOfDays> hours = *parse_hours(text);
        EXPECT_EQ(hours_of(grid_of(hours)), hours) << text;
    }
    EXPECT_EQ(format_hours(hours_of(grid_of(*parse_hours("sun 22:00-02:00")))),
              "mon 00:00-02:00; sun 22:00-24:00");
    // The most that there can be is few enough.
    WeekGrid worst;
    for (std::size_t day = 0; day < worst.size(); ++day)
        for (std::size_t half = day % 2; half < worst[day].size(); half += 2)
            worst[day][half] = true;
    EXPECT_LE(hours_of(worst).size(), kHoursMax);
    EXPECT_EQ(grid_of(hours_of(worst)), worst);
}

TEST(BandwidthTest, DaysAndTimesAreReadAndWritten) {
    for (const char* text : {"mon-fri", "sat-sun", "wed", "mon-sun", "mon,wed-thu,sun"})
        EXPECT_EQ(format_days(*parse_days(text)), text);
    EXPECT_EQ(format_days(*parse_days("fri-mon")), "mon,fri-sun");
    for (const char* text : {"", "mon,", "monday", "mon-", "1", "mon fri"})
        EXPECT_FALSE(parse_days(text).ok()) << text;
    EXPECT_EQ(*parse_time_of_day("23:59"), 23 * 60 + 59);
    EXPECT_EQ(format_time_of_day(9 * 60 + 5), "09:05");
    for (const char* text : {"", "24:00", "8:30", "08:60", "08-30", "0830", "08:3x", "-1:00"})
        EXPECT_FALSE(parse_time_of_day(text).ok()) << text;
}

TEST(BandwidthTest, ALimitBelowWhatKeepsAConnectionAliveIsRefused) {
    EXPECT_TRUE(check_limit(0).ok());
    EXPECT_TRUE(check_limit(kLimitKibMin).ok());
    EXPECT_FALSE(check_limit(kLimitKibMin - 1).ok());
    EXPECT_FALSE(check_limit(-1).ok());
    EXPECT_FALSE(check_limit(std::int64_t{kLimitKibMax} + 1).ok());
}

}  // namespace
}  // namespace lockstep::api
