#include "vault/chunks/content_list.h"

#include <algorithm>

namespace lockstep {
namespace {

Status check_extent(const Extent& extent) {
    if (extent.is_hole()) {
        if (extent.length > kFileSizeMax)
            return Error{ErrorKind::TooLarge, "hole beyond the largest file"};
        return {};
    }
    if (extent.length == 0 || extent.length > kChunkSizeMax) {
        return Error{ErrorKind::Invalid, "chunk of an impossible length"};
    }
    return {};
}

// Appends in normal form: empty holes vanish, holes that touch become one.
void push(std::vector<Extent>& extents, const Extent& extent) {
    if (extent.length == 0) return;
    if (extent.is_hole() && !extents.empty() && extents.back().is_hole()) {
        extents.back().length += extent.length;
    } else {
        extents.push_back(extent);
    }
}

}  // namespace

Result<ContentList> ContentList::from(std::vector<Extent> extents) {
    ContentList out;
    TRY_OK(out.replace(0, 0, std::move(extents)));
    return out;
}

std::size_t ContentList::find(std::uint64_t offset) const {
    return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), offset) -
                                    ends_.begin());
}

bool ContentList::may_split_at(std::uint64_t offset) const {
    if (offset >= size()) return offset == size();
    std::size_t at = find(offset);
    return extents_[at].is_hole() || start_of(at) == offset;
}

Status ContentList::replace(std::uint64_t offset, std::uint64_t length,
                            std::vector<Extent> extents) {
    if (offset > size() || length > size() - offset) {
        return Error{ErrorKind::Invalid, "range outside the content"};
    }
    if (!may_split_at(offset) || !may_split_at(offset + length)) {
        return Error{ErrorKind::Invalid, "range splits a chunk"};
    }
    std::uint64_t new_size = size() - length;
    for (const Extent& extent : extents) {
        TRY_OK(check_extent(extent));
        new_size += extent.length;
        if (new_size > kFileSizeMax)
            return Error{ErrorKind::TooLarge, "content beyond the largest file"};
    }

    // [first, last) are the extents the range touches; one more on each side lets holes join.
    std::size_t first = find(offset);
    std::size_t last = length == 0 ? first : find(offset + length - 1) + 1;
    if (length == 0 && first < extents_.size() && start_of(first) != offset) last = first + 1;
    Extent before = Extent::hole(first < extents_.size() ? offset - start_of(first) : 0);
    Extent after = Extent::hole(first < last ? start_of(last) - (offset + length) : 0);
    std::vector<Extent> joined;
    joined.reserve(extents.size() + 4);
    if (first > 0) push(joined, extents_[--first]);
    push(joined, before);
    for (const Extent& extent : extents) push(joined, extent);
    push(joined, after);
    if (last < extents_.size()) push(joined, extents_[last++]);

    std::size_t removed = last - first;
    if (extents_.size() - removed + joined.size() > kContentExtentsMax) {
        return Error{ErrorKind::TooLarge, "content of too many extents"};
    }
    auto at = extents_.begin() + static_cast<std::ptrdiff_t>(first);
    std::size_t shared = std::min(removed, joined.size());
    std::copy_n(joined.begin(), shared, at);
    auto rest = joined.begin() + static_cast<std::ptrdiff_t>(shared);
    at += static_cast<std::ptrdiff_t>(shared);
    if (removed > shared) {
        extents_.erase(at, at + static_cast<std::ptrdiff_t>(removed - shared));
    } else {
        extents_.insert(at, rest, joined.end());
    }
    sum_from(first);
    return {};
}

Status ContentList::append(Extent extent) {
    return replace(size(), 0, {extent});
}

Status ContentList::resize(std::uint64_t size) {
    if (size >= this->size()) return append(Extent::hole(size - this->size()));
    return replace(size, this->size() - size, {});
}

Status ContentList::punch_hole(std::uint64_t offset, std::uint64_t length) {
    if (offset > kFileSizeMax || length > kFileSizeMax - offset) {
        return Error{ErrorKind::TooLarge, "hole beyond the largest file"};
    }
    std::uint64_t end = offset + length;
    if (offset > size()) {
        if (length == 0) return {};
        return resize(end);
    }
    std::uint64_t covered = std::min(end, size()) - offset;
    return replace(offset, covered, {Extent::hole(length)});
}

void ContentList::sum_from(std::size_t from) {
    std::uint64_t sum = start_of(from);
    ends_.resize(extents_.size());
    for (std::size_t i = from; i < extents_.size(); ++i) ends_[i] = sum += extents_[i].length;
}

}  // namespace lockstep
