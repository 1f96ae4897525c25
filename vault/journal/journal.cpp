#include "vault/journal/journal.h"

#include "base/mutex.h"
#include "vault/journal/journal_replay.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kJournalFileSizeMax = 16ULL << 30;
// While a commit is under way appends wait in memory; beyond this they wait for it.
constexpr std::size_t kPendingSizeMax = 8 * kMiB;
constexpr std::uint64_t kAheadFrom = 64 * kKiB;       // in a file that is this long already
constexpr std::size_t kAheadSize = kMiB;              // zeros written ahead of small entries
constexpr std::size_t kAheadEntriesMax = 256 * kKiB;  // not ahead of more than this at once
constexpr std::uint64_t kKeptSizeMax = 16 * kMiB;     // an emptied file keeps this much
constexpr std::size_t kHeldSizeMax = 256 * kKiB;      // what waits for the commit that follows
constexpr std::size_t kDirectBlockSize = 4 * kKiB;    // what a write past the page cache is made of

Result<std::vector<Bytes>> encode_all(const std::vector<JournalEntry>& entries) {
    std::vector<Bytes> plaintexts;
    for (const JournalEntry& entry : entries) {
        TRY(Bytes plaintext, encode_journal_entry(entry));
        plaintexts.push_back(std::move(plaintext));
    }
    return plaintexts;
}

}  // namespace

// The file belongs to whoever has set is_busy; without it only under the lock.
struct Journal::Impl {
    Impl(Disk& the_disk, fs::path the_path, JournalCipher the_cipher, Random& the_random)
        : disk(the_disk),
          path(std::move(the_path)),
          cipher(std::move(the_cipher)),
          random(the_random) {}

    // Puts a frame at the end of `out` and steps on.
    void seal_next(Bytes& out, Bytes plaintext) REQUIRES_LOCK(mutex) {
        std::size_t at = out.size();
        cipher.append_frame(out, {next_sequence, durable_before, link, std::move(plaintext)},
                            random);
        link = journal_link(ByteView(out).subspan(at));
        ++next_sequence;
    }

    // Room for small entries to come. Whether it fails shows when they are written.
    // True when there is more of it now.
    bool write_ahead(DiskFile& target, std::uint64_t from, std::size_t length) {
        if (from < kAheadFrom || length > kAheadEntriesMax || from + length <= allocated)
            return false;
        static const Bytes zeros(kAheadSize);
        if (!target.write(from + length, zeros).ok()) return false;
        allocated = from + length + zeros.size();
        return true;
    }

    // REQUIRES: not busy
    Status write_pending() REQUIRES_LOCK(mutex) {
        if (pending.empty()) return {};
        Status status = file->write(size, pending);
        if (!status.ok()) return failed(std::move(status));
        written(pending);
        pending.clear();
        is_pending_promised = false;
        return {};
    }

    // `bytes` stand at the end of the file now.
    void written(ByteView bytes) REQUIRES_LOCK(mutex) {
        size += bytes.size();
        const std::size_t in_block = size % kDirectBlockSize;
        if (bytes.size() >= in_block) {
            last_block = to_bytes(bytes.last(in_block));
        } else if (last_block.size() + bytes.size() == in_block) {
            lockstep::append(last_block, bytes);
        } else {
            last_block.clear();  // not known: what is shorter than it should be is not used
        }
    }

    // Over room that the file has already, whole blocks go past the page cache: that is less work
    // for the kernel, and a quarter less to wait for. What stands in the first block is written
    // again as it is; behind the last entry come zeros. `begun` is what the first block holds.
    Status write_durably(DiskFile& target, std::uint64_t offset, Bytes begun, ByteView bytes) {
        const std::uint64_t from = offset - offset % kDirectBlockSize;
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t to = (end + kDirectBlockSize - 1) / kDirectBlockSize * kDirectBlockSize;
        const bool is_known = begun.size() == offset - from;
        if (!is_known || from < kAheadFrom || to > allocated || bytes.size() > kHeldSizeMax)
            return target.write(offset, bytes);
        begun.reserve(to - from);
        lockstep::append(begun, bytes);
        begun.resize(to - from);
        return target.write_uncached(from, begun);
    }

    Status failed(Status status) REQUIRES_LOCK(mutex) {
        is_poisoned = true;
        idle.notify_all();
        return std::move(std::move(status).error()).in("journal");
    }

    // After a failed write or sync nobody knows what the file holds: everything in it and what was
    // to follow goes into a new one. REQUIRES: not busy
    Status recover() REQUIRES_LOCK(mutex) {
        if (!is_poisoned) return {};
        TRY(std::vector<Bytes> plaintexts, plaintexts_from(kJournalFramesOffset));
        Bytes bytes = std::exchange(pending, {});
        Status status = replace_file(std::move(plaintexts));
        if (!status.ok())
            pending = std::move(bytes);
        else
            is_poisoned = false;
        return status;
    }

    // The entries from there on, those that are not written yet included. REQUIRES: not busy
    Result<std::vector<Bytes>> plaintexts_from(std::uint64_t offset) REQUIRES_LOCK(mutex) {
        Bytes frames(size - offset);
        TRY(const std::size_t got, file->read(offset, frames));
        if (got != frames.size())
            return Error{ErrorKind::Io, "journal: the file is shorter than what was written"};
        lockstep::append(frames, pending);
        std::vector<Bytes> out;
        for (ByteView rest = frames; !rest.empty();) {
            auto frame = cipher.read_frame(rest);
            const std::uint64_t at = offset + (frames.size() - rest.size());
            if (!frame && at < found_damaged_before) {
                // That was said when it was opened.
                rest = rest.subspan(next_journal_marker(rest, 1));
                continue;
            }
            if (!frame) return Error{ErrorKind::Io, "journal: what was written does not read back"};
            rest = rest.subspan(journal_frame_size(*frame));
            out.push_back(std::move(frame->plaintext));
        }
        return out;
    }

    void wait_until_idle() REQUIRES_LOCK(mutex) {
        while (is_busy) idle.wait(mutex);
    }

    // Writes and syncs everything appended so far, without the lock. REQUIRES: not busy
    Status sync_all() REQUIRES_LOCK(mutex) {
        is_busy = true;
        Bytes bytes, begun = last_block;
        bytes.swap(pending);
        is_pending_promised = false;
        std::uint64_t offset = size, upto = next_sequence;
        DiskFile& target = *file;
        mutex.unlock();
        // Zeros that are only in the page cache would be written out first.
        const bool is_room_new = write_ahead(target, offset, bytes.size());
        Status status;
        if (!bytes.empty() && is_room_new)
            status = target.write(offset, bytes);
        else if (!bytes.empty())
            status = write_durably(target, offset, std::move(begun), bytes);
        if (status.ok()) status = target.sync();
        mutex.lock();
        is_busy = false;
        if (!status.ok()) {
            pending.insert(pending.begin(), bytes.begin(), bytes.end());
            is_pending_promised = true;
            return failed(std::move(status));
        }
        written(bytes);
        durable_before = upto;
        if (is_pending_promised) status = write_pending();  // what came meanwhile
        idle.notify_all();
        return status;
    }

    Status begin_new_file() REQUIRES_LOCK(mutex) {
        Bytes header = new_header();
        TRY_OK(file->truncate(0));
        TRY_OK(file->write(0, header));
        TRY_OK(file->sync());
        size = allocated = header.size();
        last_block.clear();
        return {};
    }

    // Both slots, the first in force.
    Bytes new_header() REQUIRES_LOCK(mutex) {
        Bytes header = cipher.encode_slot(next_sequence);
        slot = 0;
        link = journal_link(header);
        header.resize(kJournalFramesOffset);
        return header;
    }

    // The other slot takes over with the next sequence: all frames there are become stale by that.
    Status forget_all() REQUIRES_LOCK(mutex) {
        std::size_t other = 1 - slot;
        Bytes bytes = cipher.encode_slot(next_sequence);
        if (Status s = file->write(other * kJournalSlotDistance, bytes); !s.ok())
            return failed(std::move(s));
        if (Status s = file->sync(); !s.ok()) return failed(std::move(s));
        if (size < kAheadFrom || size > kKeptSizeMax) {
            if (Status s = file->truncate(kJournalFramesOffset); !s.ok())
                return failed(std::move(s));
            allocated = kJournalFramesOffset;
        }
        pending.clear();
        found_damaged_before = 0;
        slot = other;
        link = journal_link(bytes);
        size = kJournalFramesOffset;
        last_block.clear();
        durable_before = next_sequence;
        return {};
    }

    Status replace_file(std::vector<Bytes> plaintexts) REQUIRES_LOCK(mutex) {
        fs::path temporary = path;
        temporary += ".tmp";
        TRY(auto fresh, disk.open(temporary, OpenMode::Create));
        TRY_OK(fresh->truncate(0));
        // Nothing of the running journal changes before the new file is whole.
        const JournalLink old_link = link;
        const std::uint64_t old_next = next_sequence, old_durable = durable_before;
        const std::size_t old_slot = slot;
        durable_before = next_sequence;
        Bytes bytes = new_header();
        for (Bytes& plaintext : plaintexts) seal_next(bytes, std::move(plaintext));
        Status status = fresh->write(0, bytes);
        if (status.ok()) status = fresh->sync();
        if (status.ok()) status = disk.rename(temporary, path);
        if (!status.ok()) {
            // Sequences of entries that were never in force may be given again.
            link = old_link, next_sequence = old_next, durable_before = old_durable,
            slot = old_slot;
            return std::move(std::move(status).error()).in("journal");
        }
        if (status = disk.sync_directory(path.parent_path()); !status.ok())
            return failed(std::move(status));
        file = std::move(fresh);
        pending.clear();
        size = allocated = bytes.size();
        last_block.clear();
        found_damaged_before = 0;
        durable_before = next_sequence;
        return {};
    }

    Disk& disk;
    const fs::path path;
    const JournalCipher cipher;
    Random& random;

    mutable Mutex mutex;
    CondVar idle;
    std::unique_ptr<DiskFile> file;
    bool is_busy GUARDED_BY(mutex) = false;
    bool is_poisoned GUARDED_BY(mutex) = false;
    Bytes pending GUARDED_BY(mutex);  // sealed, not yet written
    // Somebody was told that what is pending would be written without a commit of his.
    bool is_pending_promised GUARDED_BY(mutex) = false;
    Bytes last_block GUARDED_BY(mutex);  // what it holds up to `size`; empty: not known, or nothing
    std::uint64_t size GUARDED_BY(mutex) = 0;  // of the entries, without what is pending
    std::uint64_t allocated = 0;               // of the file; belongs to it
    // The end of what was damaged when the file was opened; 0: nothing was.
    std::uint64_t found_damaged_before GUARDED_BY(mutex) = 0;
    std::uint64_t next_sequence GUARDED_BY(mutex) = 1;
    std::uint64_t durable_before GUARDED_BY(mutex) = 0;
    JournalLink link GUARDED_BY(mutex);
    std::size_t slot GUARDED_BY(mutex) = 0;
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<Journal::Opened> Journal::open(Disk& disk, const fs::path& path, const VaultId& vault,
                                      const JournalKey& key, Random& random) {
    auto impl = std::make_unique<Impl>(disk, path, JournalCipher{vault, key.copy()}, random);
    TRY(impl->file, disk.open(path, OpenMode::Create));
    TRY(Bytes bytes, disk.read_file(path, kJournalFileSizeMax));
    TRY(JournalReplay replay, replay_journal(bytes, impl->cipher));
    {
        MutexLock lock(impl->mutex);
        impl->next_sequence = replay.next_sequence;
        impl->link = replay.link;
        impl->slot = replay.slot;
        impl->size = impl->allocated = replay.end;
        if (replay.is_new) {
            TRY_OK(impl->begin_new_file());
        } else if (bytes.size() != replay.end) {
            // What was never committed must not come back behind what is appended from now on.
            TRY_OK(impl->file->truncate(replay.end));
        }
        if (!replay.salvage.damage.empty()) impl->found_damaged_before = replay.end;
        // A process that was killed leaves entries that were written and not synced; if a sync has
        // failed since, only writing them again makes another one take them. A disk that is full,
        // and cannot do that in place, is no reason not to read the vault.
        Status again;
        if (replay.end > replay.committed_end)
            again = impl->file->write(
                replay.committed_end,
                ByteView(bytes).subspan(replay.committed_end, replay.end - replay.committed_end));
        if (!again.ok() && again.error().kind != ErrorKind::NoSpace)
            return std::move(again).error();
        TRY_OK(impl->file->sync());
        impl->durable_before = again.ok() ? impl->next_sequence : replay.committed_before;
    }
    TRY_OK(disk.sync_directory(path.parent_path()));
    return Opened{std::unique_ptr<Journal>(new Journal(std::move(impl))), std::move(replay.entries),
                  std::move(replay.salvage)};
}

Result<std::uint64_t> Journal::append(const JournalEntry& entry, Append when) {
    TRY(Bytes plaintext, encode_journal_entry(entry));
    MutexLock lock(impl_->mutex);
    while (impl_->is_busy && impl_->pending.size() > kPendingSizeMax)
        impl_->idle.wait(impl_->mutex);
    if (impl_->is_poisoned) impl_->wait_until_idle();
    TRY_OK(impl_->recover());
    std::uint64_t sequence = impl_->next_sequence;
    impl_->seal_next(impl_->pending, std::move(plaintext));
    if (when == Append::BeforeCommit && impl_->pending.size() <= kHeldSizeMax) return sequence;
    impl_->is_pending_promised = true;
    if (!impl_->is_busy) TRY_OK(impl_->write_pending());
    return sequence;
}

Status Journal::commit() {
    MutexLock lock(impl_->mutex);
    const std::uint64_t target = impl_->next_sequence;
    while (impl_->durable_before < target) {
        if (impl_->is_busy) {
            impl_->idle.wait(impl_->mutex);
        } else if (impl_->is_poisoned) {
            TRY_OK(impl_->recover());
        } else {
            TRY_OK(impl_->sync_all());
        }
    }
    return {};
}

Status Journal::flush() {
    MutexLock lock(impl_->mutex);
    impl_->wait_until_idle();
    TRY_OK(impl_->recover());
    return impl_->write_pending();
}

Result<Journal::Mark> Journal::mark() {
    MutexLock lock(impl_->mutex);
    impl_->wait_until_idle();
    TRY_OK(impl_->recover());
    TRY_OK(impl_->write_pending());
    return Mark{impl_->next_sequence, impl_->size};
}

Status Journal::rewrite_before(const Mark& mark, const std::vector<JournalEntry>& entries) {
    TRY(std::vector<Bytes> plaintexts, encode_all(entries));
    MutexLock lock(impl_->mutex);
    impl_->wait_until_idle();
    TRY_OK(impl_->recover());
    TRY_OK(impl_->write_pending());
    if (mark.offset > impl_->size) return {};  // made anew meanwhile
    TRY(std::vector<Bytes> kept, impl_->plaintexts_from(mark.offset));
    plaintexts.insert(plaintexts.end(), std::make_move_iterator(kept.begin()),
                      std::make_move_iterator(kept.end()));
    return impl_->replace_file(std::move(plaintexts));
}

Result<std::uint64_t> Journal::rewrite(const std::vector<JournalEntry>& entries) {
    TRY(std::vector<Bytes> plaintexts, encode_all(entries));
    MutexLock lock(impl_->mutex);
    impl_->wait_until_idle();
    TRY_OK(impl_->recover());
    std::uint64_t first = impl_->next_sequence;
    if (plaintexts.empty())
        TRY_OK(impl_->forget_all());
    else
        TRY_OK(impl_->replace_file(std::move(plaintexts)));
    return first;
}

std::uint64_t Journal::size_bytes() const {
    MutexLock lock(impl_->mutex);
    return impl_->size + impl_->pending.size();
}

std::uint64_t Journal::next_sequence() const {
    MutexLock lock(impl_->mutex);
    return impl_->next_sequence;
}

std::uint64_t Journal::durable_before() const {
    MutexLock lock(impl_->mutex);
    return impl_->durable_before;
}

}  // namespace lockstep
