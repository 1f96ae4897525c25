// The segments of all logs in a vault directory: log/<log, hex>/<number>.seg.
//
// A second, different segment with a number that is taken (a cloned or restored machine) is kept
// beside the first as <number>.<hash, hex>.seg. Files that are not segments are left alone.
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

class LogStore {
  public:
    enum class Put { Stored, Known, Forked };

    // A file name in a log's directory; `fork` is the hash of a number's second segment.
    struct Name {
        std::uint64_t number = 0;
        std::optional<SegmentHash> fork;
        auto operator<=>(const Name&) const = default;
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

    // Puts the right bytes where damaged ones lie, or none do any more, durably.
    // REQUIRES: as for put(), of what `name` is to name; and what read() gives is not those bytes
    // and does not pass open_outer().
    Status repair(const LogId& log, const Name& name, ByteView bytes) EXCLUDES_LOCK(mutex_);

    // The first segment stored under that number, unverified.
    Result<Bytes> read(const SegmentRef& segment) const;
    // The file of that name, unverified.
    Result<Bytes> read(const LogId& log, const Name& name) const;
    // Where the segment with that hash lies, if it does.
    Name name_of(const SegmentRef& segment, const SegmentHash& hash) const EXCLUDES_LOCK(mutex_);

    bool has(const SegmentRef& segment) const EXCLUDES_LOCK(mutex_);
    std::vector<LogId> logs() const EXCLUDES_LOCK(mutex_);  // sorted
    // By number; of each the first stored one before a fork's others.
    std::vector<Name> names(const LogId& log) const EXCLUDES_LOCK(mutex_);
    std::uint64_t segment_count() const EXCLUDES_LOCK(mutex_);

    fs::path path_of(const SegmentRef& segment) const;
    fs::path path_of(const LogId& log, const Name& name) const;

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

    Disk& disk_;
    fs::path directory_;  // log/ of the vault
    const std::string temporary_ending_;
    Mutex write_mutex_;  // one put() at a time
    mutable Mutex mutex_;
    std::map<LogId, Log> logs_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
