// Files whose content is still on its way to this device: which they may be, how far each was when
// it was looked at last, and how fast it came since the time before.
//
// A bounded list. What does not fit is found by walking through the tree, from where the last walk
// stopped: see OpenVault::files_under_way().
//
// THREADS: none of its own; the caller locks.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "vault/types.h"

namespace lockstep {

class ArrivingFiles {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::size_t kFilesMax = 256;

    struct File {
        std::uint64_t size = 0, absent_bytes = 0;
        std::uint64_t rate = 0;  // bytes a second; 0 until it was looked at twice
        Time looked_at{};
        Time look_again{};  // looking at a large file takes long
        bool was_looked_at = false;
    };
    // What is left of a walk: a directory and how many of its entries have been seen.
    struct Place {
        FileId directory;
        std::size_t next = 0;
    };

    // It may be arriving. When there is no room a walk is due.
    void add(const FileId& file);
    bool has_room() const { return files_.size() < kFilesMax; }
    // To be looked at now.
    std::vector<FileId> due(Time now) const;
    // It was looked at; with nothing absent it is forgotten.
    void note(const FileId& file, std::uint64_t size, std::uint64_t absent_bytes, Time begun,
              Time ended);
    void forget(const FileId& file) { files_.erase(file); }
    void clear();

    const std::map<FileId, File>& files() const { return files_; }

    // There may be more of them in the tree.
    void want_walk() { wants_walk_ = true; }
    // The walk under way, or the one that is due now; null: there is none.
    std::vector<Place>* walk(Time now);

  private:
    std::map<FileId, File> files_;
    std::vector<Place> walk_;
    bool wants_walk_ = false;
    std::optional<Time> walked_at_;
};

}  // namespace lockstep
