// A share of all triples (tree_triples.h) in every build; the whole: ./dev sim --triples.
#include "tests/vault/tree_triples.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(TreeTriplesTest, EveryTripleOnTreesOfOneNodeShowsWhatTheModelShows) {
    const TriplesReport report = run_triples({.nodes_max = 1});
    EXPECT_EQ("", report.wrong);
    EXPECT_GT(report.cases, 1000u);
}

TEST(TreeTriplesTest, ASampleOfTriplesOnAllSmallTreesShowsWhatTheModelShows) {
    const TriplesReport report = run_triples({.one_in = 60});
    EXPECT_EQ("", report.wrong);
    EXPECT_EQ(report.trees, 39u);
    EXPECT_GT(report.cases, 10000u);
}

}  // namespace
}  // namespace lockstep
