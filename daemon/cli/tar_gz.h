// A .tar.gz of a few small texts, made in memory. It is packed, not compressed: gzip's stored
// blocks need no library, and what is packed here is small.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace lockstep::cli {

struct ArchiveEntry {
    std::string name;  // of at most 99 ASCII bytes
    std::string text;
};

// REQUIRES: names as said, texts of less than 1 GiB
Bytes make_tar_gz(const std::vector<ArchiveEntry>& entries, std::int64_t time_s);

}  // namespace lockstep::cli
