// CheckReport: what a check of a vault found: counts, a sentence for each thing that is wrong, and
// the objects themselves, each with what is wrong, what needs it, and whether it is whole again.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vault/types.h"

namespace lockstep {

// Of a report; what is beyond is counted.
inline constexpr std::size_t kFindingsMax = 1000;
inline constexpr std::size_t kAffectedMax = 20;         // versions of one finding
inline constexpr std::size_t kMissingRangesMax = 1000;  // of one file

struct ByteRange {
    std::uint64_t offset = 0, length = 0;
    bool operator==(const ByteRange&) const = default;
};

// Parts of a file that are missing or damaged, ascending and apart from each other.
struct MissingRanges {
    std::vector<ByteRange> ranges;  // kMissingRangesMax at most
    std::uint64_t count = 0;        // of all
    std::uint64_t bytes = 0;

    // REQUIRES: behind what was added before
    void add(std::uint64_t offset, std::uint64_t length);
    // "bytes 0 to 65535 and 200000 to 299999", a few of them.
    std::string text() const;

  private:
    std::uint64_t end_ = 0;  // of the last one
};

// A version that needs an object.
struct AffectedVersion {
    std::string path;  // where its file is; empty: it was deleted
    FileId file;
    VersionId version;
    std::int64_t time_ms = 0;  // when it was written
    bool is_shown = true;      // else the vault keeps it as its past
};

struct CheckFinding {
    enum class Kind { Vault, KeyObject, Segment, Pack, File, Index, Other };
    enum class State {
        Missing,
        Damaged,     // its bytes are not what its name says, or do not open
        Unreadable,  // the disk does not give it, or the key of it is not known
        WrongSize,
    };
    enum class Repair {
        None,
        Asked,  // other members are asked for it
        Mended,
    };

    Kind kind = Kind::Other;
    // Key object, pack: hex. Segment: log in hex, '/', number. File: path. Else empty.
    std::string name;
    State state = State::Damaged;
    std::string reason;
    // Else it is merely not here yet, or not any more: no damage.
    bool is_error = true;

    // What needs it. Of packs only while the vault is open, or with the passphrase.
    std::vector<AffectedVersion> affects;  // kAffectedMax at most
    std::uint64_t affected = 0;            // how many there are
    bool is_affected_known = false;
    MissingRanges missing;  // of a file

    Repair repair = Repair::None;
    std::string repaired_from;  // Mended: label of the device that it came from; empty: this one's
                                // own copies, or several devices

    void affect(AffectedVersion version);
    // As the report's errors say it.
    std::string sentence() const;
};

std::string_view finding_kind_text(CheckFinding::Kind kind);     // "pack", "key-object" …
std::string_view finding_state_text(CheckFinding::State state);  // "missing", "wrong-size" …
std::string_view repair_text(CheckFinding::Repair repair);       // "none", "asked", "mended"
CheckFinding::State state_of_error(ErrorKind kind);

struct CheckReport {
    std::uint64_t key_objects = 0, segments = 0, packs = 0, chunks = 0, files = 0;
    std::vector<CheckFinding> findings;  // kFindingsMax at most; none twice
    std::uint64_t found = 0;             // how many there are
    // Sentences: of all findings that are errors, each naming the object (or the path) and what is
    // wrong; and of foreign files and such.
    std::vector<std::string> errors;
    std::vector<std::string> notes;
    // Unlocked: of all that the index says. A rebuilt index has the same.
    std::optional<std::array<std::byte, 32>> index_digest = {};

    // What is known already is left as it is. Null: there are too many.
    CheckFinding* add(CheckFinding finding);
    CheckFinding* add(CheckFinding::Kind kind, std::string name, const Error& error);
    CheckFinding* find(CheckFinding::Kind kind, std::string_view name);
};

}  // namespace lockstep
