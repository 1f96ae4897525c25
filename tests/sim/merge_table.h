// Which rows of the merge table (DESIGN: "Merge") a simulation met: pairs of records that did not
// know of each other.
#pragma once

#include "tests/sim/witness.h"

namespace lockstep::sim {

// Adds "merge: write / delete" and its like.
void count_merges(const Witness& witness, Counters& counters);
// Every row that a simulation without changes of membership can meet.
const std::vector<std::string>& merge_rows();

}  // namespace lockstep::sim
