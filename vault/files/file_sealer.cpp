#include "vault/files/file_sealer.h"

#include <algorithm>

#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kBatchSize = 32;       // chunks
constexpr std::uint64_t kWindowSize = kMiB;  // what is held of a stream at a time

}  // namespace

Status read_content_list(ChunkAccess& chunks, const ContentList& list, std::uint64_t offset,
                         MutableByteView out) {
    std::uint64_t end = offset + out.size(), done = offset;
    std::vector<ChunkId> expected;
    for (std::size_t i = list.find(offset); i < list.extents().size() && list.start_of(i) < end;
         ++i)
        if (!list.extents()[i].is_hole()) expected.push_back(list.extents()[i].chunk);
    if (expected.size() > 1) chunks.expect(expected);
    for (std::size_t i = list.find(offset); i < list.extents().size() && list.start_of(i) < end;
         ++i) {
        const Extent& extent = list.extents()[i];
        std::uint64_t start = list.start_of(i), from = std::max(start, offset);
        std::uint64_t to = std::min(start + extent.length, end);
        MutableByteView target = out.subspan(from - offset, to - from);
        done = to;
        if (extent.is_hole()) {
            std::fill(target.begin(), target.end(), std::byte{0});
            continue;
        }
        TRY(auto chunk, chunks.read_chunk(extent.chunk));
        if (chunk->size() != extent.length)
            return Error{ErrorKind::Corrupt, "a chunk has another length than its file says"};
        std::memcpy(target.data(), chunk->data() + (from - start), target.size());
    }
    MutableByteView rest = out.subspan(done - offset);
    std::fill(rest.begin(), rest.end(), std::byte{0});
    return {};
}

Status FileSnapshot::read(ChunkAccess& chunks, std::uint64_t offset, MutableByteView out) const {
    if (!dirty->covers(offset, out.size())) TRY_OK(read_content_list(chunks, list, offset, out));
    dirty->overlay(offset, out);
    return {};
}

std::uint64_t end_of_data(const ContentList& list, const DirtyRanges& dirty, std::uint64_t size,
                          std::uint64_t from, std::uint64_t limit) {
    limit = std::min(limit, size);
    std::uint64_t at = from;
    while (at < limit) {
        DirtyRanges::Range range = dirty.next(at);
        if (range.size != 0 && range.offset <= at) {
            at = range.end();
            continue;
        }
        std::size_t index = list.find(at);
        if (index >= list.extents().size() || list.extents()[index].is_hole()) break;
        at = list.start_of(index) + list.extents()[index].length;
    }
    return std::min(at, limit);
}

// What has been sealed in this run stays dirty underneath: it is the same bytes, and no question
// goes back before the position reached.
Status FileSealer::run(SealMode mode) {
    std::uint64_t at = 0;
    for (;;) {
        DirtyRanges::Range range = file_.dirty->next(at);
        if (range.size == 0 || range.offset >= file_.size) return {};
        TRY(at, seal_from(std::max(range.offset, at), mode));
    }
}

// Where chunking has to begin so that what is written at `offset` is cut as if the file had been
// chunked whole.
std::uint64_t FileSealer::seal_start(std::uint64_t offset) const {
    const ContentList& list = file_.list;
    if (offset > list.size()) return offset;  // a hole lies between
    std::size_t index = list.find(offset);
    std::uint64_t start = list.start_of(index);
    bool is_inside =
        index < list.extents().size() && !list.extents()[index].is_hole() && start < offset;
    if (is_inside) return start;
    if (start < offset) return offset;  // inside a hole
    if (offset == file_.clean_cut || index == 0 || list.extents()[index - 1].is_hole())
        return offset;
    return list.start_of(index - 1);  // the chunk before was cut by an end that is none any more
}

// Whether chunking may stop at a cut: nothing dirty follows at once, and the old chunks go on from
// there as they would anyway (an old cut that is one by content, or the data ends).
bool FileSealer::is_settled(std::uint64_t position, bool cut_by_content) const {
    DirtyRanges::Range range = file_.dirty->next(position);
    if (range.size != 0 && range.offset <= position) return false;
    if (position < file_.list.size() && !file_.list.may_split_at(position)) return false;
    return cut_by_content || data_end(position, position + 1) == position;
}

// More bytes into the window: the dirty range to its end, else the next old chunk.
Status FileSealer::extend_window(std::uint64_t position, std::uint64_t run_end) {
    std::uint64_t from = window_start_ + window_.size();
    std::uint64_t to = std::min(run_end, from + kChunkSizeMax);
    DirtyRanges::Range range = file_.dirty->next(from);
    if (range.size != 0 && range.offset <= from) {
        to = std::min({run_end, range.end(), from + kWindowSize});
    } else if (std::size_t index = file_.list.find(from); index < file_.list.extents().size()) {
        to = std::min(run_end, file_.list.start_of(index) + file_.list.extents()[index].length);
        if (range.size != 0) to = std::min(to, range.offset);
    }
    window_.erase(window_.begin(),
                  window_.begin() + static_cast<std::ptrdiff_t>(position - window_start_));
    window_start_ = position;
    std::size_t old_size = window_.size();
    window_.resize(old_size + (to - from));
    return file_.read(chunks_, from, MutableByteView(window_).subspan(old_size));
}

// Chunks that are written together are hashed at once.
Status FileSealer::write_batch(std::vector<ByteView>& batch, std::vector<Extent>& extents) {
    if (batch.empty()) return {};
    TRY(std::vector<ChunkId> ids, chunks_.write_chunks(batch));
    for (std::size_t i = 0; i < batch.size(); ++i)
        extents.push_back({.chunk = ids[i], .length = batch[i].size()});
    batch.clear();
    return {};
}

// Seals the dirty range at `offset` and what must be cut anew with it. Returns where it stopped; an
// unfinished tail of a stream is kept aside (then the end of the file is returned).
Result<std::uint64_t> FileSealer::seal_from(std::uint64_t offset, SealMode mode) {
    ContentList& list = file_.list;
    const std::uint64_t start = seal_start(offset);
    std::uint64_t position = start;
    window_.clear();
    window_start_ = start;
    std::vector<Extent> extents;
    std::vector<ByteView> batch;  // cut where they lie, and not written yet
    bool cut_by_content = false, is_tail_held = false;
    while (position <= offset || !is_settled(position, cut_by_content)) {
        std::uint64_t run_end = data_end(position, position + kWindowSize + kChunkSizeMax);
        bool run_is_whole = run_end == file_.size || data_end(run_end, run_end + 1) == run_end;
        std::size_t cut = 0;
        // A stream is cut where it lies.
        const ByteView direct = file_.dirty->view(position, run_end - position);
        if (direct.size() >= kChunkSizeMax) {
            cut = chunker_.cut(direct, false);
            const bool is_end = run_is_whole && position + cut == run_end;
            cut_by_content = !is_end || (mode == SealMode::Stream && run_end == file_.size);
            batch.push_back(direct.first(cut));
            position += cut;
            if (batch.size() >= kBatchSize) TRY_OK(write_batch(batch, extents));
            window_.clear();
            window_start_ = position;
            continue;
        }
        TRY_OK(write_batch(batch, extents));
        for (;;) {
            bool at_end = window_start_ + window_.size() >= run_end && run_is_whole;
            ByteView rest = ByteView(window_).subspan(position - window_start_);
            bool may_end = at_end && (mode == SealMode::All || run_end != file_.size);
            if (!rest.empty()) cut = chunker_.cut(rest, may_end);
            cut_by_content = cut != 0 && (cut < rest.size() || !may_end);
            if (cut != 0 || at_end) break;
            TRY_OK(extend_window(position, run_end));
        }
        if (cut == 0) {
            is_tail_held = true;
            break;
        }
        ByteView chunk = ByteView(window_).subspan(position - window_start_, cut);
        TRY(ChunkId id, chunks_.write_chunk(chunk));
        extents.push_back({.chunk = id, .length = cut});
        position += cut;
    }
    TRY_OK(write_batch(batch, extents));
    if (is_tail_held) {
        // It may go on from old bytes: they are dirty again, since their chunk is cut anew.
        tail_offset_ = position;
        tail_.resize(file_.size - position);
        TRY_OK(file_.read(chunks_, position, tail_));
    }
    if (position > start) {
        if (list.size() < start) TRY_OK(list.resize(start));
        std::uint64_t old_end = is_tail_held ? list.size() : std::min(position, list.size());
        std::vector<ChunkId> replaced;
        for (std::size_t i = list.find(start);
             i < list.extents().size() && list.start_of(i) < old_end; ++i)
            if (!list.extents()[i].is_hole()) replaced.push_back(list.extents()[i].chunk);
        TRY_OK(list.replace(start, old_end - start, std::move(extents)));
        // They were read to be cut anew.
        if (!replaced.empty()) chunks_.done_with(replaced);
        if (cut_by_content || is_tail_held) file_.clean_cut = position;
    }
    return is_tail_held ? file_.size : position;
}

}  // namespace lockstep
