// The segments of all logs in a vault directory: log/<log, hex>/<number>.seg, and those that stand
// for several (compaction.h): <first>-<number>.seg.
//
// A second, different segment with a name that is taken (a cloned or restored machine) is kept
// beside the first as <name>.<hash, hex>.seg. Files that are not segments are left alone.
//
// INVARIANT: what put() reported Stored survives a power cut, and is never overwritten; it is
// removed by remove() alone. THREADS: any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/disk.h"
#include "base/mutex.h"
#include "vault/log/segment.h"

namespace lockstep {

class LogStore {
  public:
    enum class Put { Stored, Known, Forked };

    // A file name in a log's directory; `fork` is the hash of a name's second segment, `first` the
    // first number that a compacted one stands for (0: it is none).
    struct Name {
        std::uint64_t number = 0;
        std::optional<SegmentHash> fork = {};
        std::uint64_t first = 0;

        bool is_compacted() const { return first != 0; }
        std::uint64_t from() const { return is_compacted() ? first : number; }
        bool holds(std::uint64_t wanted) const { return from() <= wanted && wanted <= number; }
        // By the first number; of those the widest last.
        auto operator<=>(const Name& other) const {
            return std::tuple(from(), number, fork) <=>
                   std::tuple(other.from(), other.number, other.fork);
        }
        bool operator==(const Name&) const = default;
    };
    // Nothing when no segment has that file name.
    static std::optional<Name> parse_name(std::string_view name);

    // Lists what is there. `temporary_ending`: of files being written; those who write to one
    // directory have different ones.
    static Result<std::unique_ptr<LogStore>> open(Disk& disk, const fs::path& vault_directory,
                                                  std::string temporary_ending = ".tmp");

    // Makes the names of what is there durable: a put() that failed, or a process that was killed,
    // may have left segments that can be seen and that a power cut would still take.
    Status make_names_durable() EXCLUDES_LOCK(mutex_);

    // Writes a segment durably: file, its directory, a newly made parent. One that somebody else
    // put there is left as it is and made durable. Forked: the number was taken by other bytes;
    // both are kept. REQUIRES: `bytes` passed open_outer(), and `segment` is its header's log and
    // number.
    Result<Put> put(const SegmentRef& segment, ByteView bytes) EXCLUDES_LOCK(mutex_);

    // The same for any segment by the name that is its own; not a fork's.
    Result<Put> put(const LogId& log, const Name& name, ByteView bytes) EXCLUDES_LOCK(mutex_);

    // Puts the right bytes where damaged ones lie, or none do any more, durably.
    // REQUIRES: as for put(), of what `name` is to name; and what read() gives is not those bytes
    // and does not pass open_outer().
    Status repair(const LogId& log, const Name& name, ByteView bytes) EXCLUDES_LOCK(mutex_);

    // The first segment stored under that number, unverified.
    Result<Bytes> read(const SegmentRef& segment) const;
    // The file of that name, unverified.
    Result<Bytes> read(const LogId& log, const Name& name) const;
    // Where the segment with that hash may lie, the likeliest first.
    std::vector<Name> names_of(const SegmentRef& segment, const SegmentHash& hash) const
        EXCLUDES_LOCK(mutex_);

    // Compacted segments. Which ones a file stands for is told by who has opened it.
    void note_contents(const LogId& log, const Name& name, std::vector<SegmentHash> hashes)
        EXCLUDES_LOCK(mutex_);
    // Empty: it is not known.
    std::vector<SegmentHash> contents_of(const LogId& log, const Name& name) const
        EXCLUDES_LOCK(mutex_);
    // Removes a file of which others hold everything. Its absence need not survive a power cut.
    Status remove(const LogId& log, const Name& name) EXCLUDES_LOCK(mutex_);
    // The file has gone: somebody else has removed it.
    void forget(const LogId& log, const Name& name) EXCLUDES_LOCK(mutex_);
    // What lies in the log's directory now, whoever has put it there; sorted, with sizes.
    struct File {
        Name name;
        std::uint64_t size_bytes = 0;
    };
    std::vector<File> files(const LogId& log) const;

    bool has(const SegmentRef& segment) const EXCLUDES_LOCK(mutex_);
    std::vector<LogId> logs() const EXCLUDES_LOCK(mutex_);  // sorted
    // By the first number; of each the first stored one before a fork's others.
    std::vector<Name> names(const LogId& log) const EXCLUDES_LOCK(mutex_);
    std::uint64_t segment_count() const EXCLUDES_LOCK(mutex_);

    fs::path path_of(const SegmentRef& segment) const;
    fs::path path_of(const LogId& log, const Name& name) const;

  private:
    struct Log {
        std::set<Name> names;
        std::map<Name, std::vector<SegmentHash>> contents;  // of compacted ones
    };

    LogStore(Disk& disk, fs::path directory, std::string temporary_ending)
        : disk_(disk),
          directory_(std::move(directory)),
          temporary_ending_(std::move(temporary_ending)) {}
    Status list_logs() EXCLUDES_LOCK(mutex_);
    Status list_log(const std::string& name) EXCLUDES_LOCK(mutex_);
    bool is_leftover(const DirectoryItem& item) const;
    Status write(const fs::path& path, ByteView bytes);
    fs::path directory_of(const LogId& log) const;

    Disk& disk_;
    fs::path directory_;  // log/ of the vault
    const std::string temporary_ending_;
    Mutex write_mutex_;  // one put() at a time
    mutable Mutex mutex_;
    std::map<LogId, Log> logs_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
