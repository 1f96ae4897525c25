// What a process does that gets no memory: it says so and stops at once, as if it had been killed.
// What it had acknowledged is in the journal, and its next start goes on from there; going on with
// something half done in memory would be a guess. (Exceptions could not be caught either where they
// would have to pass SQLite's, FUSE's or libtorrent's frames.)
#pragma once

namespace lockstep {

// For operator new and for secrets in locked memory. What C libraries cannot get (SQLite's pages,
// Argon2's) they report, and it is an Error.
void stop_when_out_of_memory();

}  // namespace lockstep
