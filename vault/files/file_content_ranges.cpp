// FileContent: holes, and parts that are shared with other contents.
//
// A hole or a part may begin and end inside chunks, which are never cut: what is left of such a
// chunk becomes dirty bytes, and sealing cuts from there until it meets an old cut again. So the
// result stays canonical (see file_content.h). Whole chunks come into a content without being cut
// again only where the cuts around them are the ones that they would have here.
#include <algorithm>

#include "vault/files/file_content.h"

namespace lockstep {
namespace {

Result<Bytes> bytes_of(ChunkAccess& chunks, const ChunkId& id, std::uint64_t chunk_length,
                       std::uint64_t skip, std::uint64_t length) {
    TRY(auto chunk, chunks.read_chunk(id));
    if (chunk->size() != chunk_length)
        return Error{ErrorKind::Corrupt, "a chunk has another length than its file says"};
    return to_bytes(ByteView(*chunk).subspan(skip, length));
}

}  // namespace

// ---- holes

std::optional<std::uint64_t> FileContent::next_data(std::uint64_t offset) const {
    while (offset < size()) {
        const DirtyRanges::Range range = dirty_.next(offset);
        if (range.size != 0 && range.offset <= offset) return offset;
        const std::size_t index = list_->find(offset);
        const bool is_listed = index < list_->extents().size();
        if (is_listed && !list_->extents()[index].is_hole()) return offset;
        std::uint64_t next = is_listed ? list_->start_of(index + 1) : size();
        if (range.size != 0) next = std::min(next, range.offset);
        offset = next;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> FileContent::find_data(std::uint64_t offset) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    return next_data(offset);
}

std::optional<std::uint64_t> FileContent::find_hole(std::uint64_t offset) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    if (offset >= size()) return std::nullopt;
    return data_end(offset, size());
}

std::uint64_t FileContent::hole_bytes(std::uint64_t offset, std::uint64_t length) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    const std::uint64_t end = offset + length;
    std::uint64_t holes = 0;
    while (offset < end) {
        const std::uint64_t data = std::min(next_data(offset).value_or(end), end);
        holes += data - offset;
        offset = data < end ? data_end(data, end) : end;
    }
    return holes;
}

Status FileContent::punch(std::uint64_t offset, std::uint64_t length) {
    MutexLock lock(mutex_);
    wait_for_sealing();
    return punch_locked(offset, length);
}

Status FileContent::punch_locked(std::uint64_t offset, std::uint64_t length) {
    if (offset >= size()) return {};
    const std::uint64_t end = offset + std::min(length, size() - offset);
    // What chunks at the edges keep; both are read before anything changes.
    std::uint64_t first = std::min(offset, list_->size()), last = std::min(end, list_->size());
    if (!list_->may_split_at(first)) first = list_->start_of(list_->find(first));
    if (!list_->may_split_at(last)) last = list_->start_of(list_->find(last) + 1);
    Bytes before(first < offset ? std::min(offset, last) - first : 0);
    Bytes after(last > end ? last - end : 0);
    TRY_OK(read_now(first, before));
    TRY_OK(read_now(end, after));
    if (first < last) {
        ContentList list = *list_;
        TRY_OK(list.punch_hole(first, last - first));
        list_ = std::make_shared<const ContentList>(std::move(list));
    }
    dirty_.erase(offset, end - offset);
    dirty_.write(first, before);
    dirty_.write(end, after);
    set_rebuilt();
    return {};
}

// ---- parts

Result<ContentPart> FileContent::part(std::uint64_t offset, std::uint64_t length) {
    struct Edge {
        std::size_t piece = 0;
        Extent extent;
        std::uint64_t skip = 0;
    };
    ContentPart out;
    std::vector<Edge> edges;
    {
        MutexLock lock(mutex_);
        wait_for_sealing();
        if (size() > kInlineContentSizeMax) TRY_OK(seal_ranges(SealMode::All, 0));
        if (offset >= size()) return out;
        length = std::min(length, size() - offset);
        const std::uint64_t end = offset + length;
        while (offset < end) {
            ContentPart::Piece piece;
            const DirtyRanges::Range range = dirty_.next(offset);  // small contents are not sealed
            const std::size_t index = list_->find(offset);
            if (range.size != 0 && range.offset <= offset) {
                piece.length = std::min(range.end(), end) - offset;
                piece.bytes.resize(piece.length);
                dirty_.overlay(offset, piece.bytes);
            } else if (index >= list_->extents().size() || list_->extents()[index].is_hole()) {
                piece.length = std::min(next_data(offset).value_or(end), end) - offset;
            } else {
                const Extent& extent = list_->extents()[index];
                const std::uint64_t start = list_->start_of(index), stop = start + extent.length;
                piece.length = std::min(stop, end) - offset;
                // What was written over the chunk since comes with the next piece.
                if (range.size != 0) piece.length = std::min(piece.length, range.offset - offset);
                piece.chunk = extent.chunk;
                piece.ends_with_data = !has_data_at(stop);
                if (piece.length != extent.length)
                    edges.push_back({out.pieces.size(), extent, offset - start});
            }
            offset += piece.length;
            out.length += piece.length;
            out.pieces.push_back(std::move(piece));
        }
    }
    for (const Edge& edge : edges) {
        ContentPart::Piece& piece = out.pieces[edge.piece];
        piece.chunk = {};
        TRY(piece.bytes,
            bytes_of(chunks_, edge.extent.chunk, edge.extent.length, edge.skip, piece.length));
    }
    return out;
}

bool FileContent::has_data_at(std::uint64_t offset) const {
    return next_data(offset) == offset;
}

bool FileContent::has_chunk_ending_at(std::uint64_t offset) const {
    if (offset == 0 || offset > list_->size()) return false;
    const std::size_t index = list_->find(offset - 1);
    return !list_->extents()[index].is_hole() &&
           list_->start_of(index) + list_->extents()[index].length == offset;
}

Status FileContent::put(std::uint64_t offset, ContentPart part) {
    if (part.pieces.empty()) return {};
    if (offset > kFileSizeMax || part.length > kFileSizeMax - offset)
        return Error{ErrorKind::TooLarge, "a file cannot be larger than 1 PiB"};
    MutexLock lock(mutex_);
    wait_for_sealing();
    const std::uint64_t end = offset + part.length;
    // Where the data beside a chunk was cut for another reason than what follows here, the chunk
    // comes as bytes, so that it is cut anew together with it.
    const auto as_bytes = [&](ContentPart::Piece& piece) -> Status {
        TRY(piece.bytes, bytes_of(chunks_, piece.chunk, piece.length, 0, piece.length));
        piece.chunk = {};
        return {};
    };
    ContentPart::Piece &head = part.pieces.front(), &tail = part.pieces.back();
    if (!tail.chunk.is_zero() && tail.ends_with_data && has_data_at(end)) TRY_OK(as_bytes(tail));
    if (!head.chunk.is_zero() && has_chunk_ending_at(offset)) TRY_OK(as_bytes(head));
    if (list_->extents().size() + part.pieces.size() + 4 > kContentExtentsMax)
        return Error{ErrorKind::TooLarge, "the file has too many parts"};

    TRY_OK(punch_locked(offset, part.length));
    ContentList list = *list_;
    if (list.size() < end) TRY_OK(list.resize(end));
    std::vector<Extent> extents;
    extents.reserve(part.pieces.size());
    for (const ContentPart::Piece& piece : part.pieces)
        extents.push_back({.chunk = piece.chunk, .length = piece.length});
    TRY_OK(list.replace(offset, part.length, std::move(extents)));
    list_ = std::make_shared<const ContentList>(std::move(list));
    std::uint64_t at = offset;
    for (const ContentPart::Piece& piece : part.pieces) {
        dirty_.write(at, piece.bytes);
        at += piece.length;
    }
    set_rebuilt();
    set_size(std::max(size(), end));
    return {};
}

}  // namespace lockstep
