// What the journal remembers until a segment holds it, and the facts that must outlive a crash.
// Bytes: vault/journal/JOURNAL.md. Local to one device: not a frozen format.
#pragma once

#include <variant>
#include <vector>

#include "vault/crypto/aad.h"
#include "vault/limits.h"
#include "vault/log/segment.h"

namespace lockstep {

// The records of one operation (or of several, in order), with their full stamps.
struct JournalRecords {
    std::vector<Record> records;
    bool operator==(const JournalRecords&) const = default;
};

// Content that records name and that is in no durable pack yet.
struct JournalContent {
    enum class Form : std::uint8_t { Plain = 1, Sealed = 2 };
    Form form = Form::Plain;
    std::uint8_t kind = 0;  // the chunk's kind, as chunks/ numbers them
    ChunkId id;
    Bytes bytes;  // at most kSealedChunkSizeMax, or a list node's limit
    bool operator==(const JournalContent&) const = default;
};

// What was written to an open file since its last version, or since the last entry of this kind:
// the file was cut off at `size_min`, got these ranges, and had `size` then. `base` is the version
// that is to come of it, but with the content that the ranges lie over (before the first entry of
// this write): its stamp is that of the write's beginning and names the write.
struct JournalWrite {
    struct Range {
        std::uint64_t offset = 0;
        Bytes bytes;
        bool operator==(const Range&) const = default;
    };
    VersionRecord base;
    std::uint64_t size_min = 0, size = 0;
    std::int64_t modified_ns = 0;
    std::vector<Range> ranges;
    bool operator==(const JournalWrite&) const = default;
};

// A segment with this number and hash is about to be written: found without its file, the number is
// burnt.
struct JournalSegmentIntent {
    LogId log;
    std::uint64_t number = 0;
    SegmentHash hash;
    bool ends_publish =
        true;  // no further segment is needed for what was pending when the publish began
    bool operator==(const JournalSegmentIntent&) const = default;
};

// The segment is durable: Records and Content entries with a sequence below `released_before` are
// no longer needed.
struct JournalPublished {
    LogId log;
    std::uint64_t number = 0;
    std::uint64_t released_before = 0;
    bool operator==(const JournalPublished&) const = default;
};

// From here on this device writes another log.
struct JournalIncarnation {
    IncarnationId incarnation;
    LogId log;
    bool operator==(const JournalIncarnation&) const = default;
};

// Facts of other parts (a burnt ticket, a pinned head): kept in order, understood by their writer.
struct JournalFact {
    std::uint8_t kind = 0;
    Bytes body;
    bool operator==(const JournalFact&) const = default;
};

using JournalEntry = std::variant<JournalRecords, JournalContent, JournalSegmentIntent,
                                  JournalPublished, JournalIncarnation, JournalFact, JournalWrite>;

inline constexpr std::size_t kJournalFactSizeMax = 64 * kKiB;
inline constexpr std::size_t kJournalContentSizeMax = 2 * kMiB;
inline constexpr std::size_t kJournalEntrySizeMax =
    kSegmentSizeMax + kKiB;  // encoded, before sealing

Result<Bytes> encode_journal_entry(const JournalEntry& entry);
Result<JournalEntry> decode_journal_entry(ByteView bytes);

struct ReplayedEntry {
    std::uint64_t sequence = 0;
    JournalEntry entry;
    bool operator==(const ReplayedEntry&) const = default;
};

// Drops what the Published entries among them release; facts, intents, incarnations and writes stay
// (a write ends with a version, or with its file).
std::vector<ReplayedEntry> unreleased(std::vector<ReplayedEntry> entries);

}  // namespace lockstep
