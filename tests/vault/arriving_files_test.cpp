// The bounded list of files that are on their way: rates, rests between looks, walks.
#include "vault/core/arriving_files.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

FileId file(unsigned number) {
    FileId out;
    out.bytes[0] = static_cast<std::byte>(number / 256);
    out.bytes[1] = static_cast<std::byte>(number % 256);
    return out;
}

const ArrivingFiles::Time kBegin{seconds(1000)};

TEST(ArrivingFilesTest, ARateIsKnownFromTheSecondLookOn) {
    ArrivingFiles files;
    files.add(file(1));
    EXPECT_EQ(files.due(kBegin).size(), 1U);
    files.note(file(1), 10'000, 10'000, kBegin, kBegin);
    EXPECT_EQ(files.files().at(file(1)).rate, 0U);
    files.note(file(1), 10'000, 4'000, kBegin + seconds(2), kBegin + seconds(2));
    EXPECT_EQ(files.files().at(file(1)).rate, 3'000U);
    EXPECT_EQ(files.files().at(file(1)).absent_bytes, 4'000U);
    // It was written anew meanwhile: more is absent than before.
    files.note(file(1), 20'000, 20'000, kBegin + seconds(3), kBegin + seconds(3));
    EXPECT_EQ(files.files().at(file(1)).rate, 0U);
}

TEST(ArrivingFilesTest, WhatHasArrivedIsForgotten) {
    ArrivingFiles files;
    files.add(file(1));
    files.note(file(1), 10, 0, kBegin, kBegin);
    EXPECT_TRUE(files.files().empty());
}

TEST(ArrivingFilesTest, AFileThatTakesLongToLookAtIsLookedAtSeldom) {
    ArrivingFiles files;
    files.add(file(1));
    files.note(file(1), 10, 5, kBegin, kBegin + milliseconds(500));
    EXPECT_TRUE(files.due(kBegin + seconds(5)).empty());
    EXPECT_EQ(files.due(kBegin + seconds(6)).size(), 1U);
}

TEST(ArrivingFilesTest, WhatDoesNotFitIsWalkedForLater) {
    ArrivingFiles files;
    EXPECT_EQ(files.walk(kBegin), nullptr);
    for (unsigned i = 0; i < ArrivingFiles::kFilesMax; ++i) files.add(file(i));
    EXPECT_FALSE(files.has_room());
    files.add(file(9'999));
    EXPECT_EQ(files.files().size(), ArrivingFiles::kFilesMax);
    EXPECT_EQ(files.walk(kBegin), nullptr);  // no room yet
    files.forget(file(0));
    auto* walk = files.walk(kBegin);
    ASSERT_NE(walk, nullptr);
    ASSERT_EQ(walk->size(), 1U);
    EXPECT_EQ(walk->front().directory, kRootFile);
    walk->clear();
    EXPECT_EQ(files.walk(kBegin), nullptr);
    // Not again at once.
    files.want_walk();
    EXPECT_EQ(files.walk(kBegin + seconds(1)), nullptr);
    EXPECT_NE(files.walk(kBegin + seconds(10)), nullptr);
}

}  // namespace
}  // namespace lockstep
