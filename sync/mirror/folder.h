// The plain folder of a mirror, and everything that is ever done in it.
//
// Paths are relative to the folder ("a/b", "" is the folder itself). Every step of one is taken
// beneath the folder and through no symbolic link, whatever is renamed meanwhile; what lies on
// another file system is not reached. So neither a hostile name nor a race leads out of the folder.
//
// Errors: NotFound also when a step is no directory, or leads out.
//
// THREADS: one at a time.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "vault/types.h"

namespace lockstep {

// Extended attributes in user.*, without those that Lockstep shows of itself.
using Xattrs = std::map<std::string, Bytes>;
bool is_mirrored_xattr(std::string_view name);
// Tells whether they are others; 0: there are none.
std::uint64_t digest_of(const Xattrs& xattrs);

// What a folder says of one of its files without reading it.
struct FileFacts {
    FileType type = FileType::Regular;
    bool is_foreign = false;  // a device, a pipe, a socket or another file system: not mirrored
    std::uint64_t size = 0;   // bytes; 0 for directories
    std::int64_t modified_ns = 0;
    std::int64_t born_ns = 0;  // 0: the file system does not say
    std::uint64_t inode = 0;
    std::uint32_t mode =
        0;  // 0777 at most: setuid, setgid and the sticky bit are nobody's business
    std::uint64_t xattrs = 0;  // digest_of() them; 2: they cannot be read
    std::uint32_t links = 1;   // names of a regular file, also outside of the folder

    // How many other names it has is nothing of its own.
    bool operator==(const FileFacts& other) const {
        return has_content_of(other) && is_foreign == other.is_foreign && size == other.size &&
               modified_ns == other.modified_ns && born_ns == other.born_ns && mode == other.mode &&
               xattrs == other.xattrs;
    }
    // As far as facts can tell.
    bool has_content_of(const FileFacts& other) const {
        return type == other.type && inode == other.inode &&
               (type == FileType::Directory ||
                (size == other.size && modified_ns == other.modified_ns));
    }
    bool is_same_file(const FileFacts& other) const {
        return type == other.type && inode == other.inode && born_ns == other.born_ns;
    }
};

struct FolderEntry {
    std::string name;
    FileFacts facts;
};

class Folder {
  public:
    // NotFound, NotDirectory.
    static Result<std::unique_ptr<Folder>> open(const std::string& path);

    const std::string& path() const { return path_; }
    // Whether `path()` still leads to this folder.
    bool is_in_place() const;

    // ---- questions
    Result<FileFacts> facts(std::string_view path) const;
    // Without the extended attributes: what has_content_of() compares.
    Result<FileFacts> content_facts(std::string_view path) const;
    // False also when the way there cannot be taken.
    bool has_directory(std::string_view path) const;
    // In no order; what goes away meanwhile is left out.
    Result<std::vector<FolderEntry>> list(std::string_view directory) const;
    Result<std::string> read_link(std::string_view path) const;
    // REQUIRES: a directory. For watching it.
    Result<UniqueFd> open_directory(std::string_view path) const;
    // Of a file or directory. None where the file system knows of none.
    Result<Xattrs> xattrs(std::string_view path) const;
    // Regular files only, else Invalid.
    Result<UniqueFd> open_to_read(std::string_view path) const;
    static Result<FileFacts> facts_of(int descriptor);
    // Whether somebody has the file open for writing; nullopt when the system does not tell.
    static std::optional<bool> is_open_for_writing(int descriptor);

    // ---- changes
    // A file of one name, to be changed in place while nobody else has it open: whoever opens it
    // meanwhile waits until it is closed, for a while (fcntl(2), "Leases"). Busy when somebody has
    // it open, or it has other names; Unsupported when the file system does not know that.
    Result<UniqueFd> open_alone(std::string_view path);
    // Nobody waits for it yet.
    static bool is_alone(int descriptor);
    static void let_others_in(int descriptor);
    static Status set_modified_of(int descriptor, std::int64_t modified_ns);

    Status make_directory(std::string_view path, std::uint32_t mode);
    // A new file, for writing. Exists.
    Result<UniqueFd> create(std::string_view path);
    Status make_link(std::string_view path, const std::string& target);
    // Another name of a regular file. Exists.
    Status link_file(std::string_view from, std::string_view to);
    // These, and no others; as far as the file system takes them.
    Status set_xattrs(std::string_view path, const Xattrs& xattrs);
    Status remove_file(std::string_view path);
    Status remove_directory(std::string_view path);  // NotEmpty
    // Exists when `to` is taken.
    Status rename(std::string_view from, std::string_view to);
    Status exchange(std::string_view one, std::string_view other);
    Status set_mode(std::string_view path, std::uint32_t mode);
    Status set_modified(std::string_view path, std::int64_t modified_ns);

    Status sync_directory(std::string_view path);
    // All that was ever written to the file system that the folder lies on.
    Status sync_all();

    // While one lives, the directory that was used last is not opened anew for each name in it,
    // for some milliseconds at most: who moves it meanwhile takes along what is done in it, as in
    // the moment between opening it and doing something there.
    class Near {
      public:
        explicit Near(Folder& folder) : folder_(folder) { folder_.is_near_ = true; }
        ~Near() {
            folder_.is_near_ = false;
            folder_.near_.directory.reset();
        }
        Near(const Near&) = delete;
        Near& operator=(const Near&) = delete;

      private:
        Folder& folder_;
    };

  private:
    using Directory = std::shared_ptr<const UniqueFd>;
    explicit Folder(std::string path) : path_(std::move(path)) {}
    Result<FileFacts> facts_at(int directory, const char* name, bool has_xattrs = true) const;
    // The directory that holds the path's last name.
    struct Place {
        Directory directory;
        std::string name;
    };
    Result<Place> place(std::string_view path) const;
    Result<Directory> directory_at(std::string_view path) const;
    Result<UniqueFd> open_file(std::string_view path, int flags, unsigned mode = 0) const;
    void leave(std::string_view directory);
    Status rename_with(std::string_view from, std::string_view to, unsigned flags);

    std::string path_;
    UniqueFd root_;
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
    bool is_near_ = false;
    mutable struct {
        std::string path;
        Directory directory;  // null: none
        std::chrono::steady_clock::time_point until;
    } near_;
};

// "a/b" for "a" and "b"; "b" for "" and "b".
std::string join_path(std::string_view directory, std::string_view name);
// The directory part; "" for a name alone.
std::string_view parent_of(std::string_view path);
std::string_view name_of(std::string_view path);
bool is_below_path(std::string_view path, std::string_view directory);

}  // namespace lockstep
