// The local write-ahead log of what is not yet published: append-only, sealed, chained.
//
// Every entry has a sequence number that is never used for another entry, not even after rewrite().
// append() hands it to the operating system at once, so that a killed process loses nothing, unless
// a commit is to follow: that then writes all at once. commit() makes everything appended so far
// durable with one fdatasync, shared by all threads that wait for it. Order of append is the order
// that survives: after a power cut the journal is a prefix of what was appended, at least up to the
// last commit.
//
// On opening, a torn tail that was never committed is dropped without a word; damage to what was
// committed is salvaged entry by entry and reported. A failed write or sync poisons the journal:
// every later call says ReadOnly until it is opened again. After such a failure open() it and
// rewrite() what it gave, so that the kernel's idea of what is on disk does not matter.
//
// INVARIANT: an entry that open() returns was appended to this journal at that sequence, with those
// bytes. THREADS: any, after open(); rewrite() waits for calls under way. Format:
// vault/journal/JOURNAL.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/random.h"
#include "vault/journal/journal_entry.h"
#include "vault/keys/key_tree.h"

namespace lockstep {

// What opening found beside intact entries.
struct SalvageReport {
    std::vector<std::string> damage;  // sentences; empty: nothing that was committed is lost
    std::uint64_t entries_lost =
        0;  // committed entries that could not be read (by their sequence numbers)
    std::uint64_t torn_bytes = 0;  // never committed, dropped
};

class Journal {
  public:
    struct Opened {
        std::unique_ptr<Journal> journal;
        std::vector<ReplayedEntry> entries;  // in order of their sequence, released ones included
        SalvageReport salvage;
    };

    // Makes the file (durably) when there is none. Corrupt only when it is no journal of this key
    // at all: nothing in it opens although it is not empty; the file is then left as it is. The
    // directory of `path` must exist.
    static Result<Opened> open(Disk& disk, const fs::path& path, const VaultId& vault,
                               const JournalKey& key, Random& random);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // Returns the entry's sequence. Not durable before commit(); written to the file unless a
    // commit is under way, which then writes it right after. BeforeCommit: small entries may wait
    // in memory for the caller's commit() or whatever is written next.
    enum class Append { Now, BeforeCommit };
    Result<std::uint64_t> append(const JournalEntry& entry, Append when = Append::Now);

    // Everything appended before this call is durable when it returns ok.
    Status commit();

    // Everything appended before this call has been written, not synced.
    Status flush();

    // Replaces the content by `entries` (what is still needed), durably and in one step: after a
    // crash there is the old content or the new. They get new sequences; returns the first. With no
    // entries this is one fdatasync. Appends that are not in `entries` are gone: the caller stops
    // appending meanwhile.
    Result<std::uint64_t> rewrite(const std::vector<JournalEntry>& entries);

    // Where the entries end now.
    struct Mark {
        std::uint64_t sequence = 0;
        std::uint64_t offset = 0;
    };
    Result<Mark> mark();
    // As rewrite(), but what was appended behind the mark stays, behind `entries`. Holds everybody
    // up for as long as that takes. REQUIRES: not rewritten since mark()
    Status rewrite_before(const Mark& mark, const std::vector<JournalEntry>& entries);

    std::uint64_t size_bytes() const;      // what the file holds, released entries included
    std::uint64_t next_sequence() const;   // of the next append
    std::uint64_t durable_before() const;  // entries below this sequence are durable

  private:
    struct Impl;
    explicit Journal(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
