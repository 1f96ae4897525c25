// An entry of the journal for tests.
#pragma once

#include "tests/vault/log_samples.h"
#include "vault/journal/journal.h"

namespace lockstep {

// Of two ranges.
inline JournalWrite write_entry() {
    JournalWrite write;
    write.base.file = id_of<FileId>(1);
    write.base.replaces = {id_of<VersionId>(2)};
    write.base.stamp = {77, kOwnLog};
    write.size_min = 10, write.size = 5000, write.modified_ns = -3;
    write.ranges = {{0, Bytes(3, std::byte{1})}, {4096, Bytes(9, std::byte{2})}};
    return write;
}

}  // namespace lockstep
