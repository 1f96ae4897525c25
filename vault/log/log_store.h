// The segments of all logs in a vault directory: log/<log, hex>/<number>.seg.
//
// A second, different segment with a number that is taken (a cloned or restored machine) is kept
// beside the first as <number>.<hash, hex>.seg: it is evidence, and the tail that follows it is not
// lost. Files that are not segments are left alone and reported.
//
// INVARIANT: what put() reported Stored survives a power cut, and is never overwritten.
// THREADS: any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/mutex.h"
#include "vault/log/segment.h"

namespace lockstep {

// A log with two segments of one number.
struct LogFork {
    SegmentRef segment;
    SegmentHash first;  // the one that is followed
    SegmentHash second;
    auto operator<=>(const LogFork&) const = default;
};

// What verify() found. Nothing in it is fatal: what is intact is used.
struct LogReport {
    Frontier frontier;                  // each log's last segment that is linked to its first
    std::map<LogId, DeviceId> devices;  // who writes it
    std::vector<LogFork> forks;
    std::vector<SegmentRef> missing;   // the first gap of each log that has later segments
    std::vector<std::string> damaged;  // sentences: which object, what is wrong
    std::vector<std::string> foreign;  // paths below log/ that are no segments of ours
};

class LogStore {
  public:
    enum class Put { Stored, Known, Forked };

    // A file name in a log's directory; `fork` is the hash of a number's second segment.
    struct Name {
        std::uint64_t number = 0;
        std::optional<SegmentHash> fork;
    };
    // Nothing when no segment has that file name.
    static std::optional<Name> parse_name(std::string_view name);

    // Lists what is there; verify() is what trusts it. `temporary_ending`: of files being written;
    // those who write to one directory have different ones.
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

    // Puts the right bytes where damaged ones lie, durably.
    // REQUIRES: as for put(); and what read() gives does not pass open_outer().
    Status repair(const SegmentRef& segment, ByteView bytes) EXCLUDES_LOCK(mutex_);

    // Keeps what lies under that number as a fork's other segment, before repair() takes the place.
    Status set_aside(const SegmentRef& segment) EXCLUDES_LOCK(mutex_);

    // The first segment stored under that number, unverified.
    Result<Bytes> read(const SegmentRef& segment) const;
    // A fork's other segment.
    Result<Bytes> read(const SegmentRef& segment, const SegmentHash& hash) const;

    bool has(const SegmentRef& segment) const EXCLUDES_LOCK(mutex_);
    std::vector<LogId> logs() const EXCLUDES_LOCK(mutex_);                             // sorted
    std::vector<std::uint64_t> numbers(const LogId& log) const EXCLUDES_LOCK(mutex_);  // sorted
    std::uint64_t segment_count() const EXCLUDES_LOCK(mutex_);

    // Reads and verifies every segment and the chains that they make. What cannot be read is
    // reported like damage.
    LogReport verify(const SegmentLookup& lookup) const EXCLUDES_LOCK(mutex_);
    // The same for one log, added to `report`.
    void verify_log(const LogId& log, const SegmentLookup& lookup, LogReport& report) const
        EXCLUDES_LOCK(mutex_);

    fs::path path_of(const SegmentRef& segment) const;

  private:
    struct Log {
        std::set<std::uint64_t> numbers;
        std::set<std::pair<std::uint64_t, SegmentHash>> forks;
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
    fs::path fork_path(const SegmentRef& segment, const SegmentHash& hash) const;
    Result<SegmentOuter> open_at(const SegmentRef& segment, const fs::path& path,
                                 const SegmentLookup& lookup) const;
    // The readable segments of that number, the first stored one first.
    std::vector<SegmentOuter> candidates(const LogId& log, std::uint64_t number,
                                         const SegmentLookup& lookup, LogReport& report) const;

    Disk& disk_;
    fs::path directory_;  // log/ of the vault
    const std::string temporary_ending_;
    Mutex write_mutex_;  // one put() at a time
    mutable Mutex mutex_;
    std::map<LogId, Log> logs_ GUARDED_BY(mutex_);
    std::vector<std::string> foreign_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
