// The brake for rewrites: a stop before a mass of files that became noise spreads.
//
// What encrypts a person's files for ransom rewrites many of them, within minutes, to content that
// no longer compresses. So it is counted, for each device, how many files were rewritten to noise
// within ten minutes by the times of their versions; too many, and the device is *held*: of this
// device nothing is published, of another one nothing more is applied here, until somebody releases
// it. Nothing is lost meanwhile: what is written here lies in the journal, what others wrote in the
// vault directory.
//
// The same done in two steps counts as well: a new file of noise together with a file that was
// deleted, was no noise, and is about as large (a *pair*).
//
// New files alone, deletes alone, what compresses, what goes on from most of the old content, what
// the file has held before, and content of a known compressed form (pictures, archives, films)
// never count. What was written before this device first had the vault is history and does not
// count either.
//
// Kept on the disk, so that what is held stays held over restarts. THREADS: any; its lock is the
// innermost.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "base/mutex.h"
#include "vault/log/record.h"

namespace lockstep {

inline constexpr std::int64_t kRewriteWindowMs = 10 * 60'000;
inline constexpr std::uint64_t kRewrittenFilesMax = 200;
inline constexpr std::uint64_t kRewrittenPercentMax = 10;
inline constexpr std::uint64_t kRewrittenFilesMin = 20;  // of few files a tenth is nothing
// After a release the same device may go on for so long.
inline constexpr std::int64_t kRewriteGraceMs = 60 * 60'000;
// Larger files are not looked into: their lists alone are long. Of the others samples are read.
inline constexpr std::uint64_t kJudgedContentMax = 16ULL << 30;
// Of a pair the new file is not smaller than the deleted one, and larger by at most this, in bytes,
// and an eighth.
inline constexpr std::uint64_t kPairGrowthMax = 2048;

// Whether the bytes are as random ones would be. Few bytes never are.
bool looks_like_noise(ByteView bytes);
// Whether they begin as a format does that is compressed anyway.
bool has_compressed_form(ByteView bytes);

class RewriteBrake {
  public:
    struct Rewrite {
        FileId file;
        VersionId version;
        Content before, now;  // without inline bytes
        std::int64_t time_ms = 0;
        // What is known without looking into chunks.
        std::optional<bool> is_noise = {};
        // What its packs' lengths say, for content that is not here.
        bool is_long = false;
        bool is_new = false;  // the file is; `is_noise` does not count by itself then
    };
    // A file that was deleted, with what it held last.
    struct Deletion {
        FileId file;
        VersionId version;
        Content content;  // without inline bytes
        std::int64_t time_ms = 0;
        std::optional<bool> is_noise = {};
    };
    struct Hold {
        DeviceId device;
        std::int64_t since_ms = 0;  // just before the first of these rewrites
        std::uint64_t files = 0;
        std::vector<FileId> examples;
    };
    using Judge = std::function<bool(const Rewrite&)>;

    // A file that cannot be read is none.
    RewriteBrake(Disk& disk, Clock& clock, fs::path file);

    // A version of a file. `before` is what it replaces; nullopt: nothing, or nobody knows.
    void note(const DeviceId& device, const VersionRecord& version,
              const std::optional<Content>& before, bool is_long) EXCLUDES_LOCK(mutex_);
    // A file whose last link was deleted.
    void note_deletion(const DeviceId& device, const FileId& file, const VersionId& version,
                       const Content& content, std::int64_t time_ms) EXCLUDES_LOCK(mutex_);
    // Whether the device is held, now that this was noted. `files`: how many the vault has.
    bool holds_now(const DeviceId& device, std::uint64_t files, const Judge& judge)
        EXCLUDES_LOCK(mutex_);
    // Grows with every rewrite that may count.
    std::uint64_t noted() EXCLUDES_LOCK(mutex_);
    bool is_held(const DeviceId& device) EXCLUDES_LOCK(mutex_);
    // Whether that segment must wait: from the first of its log that was met while its device was
    // held. `is_new`: it was not applied before the index was lost.
    bool is_held(const DeviceId& device, const LogId& log, std::uint64_t number, bool is_new)
        EXCLUDES_LOCK(mutex_);
    std::vector<Hold> holds() EXCLUDES_LOCK(mutex_);
    // What is held goes through, and more of it for an hour.
    void release(const DeviceId& device) EXCLUDES_LOCK(mutex_);
    bool is_on() EXCLUDES_LOCK(mutex_);
    // Off: nothing is counted, and what is held goes through.
    Status set_on(bool is_on) EXCLUDES_LOCK(mutex_);

  private:
    struct Writer {
        std::map<FileId, Rewrite> rewrites;    // of the window; one for each file
        std::map<FileId, Deletion> deletions;  // of the window
        std::int64_t newest_ms = 0;
        std::int64_t free_until_ms = 0;
        bool is_held = false;
        Hold hold;
        std::map<LogId, std::uint64_t> logs;  // the first segment that waits
    };

    // A new file and the deleted one that it may stand for.
    struct Pair {
        FileId made, deleted;
    };
    // Of files that may count, as far as they were judged.
    static std::vector<Pair> pairs_of(const Writer& writer);
    static void forget_old(Writer& writer);
    // What must be judged before anything can be said; empty: there is no mass.
    struct Suspects {
        std::vector<Rewrite> made;
        std::vector<Deletion> deleted;
    };
    static Suspects suspects_of(const Writer& writer, std::uint64_t limit);
    static Hold hold_of(const DeviceId& device, const Writer& writer);
    void load() REQUIRES_LOCK(mutex_);
    Status save() REQUIRES_LOCK(mutex_);
    void keep() REQUIRES_LOCK(mutex_);

    Disk& disk_;
    Clock& clock_;
    const fs::path file_;
    Mutex mutex_;
    std::int64_t begun_ms_ GUARDED_BY(mutex_) = 0;
    bool is_on_ GUARDED_BY(mutex_) = true;
    std::uint64_t noted_ GUARDED_BY(mutex_) = 0;
    std::map<DeviceId, Writer> writers_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
