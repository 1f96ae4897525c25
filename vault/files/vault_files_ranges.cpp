// VaultFiles: ranges of open files: where holes are, fallocate, copies that share chunks.
#include <algorithm>

#include "vault/files/vault_files.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kCopySizeMax = 1024 * kMiB;  // of one call
constexpr std::uint64_t kCopyReadMax = 16 * kMiB;    // bytes that one call may read, then it ends
constexpr std::uint64_t kDirtyMax = 16 * kMiB;       // then a file's small parts are sealed

bool overlap(const RangeCopy& copy, std::uint64_t length) {
    const std::uint64_t low = std::min(copy.from_offset, copy.to_offset);
    return std::max(copy.from_offset, copy.to_offset) - low < length;
}

// Drops what lies behind the first `pieces` pieces.
void cut_short(ContentPart& part, std::size_t pieces) {
    part.pieces.resize(pieces);
    part.length = 0;
    for (const ContentPart::Piece& piece : part.pieces) part.length += piece.length;
}

}  // namespace

Result<std::optional<std::uint64_t>> VaultFiles::seek(HandleId id, std::uint64_t offset,
                                                      SeekTarget target) {
    TRY(Handle handle, handle_of(id));
    OpenFile& file = *handle.file;
    if (file.is_stale() && !file.is_modified) {
        MutexLock lock(file.mutex);
        if (!file.is_modified) TRY_OK(load(file));
    }
    return target == SeekTarget::Data ? file.content.find_data(offset)
                                      : file.content.find_hole(offset);
}

Status VaultFiles::change_range(HandleId id, const RangeChange& change) {
    TRY(Handle handle, handle_of(id));
    if (!handle.may_write) return Error{ErrorKind::Invalid, "the file is open for reading only"};
    if (change.length == 0) return Error{ErrorKind::Invalid, "an empty range"};
    if (change.offset > kFileSizeMax || change.length > kFileSizeMax - change.offset)
        return Error{ErrorKind::TooLarge, "a file cannot be larger than 1 PiB"};
    OpenFile& file = *handle.file;
    MutexLock lock(file.mutex);
    if (file.is_stale() && !file.is_modified) TRY_OK(load(file));
    const std::uint64_t end = change.offset + change.length;
    if (change.kind == RangeChange::Kind::Allocate) {
        TRY(FileSystemSpace space, host_.space());
        const std::uint64_t wanted = file.content.hole_bytes(change.offset, change.length);
        if (wanted / space.block_size > space.blocks_available)
            return Error{ErrorKind::NoSpace, "not so much space is free"};
    }
    const bool grows =
        change.kind != RangeChange::Kind::Punch && !change.keep_size && end > file.content.size();
    const bool clears = change.kind != RangeChange::Kind::Allocate;
    if (!grows && !clears) return {};
    TRY_OK(begin_write(file));
    if (clears) TRY_OK(file.content.punch(change.offset, change.length));
    mark_modified(file);
    if (grows) TRY_OK(file.content.truncate(end));
    return {};
}

// The part of the source that can be referred to: a chunk that this device has neither written nor
// verified is read, and kept in a pack of its own if that one may not be relied on.
Result<ContentPart> VaultFiles::part_to_share(OpenFile& file, std::uint64_t offset,
                                              std::uint64_t length) {
    ContentPart part;
    {
        MutexLock lock(file.mutex);
        if (file.is_stale() && !file.is_modified) TRY_OK(load(file));
        TRY(part, file.content.part(offset, length));
    }
    std::uint64_t read_bytes = 0;
    for (std::size_t i = 0; i < part.pieces.size(); ++i) {
        const ContentPart::Piece& piece = part.pieces[i];
        if (piece.chunk.is_zero() || content_.has(ChunkKind::Data, piece.chunk)) continue;
        if (read_bytes >= kCopyReadMax) {
            cut_short(part, i);
            break;
        }
        auto chunk = content_.read_chunk(piece.chunk);
        if (!chunk.ok()) {
            if (i == 0) return std::move(chunk).error();
            cut_short(part, i);
            break;
        }
        read_bytes += piece.length;
        TRY(ChunkId again, content_.write_chunk(**chunk));
        if (again != piece.chunk || (*chunk)->size() != piece.length)
            return Error{ErrorKind::Corrupt, "a chunk is not what its name says"};
    }
    return part;
}

Result<std::uint64_t> VaultFiles::copy_range(const RangeCopy& copy) {
    TRY(Handle source, handle_of(copy.from));
    TRY(Handle target, handle_of(copy.to));
    if (!target.may_write) return Error{ErrorKind::Invalid, "the file is open for reading only"};
    const std::uint64_t length = std::min(copy.length, kCopySizeMax);
    if (source.file == target.file && overlap(copy, copy.length))
        return Error{ErrorKind::Invalid, "the ranges overlap"};
    TRY(ContentPart part, part_to_share(*source.file, copy.from_offset, length));
    const std::uint64_t copied = part.length;
    if (copied == 0) return copied;
    OpenFile& file = *target.file;
    MutexLock lock(file.mutex);
    TRY_OK(begin_write(file));
    TRY_OK(file.content.put(copy.to_offset, std::move(part)));
    mark_modified(file);
    if (file.content.dirty_bytes() >= kDirtyMax) TRY_OK(file.content.seal_all());
    return copied;
}

}  // namespace lockstep
