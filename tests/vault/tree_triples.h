// Every three edits that two or three devices can make of a small tree without knowing of each
// other, in every order of delivery: the tree must show what the reference model shows.
//
// Trees have at most four nodes under the names a and b; of trees that differ by an exchange of the
// two names in a directory only one is taken. Edits: create, write, rename, move, delete (of a
// directory with all that is in it), mkdir, link, with every operand in the same two names. Stamps
// rise from device to device, and all ordered triples are run, so no order of stamps is left out.
//
//   apart:   A, B and C each make one edit; A makes two (in one segment or in two) and B one,
//   earlier,
//            between or later.
//   merged:  A and B each make one, hear of each other, and A makes another of what it sees then.
#pragma once

#include <cstdint>
#include <string>

namespace lockstep {

struct TriplesOptions {
    // Of the pairs (first edit, second edit) of each tree, each is run with a chance of 1 in this.
    std::uint64_t one_in = 1;
    std::uint64_t seed = 1;
    // Trees number `share`, `share` + `shares`, ... are run.
    std::uint64_t share = 0, shares = 1;
    std::uint64_t nodes_max = 4;
};

struct TriplesReport {
    std::uint64_t trees = 0;
    std::uint64_t cases = 0;   // triples of edits
    std::uint64_t orders = 0;  // deliveries of one
    std::string wrong;         // empty when nothing was; else the first case, for a person
};

TriplesReport run_triples(const TriplesOptions& options);

}  // namespace lockstep
