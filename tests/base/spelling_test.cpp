#include "base/spelling.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

const std::vector<std::string> kVerbs = {"status", "mount", "unmount", "put", "pin", "ls", "get"};

TEST(SpellingTest, SlipsOfTheFingerAreSeen) {
    EXPECT_EQ(closest_word("statsu", kVerbs), "status");  // swapped
    EXPECT_EQ(closest_word("satus", kVerbs), "status");   // left out
    EXPECT_EQ(closest_word("moount", kVerbs), "mount");   // added
    EXPECT_EQ(closest_word("umount", kVerbs), "mount");   // the nearest
    EXPECT_EQ(closest_word("unmounts", kVerbs), "unmount");
    EXPECT_EQ(closest_word("pu", kVerbs), "put");
}

TEST(SpellingTest, WhatIsFarFromAllIsNotGuessed) {
    EXPECT_EQ(closest_word("nonsense", kVerbs), std::nullopt);
    EXPECT_EQ(closest_word("xx", kVerbs), std::nullopt);
    EXPECT_EQ(closest_word("a", {"b"}), std::nullopt);
    EXPECT_EQ(closest_word("", kVerbs), std::nullopt);
    EXPECT_EQ(closest_word(std::string(10'000, 's'), kVerbs), std::nullopt);
}

TEST(SpellingTest, TheGuessIsAQuestion) {
    EXPECT_EQ(did_you_mean("moutn", kVerbs), "; did you mean 'mount'?");
    EXPECT_EQ(did_you_mean("nonsense", kVerbs), "");
}

}  // namespace
}  // namespace lockstep
