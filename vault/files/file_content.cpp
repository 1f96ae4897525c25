#include "vault/files/file_content.h"

#include <algorithm>

namespace lockstep {
namespace {

// Sealing no more than this is done at once: the journal would hold nearly as much.
constexpr std::uint64_t kCheapSealSize = 4 * kKiB;

Error too_large() {
    return {ErrorKind::TooLarge, "a file cannot be larger than 1 PiB"};
}

}  // namespace

FileContent::~FileContent() {
    MutexLock lock(mutex_);
    if (total_ != nullptr) *total_ -= counted_;
}

void FileContent::count_dirty() {
    if (total_ == nullptr) return;
    std::uint64_t now = dirty_.bytes() + (sealing_ ? sealing_->bytes() : 0);
    *total_ += now - counted_;
    counted_ = now;
}

// ---- all of it

void FileContent::reset(ContentList list) {
    size_min_ = size();
    is_rebuilt_ = false;
    list_ = std::make_shared<const ContentList>(std::move(list));
    dirty_.clear();
    unjournaled_.clear();
    streamed_ = 0;
    clean_cut_ = 0;
    count_dirty();
}

void FileContent::load(ContentList list) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    set_size(list.size());
    reset(std::move(list));
}

void FileContent::load_bytes(ByteView bytes) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    set_size(bytes.size());
    reset({});
    dirty_.write(0, bytes);
    count_dirty();
}

std::uint64_t FileContent::allocated() {
    MutexLock lock(mutex_);
    std::uint64_t total = dirty_.bytes() + (sealing_ ? sealing_->bytes() : 0);
    for (const Extent& extent : list_->extents())
        if (!extent.is_hole()) total += extent.length;
    return std::min(total, size());
}

// ---- reading

Result<std::size_t> FileContent::read(std::uint64_t offset, MutableByteView out) {
    // What is dirty is copied together with the list, so that both belong to one moment; chunks
    // and what is being sealed never change.
    std::shared_ptr<const ContentList> list;
    std::shared_ptr<const DirtyRanges> sealing;
    DirtyRanges dirty;
    {
        MutexLock lock(mutex_);
        std::uint64_t end = size();
        if (offset >= end) return std::size_t{0};
        out = out.first(std::min<std::uint64_t>(out.size(), end - offset));
        DirtyRanges::Range range = dirty_.next(offset);
        if (range.size != 0 && range.offset <= offset && range.end() >= offset + out.size()) {
            dirty_.overlay(offset, out);
            return out.size();
        }
        list = list_;
        sealing = sealing_;
        for (; range.size != 0 && range.offset < offset + out.size();
             range = dirty_.next(range.end())) {
            std::uint64_t from = std::max(range.offset, offset),
                          to = std::min(range.end(), offset + out.size());
            Bytes copy(to - from);
            dirty_.overlay(from, copy);
            dirty.write(from, copy);
        }
    }
    TRY_OK(read_content_list(chunks_, *list, offset, out));
    if (sealing) sealing->overlay(offset, out);
    dirty.overlay(offset, out);
    return out.size();
}

std::vector<ChunkId> FileContent::chunks_from(std::uint64_t offset, std::size_t max) {
    MutexLock lock(mutex_);
    std::vector<ChunkId> out;
    const std::vector<Extent>& extents = list_->extents();
    for (std::size_t i = list_->find(offset); i < extents.size() && out.size() < max; ++i)
        if (!extents[i].is_hole()) out.push_back(extents[i].chunk);
    return out;
}

std::vector<ChunkId> FileContent::chunks_within(std::uint64_t from, std::uint64_t to) {
    MutexLock lock(mutex_);
    std::vector<ChunkId> out;
    const std::vector<Extent>& extents = list_->extents();
    for (std::size_t i = list_->find(from); i < extents.size(); ++i) {
        if (list_->start_of(i) + extents[i].length > to) break;
        if (!extents[i].is_hole()) out.push_back(extents[i].chunk);
    }
    return out;
}

// REQUIRES: nothing is being sealed
Status FileContent::read_now(std::uint64_t offset, MutableByteView out) {
    if (!dirty_.covers(offset, out.size())) TRY_OK(read_content_list(chunks_, *list_, offset, out));
    dirty_.overlay(offset, out);
    return {};
}

// ---- writing

Status FileContent::write(std::uint64_t offset, ByteView data) {
    if (data.empty()) return {};
    if (offset > kFileSizeMax || data.size() > kFileSizeMax - offset) return too_large();
    MutexLock lock(mutex_);
    streamed_ = dirty_.write(offset, data);
    unjournaled_.add(offset, data.size());
    count_dirty();
    set_size(std::max(size(), offset + data.size()));
    return {};
}

Status FileContent::truncate(std::uint64_t target) {
    if (target > kFileSizeMax) return too_large();
    MutexLock lock(mutex_);
    wait_for_sealing();
    if (target < list_->size()) {
        ContentList list = *list_;
        // A chunk that the new end cuts through is written again up to there.
        std::uint64_t start = list.start_of(list.find(target));
        if (!list.may_split_at(target)) {
            Bytes kept(target - start);
            TRY_OK(read_now(start, kept));
            TRY_OK(list.resize(start));
            dirty_.write(start, kept);
        } else {
            TRY_OK(list.resize(target));
        }
        list_ = std::make_shared<const ContentList>(std::move(list));
    }
    dirty_.truncate(target);
    unjournaled_.truncate(target);
    size_min_ = std::min(size_min_, target);
    count_dirty();
    clean_cut_ = 0;
    set_size(target);
    return {};
}

std::uint64_t FileContent::dirty_bytes() {
    MutexLock lock(mutex_);
    return dirty_.bytes() + (sealing_ ? sealing_->bytes() : 0);
}

std::uint64_t FileContent::streamed_bytes() {
    MutexLock lock(mutex_);
    return streamed_;
}

// ---- for the journal

// Changed in a way that the journal's entries cannot tell, until it has been sealed.
void FileContent::set_rebuilt() {
    clean_cut_ = 0;
    is_rebuilt_ = true;
    count_dirty();
}

Result<FileContent::Written> FileContent::take_unjournaled(std::uint64_t bytes_max) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    CHECK(!is_rebuilt_);
    Written out;
    out.size_min = std::exchange(size_min_, size());
    out.size = size();
    std::uint64_t left = bytes_max;
    while (left > 0 && !unjournaled_.empty()) {
        const auto [from, to] = unjournaled_.take_first(left);
        left -= to - from;
        Bytes& bytes = out.ranges.emplace_back(Written::Range{from, Bytes(to - from)}).bytes;
        TRY_OK(read_now(from, bytes));
    }
    out.is_all = unjournaled_.empty();
    return out;
}

void FileContent::set_journal_failed() {
    MutexLock lock(mutex_);
    is_rebuilt_ = true;
}

bool FileContent::is_journal_cheaper() {
    MutexLock lock(mutex_);
    if (is_rebuilt_ || size() <= kInlineContentSizeMax) return false;
    const std::uint64_t enough = 2 * unjournaled_.bytes() + kCheapSealSize;
    const std::vector<Extent>& extents = list_->extents();
    std::uint64_t cost = 0, at = 0;
    for (;;) {
        DirtyRanges::Range range = dirty_.next(at);
        if (range.size == 0) return false;
        std::uint64_t from = range.offset, to = range.end();
        // Data that goes on from a chunk is cut together with it.
        if (std::size_t i = list_->find(from == 0 ? 0 : from - 1);
            i < extents.size() && !extents[i].is_hole())
            from = std::min(from, std::max(at, list_->start_of(i)));
        if (std::size_t i = list_->find(to); i < extents.size() && !extents[i].is_hole())
            to = std::max(to, list_->start_of(i) + extents[i].length);
        cost += to - from;
        if (cost > enough) return true;
        at = to;
    }
}

// ---- sealing

void FileContent::wait_for_sealing() {
    while (sealing_) sealed_.wait(mutex_);
}

// The version that is made of it stands in the journal.
void FileContent::set_journaled() {
    unjournaled_.clear();
    size_min_ = size();
    is_rebuilt_ = false;
}

std::vector<ChunkId> FileContent::chunks() {
    MutexLock lock(mutex_);
    wait_for_sealing();
    std::vector<ChunkId> out;
    for (const Extent& extent : list_->extents())
        if (!extent.is_hole()) out.push_back(extent.chunk);
    return out;
}

void FileContent::wait_until_sealed() {
    MutexLock lock(mutex_);
    wait_for_sealing();
}

void FileContent::seal_stream(std::uint64_t range_size_min) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    if (size() <= kInlineContentSizeMax) return;
    if (Status sealed = seal_ranges(SealMode::Stream, range_size_min); !sealed.ok())
        stream_error_ = std::move(sealed);
}

Status FileContent::take_stream_error() {
    MutexLock lock(mutex_);
    return std::exchange(stream_error_, Status());
}

Status FileContent::seal_all() {
    MutexLock lock(mutex_);
    wait_for_sealing();
    if (size() <= kInlineContentSizeMax) return {};
    return seal_ranges(SealMode::All, 0);
}

Result<FileContent::Sealed> FileContent::seal() {
    MutexLock lock(mutex_);
    wait_for_sealing();
    Sealed out;
    if (size() <= kInlineContentSizeMax) {
        out.bytes.emplace(size());
        TRY_OK(read_now(0, *out.bytes));
        set_journaled();
        return out;
    }
    TRY_OK(seal_ranges(SealMode::All, 0));
    if (list_->size() < size()) {
        ContentList list = *list_;
        TRY_OK(list.resize(size()));
        list_ = std::make_shared<const ContentList>(std::move(list));
    }
    set_journaled();
    out.list = *list_;
    return out;
}

// Seals dirty ranges of at least this size, without holding the mutex.
// REQUIRES: nothing is being sealed
Status FileContent::seal_ranges(SealMode mode, std::uint64_t range_size_min) {
    auto taken = std::make_shared<DirtyRanges>(dirty_.take(range_size_min));
    if (taken->empty()) return {};
    streamed_ = 0;
    sealing_ = taken;
    const std::uint64_t size_before = size();
    FileSealer sealer(
        chunks_, chunker_,
        {.list = *list_, .dirty = taken.get(), .size = size_before, .clean_cut = clean_cut_});
    mutex_.unlock();
    Status sealed = sealer.run(mode);
    mutex_.lock();
    sealing_.reset();
    if (sealed.ok()) {
        list_ = std::make_shared<const ContentList>(std::move(sealer.list()));
        clean_cut_ = sealer.clean_cut();
        dirty_.write_beneath(sealer.tail_offset(), sealer.tail());
    } else {
        dirty_.write_beneath(*taken);
    }
    if (mode == SealMode::All) {
        dirty_.drop_spares();
    } else if (taken.use_count() == 1) {  // nobody reads it any more
        dirty_.reuse(std::move(*taken));
    }
    count_dirty();
    sealed_.notify_all();
    return sealed;
}

}  // namespace lockstep
