// What a mirror remembers: every entry as it was when folder and vault last agreed on it.
//
// The whole of it is in memory, as a tree; changes go to an SQLite file with commit(). It is no
// truth of its own: without it (or with an older one) both sides are compared as at the first
// start, so what is lost with it is which side has changed, never a byte of either.
//
// The file is not encrypted: it holds the names, sizes and times of a folder that lies on the same
// machine in clear. It is 0600 and is removed with the mirror.
//
// THREADS: one at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sync/mirror/folder.h"
#include "sync/mirror/step_log.h"
#include "vault/file_system.h"

struct sqlite3;

namespace lockstep {

// What the vault shows under a name.
struct VaultFacts {
    FileType type = FileType::Regular;
    NodeId node = 0;
    VersionId version = {};  // zeros for directories
    std::uint32_t mode = 0;
    std::int64_t modified_ns = 0;  // 0 for directories
    std::uint64_t xattrs = 0;      // digest_of() them

    auto operator<=>(const VaultFacts&) const = default;
    bool has_content_of(const VaultFacts& other) const {
        return type == other.type && node == other.node && version == other.version;
    }
};

struct MirrorEntry {
    MirrorEntry* parent = nullptr;  // null: the root
    std::string name;
    FileFacts folder;
    VaultFacts vault;
    // A directory that is gone in the vault, and stays because of what is ignored in it.
    bool is_leftover = false;

    std::uint64_t row = 0;
    std::map<std::string, std::unique_ptr<MirrorEntry>, std::less<>> children;
};

class MirrorState {
  public:
    // Opens or makes the file. One that cannot be read is begun anew; one of another mirror
    // (`identity`) is Conflict.
    static Result<std::unique_ptr<MirrorState>> open(const std::filesystem::path& file,
                                                     std::string_view identity);
    static void remove_files(const std::filesystem::path& file);
    ~MirrorState();
    MirrorState(const MirrorState&) = delete;
    MirrorState& operator=(const MirrorState&) = delete;

    MirrorEntry& root() { return root_; }
    // Null when there is none.
    MirrorEntry* find(std::string_view path);
    static std::string path_of(const MirrorEntry& entry);
    // Entries that had this inode, or showed this node.
    std::vector<MirrorEntry*> with_inode(std::uint64_t inode) const;
    std::vector<MirrorEntry*> with_node(NodeId node) const;
    std::uint64_t files() const { return files_; }  // directories not counted
    std::uint64_t entries() const { return by_row_; }

    MirrorEntry& put(MirrorEntry& parent, std::string_view name, const FileFacts& folder,
                     const VaultFacts& vault);
    void set(MirrorEntry& entry, const FileFacts& folder, const VaultFacts& vault);
    void set_leftover(MirrorEntry& entry);
    // REQUIRES: the new place is free and not below the entry
    void move(MirrorEntry& entry, MirrorEntry& parent, std::string_view name);
    // With everything below it.
    void remove(MirrorEntry& entry);
    static std::uint64_t files_below(const MirrorEntry& entry);

    // What is carried over before it is committed.
    StepLog& steps() { return *steps_; }

    bool has_changes() const { return !changed_.empty() || !removed_.empty(); }
    Status commit();

  private:
    using Index = std::unordered_multimap<std::uint64_t, MirrorEntry*>;

    MirrorState() = default;
    Status open_database(const std::filesystem::path& file, std::string_view identity);
    Status load();
    Status execute(const char* sql);
    Error failure(std::string_view doing) const;
    void index(MirrorEntry& entry);
    void unindex(MirrorEntry& entry);
    void forget_below(MirrorEntry& entry);

    sqlite3* database_ = nullptr;
    std::unique_ptr<StepLog> steps_;
    MirrorEntry root_;
    Index by_inode_, by_node_;
    std::uint64_t files_ = 0, by_row_ = 0, next_row_ = 1;
    std::unordered_set<MirrorEntry*> changed_;
    std::vector<std::uint64_t> removed_;
};

}  // namespace lockstep
