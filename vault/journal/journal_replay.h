// What the bytes of a journal file say: entries, where to go on, and what is damaged. No effects.
#pragma once

#include <vector>

#include "vault/journal/journal.h"
#include "vault/journal/journal_format.h"

namespace lockstep {

struct JournalReplay {
    std::vector<ReplayedEntry> entries;
    SalvageReport salvage;
    bool is_new = false;  // nothing was ever committed to this file: it begins anew
    std::uint64_t next_sequence = 1;
    JournalLink link;       // of the last frame kept, or of the slot
    std::size_t slot = 0;   // the header slot in force
    std::uint64_t end = 0;  // the file is kept up to here; what follows was never committed
    // From here to `end` nobody knows whether it was.
    std::uint64_t committed_end = 0, committed_before = 0;  // in the file; by sequence
};

// A frame's `durable_before` tells what had been synced when it was written. So a gap below the
// greatest of them is damage to committed entries, salvaged and reported; a gap above it is what a
// power cut leaves of writes that nobody had committed: the journal ends there. Corrupt: a file
// that is no journal of this key. Unsupported: of a newer Lockstep.
Result<JournalReplay> replay_journal(ByteView file, const JournalCipher& cipher);

}  // namespace lockstep
