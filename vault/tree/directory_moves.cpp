#include "vault/tree/directory_moves.h"

#include <algorithm>

namespace lockstep {
namespace {

std::strong_ordering order(const DirectoryMove& a, const DirectoryMove& b) {
    if (const auto by_stamp = a.stamp <=> b.stamp; by_stamp != 0) return by_stamp;
    if (const auto by_link = a.link <=> b.link; by_link != 0) return by_link;
    return a.target_id <=> b.target_id;
}

}  // namespace

std::vector<Index> DirectoryMoves::change(std::vector<DirectoryMove> added,
                                          const std::vector<DirectoryMove>& removed) {
    const auto entry_less = [](const Entry& a, const DirectoryMove& b) {
        return order(a.move, b) < 0;
    };
    std::size_t first = log_.size();
    for (const std::vector<DirectoryMove>* moves : {&std::as_const(added), &removed}) {
        for (const DirectoryMove& move : *moves) {
            const auto at = std::lower_bound(log_.begin(), log_.end(), move, entry_less);
            first = std::min(first, static_cast<std::size_t>(at - log_.begin()));
        }
    }
    Changed first_seen;
    undo_from(first, first_seen);
    for (const DirectoryMove& move : removed) {
        const auto at = std::lower_bound(log_.begin(), log_.end(), move, entry_less);
        if (at != log_.end() && order(at->move, move) == 0) log_.erase(at);
    }
    const auto tail = static_cast<std::ptrdiff_t>(std::min(first, log_.size()));
    for (const DirectoryMove& move : added) log_.push_back({move, {}, false});
    std::sort(log_.begin() + tail, log_.end(),
              [](const Entry& a, const Entry& b) { return order(a.move, b.move) < 0; });
    const auto same = [](const Entry& a, const Entry& b) { return order(a.move, b.move) == 0; };
    log_.erase(std::unique(log_.begin() + tail, log_.end(), same), log_.end());
    redo_from(static_cast<std::size_t>(tail), first_seen);

    std::vector<Index> changed;
    for (const auto& [directory, before] : first_seen) {
        if (place(directory) != before) changed.push_back(directory);
    }
    return changed;
}

void DirectoryMoves::forget(const std::vector<Index>& directories) {
    bool any = false;
    for (const Index directory : directories) any |= places_.erase(directory) > 0;
    if (!any) return;
    std::erase_if(log_, [&](const Entry& entry) {
        return std::binary_search(directories.begin(), directories.end(), entry.move.directory);
    });
}

DirectoryMoves::Place DirectoryMoves::place(Index directory) const {
    const auto found = places_.find(directory);
    return found == places_.end() ? Place{} : found->second;
}

void DirectoryMoves::undo_from(std::size_t position, Changed& first_seen) {
    for (std::size_t at = log_.size(); at > position; --at) {
        Entry& entry = log_[at - 1];
        if (!entry.applied) continue;
        first_seen.try_emplace(entry.move.directory, place(entry.move.directory));
        if (entry.before.parent == kNoIndex) {
            places_.erase(entry.move.directory);
        } else {
            places_[entry.move.directory] = entry.before;
        }
        entry.applied = false;
    }
}

void DirectoryMoves::redo_from(std::size_t position, Changed& first_seen) {
    for (std::size_t at = position; at < log_.size(); ++at) {
        Entry& entry = log_[at];
        if (makes_cycle(entry.move)) continue;
        const Index directory = entry.move.directory;
        entry.before = place(directory);
        entry.applied = true;
        first_seen.try_emplace(directory, entry.before);
        places_[directory] = {entry.move.stamp, entry.move.target};
    }
}

bool DirectoryMoves::makes_cycle(const DirectoryMove& move) const {
    if (move.directory == root_) return true;
    Index node = move.target;
    while (node != root_ && node != move.directory) {
        const auto up = places_.find(node);
        if (up == places_.end()) return false;
        node = up->second.parent;
    }
    return node == move.directory;
}

}  // namespace lockstep
