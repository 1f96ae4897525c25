// Where directories lie: all moves ever made, replayed in stamp order, skipping those that would
// make a cycle (Kleppmann et al.). A move is inserted by undoing the later ones and redoing them.
#pragma once

#include <unordered_map>
#include <vector>

#include "vault/tree/tree_types.h"

namespace lockstep {

// A directory's link got a parent. The ids decide between moves of one stamp.
struct DirectoryMove {
    CompactStamp stamp;
    LinkId link;
    FileId target_id;
    Index directory = kNoIndex;  // file index of what is moved
    Index target = kNoIndex;     // file index of its new parent
};

class DirectoryMoves {
  public:
    struct Place {
        CompactStamp stamp;
        Index parent = kNoIndex;
        bool operator==(const Place&) const = default;
    };

    explicit DirectoryMoves(Index root) : root_(root) {}

    // Adds moves (those known already are skipped) and removes others; returns the directories
    // whose place is another than before.
    std::vector<Index> change(std::vector<DirectoryMove> added,
                              const std::vector<DirectoryMove>& removed = {});

    // Drops the whole history of directories under which nothing lies, as if they had never been.
    // REQUIRES: sorted
    void forget(const std::vector<Index>& directories);

    // kNoIndex when no move of the directory has applied.
    Place place(Index directory) const;

  private:
    struct Entry {
        DirectoryMove move;
        Place before;
        bool applied = false;
    };
    using Changed = std::unordered_map<Index, Place>;

    void undo_from(std::size_t position, Changed& first_seen);
    void redo_from(std::size_t position, Changed& first_seen);
    bool makes_cycle(const DirectoryMove& move) const;

    Index root_;
    std::vector<Entry> log_;  // sorted
    std::unordered_map<Index, Place> places_;
};

}  // namespace lockstep
