#include "vault/presence/range_cache.h"

#include <algorithm>

#include "base/codec.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kRecordHeaderSize = 8;
constexpr std::string_view kEnding = ".ranges";

}  // namespace

Result<std::unique_ptr<RangeCache>> RangeCache::open(Disk& disk, fs::path directory,
                                                     std::uint64_t limit) {
    auto listed = disk.list(directory);
    if (!listed.ok() && listed.error().kind != ErrorKind::NotFound)
        return std::move(listed).error();
    const std::vector<DirectoryItem> items = std::move(listed).value_or({});
    std::unique_ptr<RangeCache> out(new RangeCache(disk, std::move(directory), limit));
    MutexLock lock(out->mutex_);
    for (const DirectoryItem& item : items) {
        std::string_view name = item.name;
        if (item.is_directory || !name.ends_with(kEnding)) continue;
        name.remove_suffix(kEnding.size());
        auto pack = PackId::parse_hex(name);
        if (!pack.ok()) continue;
        out->uses_.push_back(*pack);
        Entry& entry = out->entries_[*pack];
        entry.size = item.size;
        entry.use = std::prev(out->uses_.end());
        out->bytes_ += item.size;
    }
    out->trim(nullptr);
    return out;
}

// Which ranges the file holds; only the headers are read.
Status RangeCache::load(const PackId& pack, Entry& entry) {
    if (entry.is_loaded) return {};
    entry.is_loaded = true;
    TRY(auto file, disk_.open(path_of(pack), OpenMode::Read));
    TRY(std::uint64_t size, file->size());
    std::uint64_t at = 0;
    while (at + kRecordHeaderSize <= size) {
        Bytes header(kRecordHeaderSize);
        TRY(std::size_t got, file->read(at, header));
        if (got != header.size()) break;
        Decoder in(header);
        const std::uint32_t offset = in.u32(), length = in.u32();
        if (length == 0 || length > kPackSizeMax || at + kRecordHeaderSize + length > size) break;
        Place& place = entry.places[offset];
        if (length > place.length) place = {length, at + kRecordHeaderSize};
        at += kRecordHeaderSize + length;
    }
    bytes_ += at - entry.size;
    entry.size = at;
    return {};
}

bool RangeCache::read(const PackId& pack, std::uint64_t offset, MutableByteView out) {
    MutexLock lock(mutex_);
    auto found = entries_.find(pack);
    if (found == entries_.end()) return false;
    Entry& entry = found->second;
    if (!load(pack, entry).ok()) {
        drop_locked(pack);
        return false;
    }
    std::unique_ptr<DiskFile> file;
    while (!out.empty()) {
        auto at = entry.places.upper_bound(static_cast<std::uint32_t>(offset));
        if (at == entry.places.begin()) return false;
        --at;
        const std::uint64_t skip = offset - at->first;
        if (skip >= at->second.length) return false;
        const std::size_t size = std::min<std::uint64_t>(out.size(), at->second.length - skip);
        if (!file) {
            auto opened = disk_.open(path_of(pack), OpenMode::Read);
            if (!opened.ok()) return false;
            file = std::move(*opened);
        }
        auto got = file->read(at->second.position + skip, out.first(size));
        if (!got.ok() || *got != size) return false;
        out = out.subspan(size);
        offset += size;
    }
    uses_.splice(uses_.begin(), uses_, entry.use);
    return true;
}

bool RangeCache::covers(const PackId& pack, std::uint64_t offset, std::uint64_t length) {
    MutexLock lock(mutex_);
    auto found = entries_.find(pack);
    if (found == entries_.end() || !load(pack, found->second).ok()) return false;
    const auto& places = found->second.places;
    while (length > 0) {
        auto at = places.upper_bound(static_cast<std::uint32_t>(offset));
        if (at == places.begin()) return false;
        --at;
        const std::uint64_t skip = offset - at->first;
        if (skip >= at->second.length) return false;
        const std::uint64_t size = std::min<std::uint64_t>(length, at->second.length - skip);
        offset += size;
        length -= size;
    }
    return true;
}

Status RangeCache::add(const PackId& pack, std::uint32_t offset, ByteView bytes) {
    if (bytes.empty()) return {};
    MutexLock lock(mutex_);
    auto [at, is_new] = entries_.try_emplace(pack);
    Entry& entry = at->second;
    if (is_new) {
        uses_.push_front(pack);
        entry.use = uses_.begin();
        entry.is_loaded = true;
    }
    if (Status loaded = load(pack, entry); !loaded.ok()) {
        drop_locked(pack);
        return loaded;
    }
    uses_.splice(uses_.begin(), uses_, entry.use);
    if (auto held = entry.places.find(offset);
        held != entry.places.end() && held->second.length >= bytes.size())
        return {};
    const bool is_first = entries_.size() == 1;
    auto write = [&]() -> Status {
        if (is_first) TRY_OK(disk_.make_directories(directory_));
        TRY(auto file, disk_.open(path_of(pack), OpenMode::Create));
        Encoder record;
        record.u32(offset).u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes);
        // What a crash has left behind the last whole record is overwritten or cut off.
        TRY_OK(file->write(entry.size, record.view()));
        return file->truncate(entry.size + record.size());
    };
    if (Status written = write(); !written.ok()) {
        drop_locked(pack);
        return written;
    }
    entry.places[offset] = {static_cast<std::uint32_t>(bytes.size()),
                            entry.size + kRecordHeaderSize};
    entry.size += kRecordHeaderSize + bytes.size();
    bytes_ += kRecordHeaderSize + bytes.size();
    trim(&pack);
    return {};
}

void RangeCache::trim(const PackId* keep) {
    while (bytes_ > limit_ && !uses_.empty()) {
        const PackId last = uses_.back();
        if (keep != nullptr && last == *keep) return;
        drop_locked(last);
    }
}

void RangeCache::drop_locked(const PackId& pack) {
    auto at = entries_.find(pack);
    if (at == entries_.end()) return;
    bytes_ -= at->second.size;
    uses_.erase(at->second.use);
    entries_.erase(at);
    static_cast<void>(disk_.remove(path_of(pack)).ok());
}

void RangeCache::drop(const PackId& pack) {
    MutexLock lock(mutex_);
    drop_locked(pack);
}

std::uint64_t RangeCache::bytes() {
    MutexLock lock(mutex_);
    return bytes_;
}

std::uint64_t RangeCache::bytes_of(const PackId& pack) {
    MutexLock lock(mutex_);
    auto at = entries_.find(pack);
    return at == entries_.end() ? 0 : at->second.size;
}

void RangeCache::set_limit(std::uint64_t limit) {
    MutexLock lock(mutex_);
    limit_ = limit;
    trim(nullptr);
}

Status SparsePackBytes::read(std::uint64_t offset, MutableByteView out) const {
    if (offset > pack_.length || out.size() > pack_.length - offset)
        return Error{ErrorKind::Corrupt, "pack: unexpected end"};
    std::size_t before = 0;
    for (const PackSpan& span : request_ ? request_->spans : std::vector<PackSpan>{}) {
        if (offset >= span.offset &&
            offset + out.size() <= std::uint64_t{span.offset} + span.length) {
            ByteView part = bytes_.subspan(before + (offset - span.offset), out.size());
            std::copy(part.begin(), part.end(), out.begin());
            return {};
        }
        before += span.length;
    }
    if (cache_.read(pack_.id, offset, out)) return {};
    return Error{ErrorKind::Unavailable, "these bytes of the pack are not here"};
}

}  // namespace lockstep
