#include "vault/files/file_content.h"

#include <algorithm>

#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kWindowSize = kMiB;  // what seal_from() holds of a stream at a time

Error too_large() {
    return {ErrorKind::TooLarge, "a file cannot be larger than 1 PiB"};
}

}  // namespace

void FileContent::load(ContentList list) {
    MutexLock lock(mutex_);
    list_ = std::move(list);
    dirty_.clear();
    clean_cut_ = 0;
    set_size(list_.size());
}

void FileContent::load_bytes(ByteView bytes) {
    MutexLock lock(mutex_);
    list_ = {};
    dirty_.clear();
    dirty_.write(0, bytes);
    clean_cut_ = 0;
    set_size(bytes.size());
}

std::uint64_t FileContent::allocated() {
    MutexLock lock(mutex_);
    std::uint64_t total = dirty_.bytes();
    for (const Extent& extent : list_.extents())
        if (!extent.is_hole()) total += extent.length;
    return std::min(total, size());
}

Result<std::size_t> FileContent::read(std::uint64_t offset, MutableByteView out) {
    // What is dirty is copied with the list, so that both belong to one moment; chunks never
    // change.
    ContentList part;
    std::uint64_t part_start = 0;
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
        std::vector<Extent> extents;
        std::size_t first = list_.find(offset);
        part_start = list_.start_of(first);
        for (std::size_t i = first;
             i < list_.extents().size() && list_.start_of(i) < offset + out.size(); ++i)
            extents.push_back(list_.extents()[i]);
        TRY(part, ContentList::from(std::move(extents)));
        for (; range.size != 0 && range.offset < offset + out.size();
             range = dirty_.next(range.end())) {
            std::uint64_t from = std::max(range.offset, offset),
                          to = std::min(range.end(), offset + out.size());
            Bytes copy(to - from);
            dirty_.overlay(from, copy);
            dirty.write(from, copy);
        }
    }
    std::fill(out.begin(), out.end(), std::byte{0});
    if (part.size() > 0) {
        std::uint64_t list_end = part_start + part.size();
        if (offset < list_end)
            TRY_OK(read_list(part, offset - part_start,
                             out.first(std::min<std::uint64_t>(out.size(), list_end - offset))));
    }
    dirty.overlay(offset, out);
    return out.size();
}

Status FileContent::read_list(const ContentList& list, std::uint64_t offset, MutableByteView out) {
    std::uint64_t end = offset + out.size();
    for (std::size_t i = list.find(offset); i < list.extents().size() && list.start_of(i) < end;
         ++i) {
        const Extent& extent = list.extents()[i];
        std::uint64_t start = list.start_of(i), from = std::max(start, offset);
        std::uint64_t to = std::min(start + extent.length, end);
        MutableByteView target = out.subspan(from - offset, to - from);
        if (extent.is_hole()) {
            std::fill(target.begin(), target.end(), std::byte{0});
            continue;
        }
        TRY(auto chunk, chunks_.read_chunk(extent.chunk));
        if (chunk->size() != extent.length)
            return Error{ErrorKind::Corrupt, "a chunk has another length than its file says"};
        std::memcpy(target.data(), chunk->data() + (from - start), target.size());
    }
    return {};
}

Status FileContent::read_locked(std::uint64_t offset, MutableByteView out) {
    if (!dirty_.covers(offset, out.size())) {
        std::fill(out.begin(), out.end(), std::byte{0});
        if (offset < list_.size()) {
            std::uint64_t here = std::min<std::uint64_t>(out.size(), list_.size() - offset);
            TRY_OK(read_list(list_, offset, out.first(here)));
        }
    }
    dirty_.overlay(offset, out);
    return {};
}

Status FileContent::write(std::uint64_t offset, ByteView data) {
    if (data.empty()) return {};
    if (offset > kFileSizeMax || data.size() > kFileSizeMax - offset) return too_large();
    MutexLock lock(mutex_);
    dirty_.write(offset, data);
    set_size(std::max(size(), offset + data.size()));
    return {};
}

Status FileContent::truncate(std::uint64_t target) {
    if (target > kFileSizeMax) return too_large();
    MutexLock lock(mutex_);
    if (target < list_.size()) {
        // A chunk that the new end cuts through is written again up to there.
        std::size_t index = list_.find(target);
        std::uint64_t start = list_.start_of(index);
        if (!list_.may_split_at(target)) {
            Bytes kept(target - start);
            TRY_OK(read_locked(start, kept));
            TRY_OK(list_.resize(start));
            dirty_.write(start, kept);
        } else {
            TRY_OK(list_.resize(target));
        }
    }
    dirty_.truncate(target);
    clean_cut_ = 0;
    set_size(target);
    return {};
}

std::uint64_t FileContent::dirty_bytes() {
    MutexLock lock(mutex_);
    return dirty_.bytes();
}

Status FileContent::seal_finished() {
    MutexLock lock(mutex_);
    return seal_ranges(false);
}

Result<FileContent::Sealed> FileContent::seal() {
    MutexLock lock(mutex_);
    Sealed out;
    if (size() <= kInlineContentSizeMax) {
        out.bytes.emplace(size());
        TRY_OK(read_locked(0, *out.bytes));
        return out;
    }
    TRY_OK(seal_ranges(true));
    if (list_.size() < size()) TRY_OK(list_.resize(size()));
    out.list = list_;
    return out;
}

Status FileContent::seal_ranges(bool is_final) {
    if (size() <= kInlineContentSizeMax) return {};
    std::uint64_t at = 0;
    for (;;) {
        DirtyRanges::Range range = dirty_.next(at);
        if (range.size == 0) return {};
        TRY(at, seal_from(range.offset, is_final));
    }
}

// Where chunking has to begin so that what is written at `offset` is cut as if the file had been
// chunked whole.
std::uint64_t FileContent::seal_start(std::uint64_t offset) const {
    if (offset > list_.size()) return offset;  // a hole lies between
    std::size_t index = list_.find(offset);
    std::uint64_t start = list_.start_of(index);
    bool is_inside =
        index < list_.extents().size() && !list_.extents()[index].is_hole() && start < offset;
    if (is_inside) return start;
    if (start < offset) return offset;  // inside a hole
    if (offset == clean_cut_ || index == 0 || list_.extents()[index - 1].is_hole()) return offset;
    return list_.start_of(index - 1);  // the chunk before was cut by an end that is none any more
}

// Where the data that begins at `from` ends: at a hole or at the end of the file, `limit` at most.
std::uint64_t FileContent::data_end(std::uint64_t from, std::uint64_t limit) const {
    limit = std::min(limit, size());
    std::uint64_t at = from;
    while (at < limit) {
        DirtyRanges::Range range = dirty_.next(at);
        if (range.size != 0 && range.offset <= at) {
            at = range.end();
            continue;
        }
        std::size_t index = list_.find(at);
        if (index >= list_.extents().size() || list_.extents()[index].is_hole()) break;
        at = list_.start_of(index) + list_.extents()[index].length;
    }
    return std::min(at, limit);
}

// Whether chunking may stop at a cut: nothing dirty follows at once, and the old chunks go on from
// there as they would anyway (an old cut that is one by content, or the data ends).
bool FileContent::is_settled(std::uint64_t position, bool cut_by_content) const {
    DirtyRanges::Range range = dirty_.next(position);
    if (range.size != 0 && range.offset <= position) return false;
    if (position < list_.size() && !list_.may_split_at(position)) return false;
    return cut_by_content || data_end(position, position + 1) == position;
}

// Seals the dirty range at `offset` and what must be cut anew with it. Returns where it stopped; an
// unfinished tail of a stream is left dirty (then the end of the file is returned).
Result<std::uint64_t> FileContent::seal_from(std::uint64_t offset, bool is_final) {
    const std::uint64_t start = seal_start(offset);
    std::uint64_t position = start, window_start = start;
    Bytes window;
    std::vector<Extent> extents;
    bool cut_by_content = false, is_tail_held = false;
    while (position <= offset || !is_settled(position, cut_by_content)) {
        std::uint64_t run_end = data_end(position, position + kWindowSize + kChunkSizeMax);
        bool run_is_whole = run_end == size() || data_end(run_end, run_end + 1) == run_end;
        std::size_t cut = 0;
        bool at_end = false;
        for (;;) {
            at_end = window_start + window.size() >= run_end && run_is_whole;
            ByteView rest = ByteView(window).subspan(position - window_start);
            bool may_end = at_end && (is_final || run_end != size());
            if (!rest.empty()) cut = chunker_.cut(rest, may_end);
            cut_by_content = cut != 0 && (cut < rest.size() || !may_end);
            if (cut != 0 || at_end) break;
            // More bytes: the dirty range to its end, else the next old chunk.
            std::uint64_t from = window_start + window.size();
            std::uint64_t to = std::min(run_end, from + kChunkSizeMax);
            DirtyRanges::Range range = dirty_.next(from);
            if (range.size != 0 && range.offset <= from) {
                to = std::min({run_end, range.end(), from + kWindowSize});
            } else if (std::size_t index = list_.find(from); index < list_.extents().size()) {
                to = std::min(run_end, list_.start_of(index) + list_.extents()[index].length);
                if (range.size != 0) to = std::min(to, range.offset);
            }
            window.erase(window.begin(),
                         window.begin() + static_cast<std::ptrdiff_t>(position - window_start));
            window_start = position;
            std::size_t old_size = window.size();
            window.resize(old_size + (to - from));
            TRY_OK(read_locked(from, MutableByteView(window).subspan(old_size)));
        }
        if (cut == 0) {
            is_tail_held = true;
            break;
        }
        ByteView chunk = ByteView(window).subspan(position - window_start, cut);
        TRY(ChunkId id, chunks_.write_chunk(chunk));
        extents.push_back({.chunk = id, .length = cut});
        position += cut;
    }
    if (is_tail_held && position < list_.size()) {
        // The tail goes on from old bytes: they become dirty again, since their chunk is cut anew.
        Bytes tail(list_.size() - position);
        TRY_OK(read_locked(position, tail));
        if (position == start) return size();
        dirty_.write(position, tail);
    }
    if (position > start) {
        if (list_.size() < start) TRY_OK(list_.resize(start));
        std::uint64_t old_end = is_tail_held ? list_.size() : std::min(position, list_.size());
        std::uint64_t old_length = old_end - start;
        TRY_OK(list_.replace(start, old_length, std::move(extents)));
        dirty_.erase(start, position - start);
        if (cut_by_content || is_tail_held) clean_cut_ = position;
    }
    return is_tail_held ? size() : position;
}

}  // namespace lockstep
