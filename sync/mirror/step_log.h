// What a mirror is about to carry over, noted before it is done: so that after a kill between the
// deed and MirrorState::commit() it knows its own work again, and does not take it for somebody
// else's change (which would make a conflict with itself, or bring back what was deleted).
//
// A step says that this content of the folder and that version of the vault are the same. Whichever
// of the two is found after a restart, the other one follows from it. It is a hint: one that is
// missing, or that nothing found agrees with, leaves things as they are without it.
//
// The file is beside that of the MirrorState, of lines of text; what a power cut leaves of it is
// taken as far as it makes sense.
//
// THREADS: one at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "sync/mirror/folder.h"
#include "vault/file_system.h"

namespace lockstep {

struct MirrorStep {
    FileFacts folder;
    FileType type = FileType::Regular;
    // Zeros while the vault has not made it yet: then the version is one with the folder's size and
    // time.
    VersionId version = {};
    // Not 0: the file is made longer in place, from this size.
    std::uint64_t grown_from = 0;
    // From the vault into the folder, and the vault had it durably before: when it shows it no
    // longer it did not forget it, but others have changed or deleted it.
    bool is_export = false;
};

class StepLog {
  public:
    // Opens or makes the file; what is in it was left by a crash.
    static Result<std::unique_ptr<StepLog>> open(const std::filesystem::path& file);

    // Survives a kill on return.
    Status note(const std::string& path, const MirrorStep& step);
    // Survives a power cut, too.
    Status note_durably(const std::string& path, const MirrorStep& step);
    // What was noted last for this path has not come to pass, and will not.
    Status cancel(const std::string& path);
    // All that was noted since the log was opened is committed. What a crash has left and nobody
    // has taken up yet stays, for the next crash may come first.
    Status clear();

    // What a crash has left for this path, the oldest first: one file may have been carried over
    // more than once since the last commit. Null: nothing.
    const std::vector<MirrorStep>* left(const std::string& path) const;
    void forget(const std::string& path) { left_.erase(path); }
    // Of the steps left for this path those that say so of this file: it was not placed, or gave
    // way to another.
    void forget(const std::string& path, const FileFacts& file);
    // To be taken up as if a crash had left it.
    void leave(const std::string& path, const MirrorStep& step) { left_[path].push_back(step); }
    // For which a crash has left a step that says of this file that it was to be placed; null:
    // none.
    const std::string* left_for(const FileFacts& file) const;

  private:
    explicit StepLog(std::filesystem::path path) : path_(std::move(path)) {}
    Status append(const std::string& line);
    Status keep_what_is_left();

    std::filesystem::path path_;
    UniqueFd file_;
    bool has_notes_ = false;
    std::map<std::string, std::vector<MirrorStep>> left_;
};

}  // namespace lockstep
