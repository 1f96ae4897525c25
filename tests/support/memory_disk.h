// A Disk in memory that forgets, at a crash, what was not made durable; and that fails on demand.
//
// What it promises is exactly what base/disk.h promises, and no more:
//   * a file's bytes survive crash() once sync() returned ok;
//   * a name (create, rename, remove) survives once sync_directory() of its parent, or of both
//   parents
//     of a rename, returned ok. Syncing a file does not make its name durable;
//   * after a failed sync() the bytes written since the last one stay visible but no later sync()
//     makes them durable, as with Linux's page cache.
//
// Typical use, crash points:
//     for (std::uint64_t n = 0;; ++n) {
//         MemoryDisk disk;
//         disk.power_off_at(n);
//         bool finished = work(disk).ok();
//         disk.crash(seed);
//         check what work() promised;
//         if (finished) break;
//     }
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/mutex.h"

namespace lockstep {

struct DiskCall {
    enum class Kind {
        Open,
        Create,
        Read,
        Write,
        Sync,
        Truncate,
        Rename,
        Remove,
        MakeDirectory,
        SyncDirectory,
        List
    };
    Kind kind = Kind::Open;
    fs::path path;

    // Whether the call changes anything: those are the points at which a crash matters.
    bool changes() const { return kind != Kind::Open && kind != Kind::Read && kind != Kind::List; }
    bool operator==(const DiskCall&) const = default;
};

// THREADS: any.
class MemoryDisk final : public Disk {
  public:
    MemoryDisk();
    ~MemoryDisk() override;

    Result<std::unique_ptr<DiskFile>> open(const fs::path& path, OpenMode mode) override;
    Status rename(const fs::path& from, const fs::path& to) override;
    Status remove(const fs::path& path) override;
    Status make_directories(const fs::path& path) override;
    Status sync_directory(const fs::path& path) override;
    Result<std::vector<DirectoryItem>> list(const fs::path& path) override;
    bool exists(const fs::path& path) override;
    // Always a gigabyte, half of it free.
    Result<DiskSpace> space(const fs::path&) override {
        return DiskSpace{1U << 30, 1U << 29, 1U << 29};
    }

    // Power cut: everything not durable is gone, open files answer Io for ever, planned failures
    // and power_off_at() are cleared.
    void crash();
    // Power cut in which each change that was not durable is kept, dropped or (writes) torn, as
    // `seed` says.
    void crash(std::uint64_t seed);

    // The n-th call from now (0 is the next one) that changes anything fails with `kind` and has no
    // effect, once. With `only`: the n-th call of that kind. Replaces an earlier plan.
    void fail_call(std::uint64_t n, ErrorKind kind,
                   std::optional<DiskCall::Kind> only = std::nullopt);
    // The n-th changing call from now and all calls after it fail with Io, until crash(). What the
    // n-th call was about to do counts as done but not durable, so crash(seed) may keep or tear it.
    void power_off_at(std::uint64_t n);
    // The n-th write from now puts only the first half of its bytes into the file, then fails with
    // `kind`, once. Replaces an earlier plan.
    void fail_write_short(std::uint64_t n, ErrorKind kind);
    void clear_failures();
    // Whether power_off_at() has struck and no crash() has followed.
    bool is_powered_off() const;
    // While full, whatever would take space fails with NoSpace: writes, new files and directories.
    // A crash does not empty it.
    void set_full(bool is_full);

    // Called before every open(), without any lock held: what happens meanwhile elsewhere. Empty:
    // nothing.
    void set_before_open(std::function<void(const fs::path&)> hook) {
        before_open_ = std::move(hook);
    }

    // Changing calls so far.
    std::uint64_t change_count() const;
    // Every call since start_recording(), in order.
    void start_recording();
    std::vector<DiskCall> calls() const;

    // Another disk with the same files, all of them durable: a backup taken now.
    std::unique_ptr<MemoryDisk> clone() const;

    // Looking in and meddling, uncounted and never failing. The file's present bytes (nullopt: no
    // such file):
    std::optional<Bytes> contents(const fs::path& path) const;
    // Makes or replaces a file, durably (its directories too): bit rot, foreign writers, restored
    // files.
    void put(const fs::path& path, ByteView data);

  private:
    std::function<void(const fs::path&)> before_open_;
    struct Node;
    struct NameChange;
    class File;
    struct Place;
    using NodePtr = std::shared_ptr<Node>;
    enum class Verdict { Proceed, PowerOff, Short };

    struct Plan {
        std::uint64_t calls_left = 0;
        ErrorKind kind = ErrorKind::Io;
        std::optional<DiskCall::Kind> only;
        bool power_off = false;
        bool is_short = false;
    };

    Result<Verdict> count(DiskCall call) REQUIRES_LOCK(mutex_);
    Status check_power() const REQUIRES_LOCK(mutex_);
    Result<Place> find(const fs::path& path) const REQUIRES_LOCK(mutex_);
    NodePtr walk(const fs::path& path) const REQUIRES_LOCK(mutex_);
    Result<NodePtr> open_node(const fs::path& path, OpenMode mode) REQUIRES_LOCK(mutex_);
    Status make_directory(const fs::path& path) REQUIRES_LOCK(mutex_);
    void settle(std::size_t index) REQUIRES_LOCK(mutex_);
    void reset_after_crash() REQUIRES_LOCK(mutex_);
    static void forget(Node& node);
    static void tear(Node& node, std::uint64_t& state);
    static NodePtr copy_of(const Node& node);

    mutable Mutex mutex_;
    NodePtr root_ GUARDED_BY(mutex_);
    // Name changes that are visible but not durable, oldest first.
    std::vector<NameChange> pending_names_ GUARDED_BY(mutex_);
    std::optional<Plan> plan_ GUARDED_BY(mutex_);
    ErrorKind short_kind_ GUARDED_BY(mutex_) = ErrorKind::Io;
    bool powered_off_ GUARDED_BY(mutex_) = false;
    bool is_full_ GUARDED_BY(mutex_) = false;
    std::uint64_t crashes_ GUARDED_BY(mutex_) = 0;
    std::uint64_t changes_ GUARDED_BY(mutex_) = 0;
    bool recording_ GUARDED_BY(mutex_) = false;
    std::vector<DiskCall> calls_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
