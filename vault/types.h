// Ids and small values that every part of a vault shares. Lengths and meanings: vault/FORMAT.md.
#pragma once

#include <cstdint>
#include <map>

#include "base/ids.h"

namespace lockstep {

using VaultId = Id<struct VaultIdTag, 32>;    // hash of the genesis
using DeviceId = Id<struct DeviceIdTag, 32>;  // Ed25519 public key of the device's identity
using EpochId = Id<struct EpochIdTag, 16>;    // random
using LogId = Id<struct LogIdTag, 16>;    // pseudonym of (device, incarnation): keyed hash under K
using FileId = Id<struct FileIdTag, 16>;  // a file or directory (inode); zeros: the root directory
using LinkId = Id<struct LinkIdTag, 16>;  // a directory entry
using VersionId = Id<struct VersionIdTag, 16>;  // one content of a file
using ChunkId = Id<struct ChunkIdTag, 32>;      // keyed hash of a chunk's plaintext
using ContentRoot =
    Id<struct ContentRootTag, 32>;  // names a whole content: equal root and size, equal content
using PackId = Id<struct PackIdTag, 32>;                // BitTorrent v2 pieces root of the pack
using KeyObjectId = Id<struct KeyObjectIdTag, 32>;      // hash of the key object's bytes
using IncarnationId = Id<struct IncarnationIdTag, 16>;  // random, one per log of a device
using SegmentHash = Id<struct SegmentHashTag, 32>;      // hash of the segment's bytes

inline constexpr FileId kRootFile{};

// Hybrid logical clock and the log it belongs to. `time` is 48 bits of milliseconds since 1970 UTC
// above a 16-bit counter. Ordered by time, then by log: the greater wins a register.
struct Stamp {
    std::uint64_t time = 0;
    LogId log;
    auto operator<=>(const Stamp&) const = default;

    std::int64_t wall_ms() const { return static_cast<std::int64_t>(time >> 16); }
};

// Where a log stands: its last segment.
struct LogPosition {
    std::uint64_t number = 0;  // the first segment has number 1
    SegmentHash hash;
    auto operator<=>(const LogPosition&) const = default;
};

using Frontier = std::map<LogId, LogPosition>;

struct SegmentRef {
    LogId log;
    std::uint64_t number = 0;
    auto operator<=>(const SegmentRef&) const = default;
};

struct PackInfo {
    PackId id;
    std::uint64_t length = 0;
    auto operator<=>(const PackInfo&) const = default;
};

enum class MemberRole : std::uint8_t { Owner = 1, Writer = 2, Reader = 3, Blind = 4 };

enum class FileType : std::uint8_t {
    Regular = 1,
    Directory = 2,
    Symlink = 3,
    Fifo = 4,
    Socket = 5
};

}  // namespace lockstep
