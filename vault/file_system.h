// FileSystem: a tree of files as a mount, a mirror or the CLI uses it. A vault implements it; later
// a vault at a past moment and others will. No consumer reaches past it.
//
// Nodes are numbered (kRootNode is the root); a number names the same file as long as it is
// referenced. lookup() and everything that returns an Entry adds one reference, forget() takes
// references back: the contract of FUSE's low-level API, so that a mount needs no table of its own.
//
// Errors carry the ErrorKind that fuse/errno_map.cpp turns into the errno POSIX asks for: NotFound
// ENOENT, Exists EEXIST, NotDirectory, IsDirectory, NotEmpty, NameTooLong, Invalid EINVAL, Refused
// EPERM, ReadOnly EROFS, NoSpace ENOSPC, TooLarge EFBIG, TooManyLinks EMLINK, Loop ELOOP,
// NoAttribute ENODATA, Unsupported EOPNOTSUPP, Io/Corrupt/Unavailable/Locked EIO, Busy EBUSY,
// Timeout ETIMEDOUT.
//
// Permission checks are the mount's (fuse/permissions.h); a FileSystem checks structure only.
//
// THREADS: every method from any thread. ChangeObserver is called without any lock held.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "vault/types.h"

namespace lockstep {

using NodeId = std::uint64_t;
using HandleId = std::uint64_t;
inline constexpr NodeId kRootNode = 1;

struct Attributes {
    NodeId node = 0;
    FileType type = FileType::Regular;
    std::uint32_t mode = 0;   // permission bits only, 01777 at most
    std::uint32_t links = 1;  // directories: 2 + number of subdirectories
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size = 0;        // bytes
    std::uint64_t allocated = 0;   // bytes of content that is not holes
    std::int64_t accessed_ns = 0;  // times: nanoseconds since 1970 UTC, may be negative
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
};

struct AttributeChange {
    std::optional<std::uint32_t> mode, uid, gid;
    std::optional<std::uint64_t> size;
    std::optional<std::int64_t> accessed_ns, modified_ns;
};

struct NewNode {
    FileType type = FileType::Regular;  // Regular, Fifo, Socket for make_node
    std::uint32_t mode = 0644;
};

struct DirectoryEntry {
    std::string name;
    NodeId node = 0;  // without a reference
    FileType type = FileType::Regular;
};

// A directory as it was at one moment; sorted by name; without "." and "..".
using Listing = std::vector<DirectoryEntry>;

struct OpenRequest {
    bool read = true;
    bool write = false;
    bool truncate = false;
};

enum class SeekTarget { Data, Hole };

// What fallocate(2) asks of a range of bytes. The range may reach beyond the end of the file.
struct RangeChange {
    enum class Kind {
        Allocate,  // no byte changes
        Zero,      // its bytes are zeros
        Punch,     // its bytes are a hole; the file does not grow
    };
    Kind kind = Kind::Allocate;
    std::uint64_t offset = 0, length = 0;
    bool keep_size = false;  // else the file grows to hold the range
};

struct RangeCopy {
    HandleId from = 0, to = 0;
    std::uint64_t from_offset = 0, to_offset = 0, length = 0;
};

// What a file is to be beside its content, when content is put under a name.
struct PutAttributes {
    std::optional<std::uint32_t> mode;        // default: as it was; of a new file 0644
    std::optional<std::int64_t> modified_ns;  // default: now
};

// Bytes of a file that an earlier version of it has as well.
struct SharedRange {
    std::uint64_t offset = 0, earlier_offset = 0, length = 0;

    bool operator==(const SharedRange&) const = default;
};

// What a name shows after content was put there.
struct PutOutcome {
    NodeId node = 0;  // without a reference
    VersionId version;
};

enum class RenameMode { Replace, NoReplace, Exchange };
enum class XattrMode { Set, Create, Replace };

struct FileSystemSpace {
    std::uint64_t block_size = 4096;
    std::uint64_t blocks_total = 0, blocks_free = 0, blocks_available = 0;
    std::uint64_t files_total = 0, files_free = 0;
};

// Told what a merge, or another consumer of the same FileSystem, has changed under this consumer's
// feet.
class ChangeObserver {
  public:
    virtual ~ChangeObserver() = default;
    // Content or attributes of the node are others than before.
    virtual void node_changed(NodeId node) = 0;
    // The entry `name` of the directory came, went or shows another node.
    virtual void entry_changed(NodeId directory, const std::string& name) = 0;
};

// Who has caused what is being told on the calling thread. A consumer that answers somebody (the
// kernel) about its own operation need not tell them the same again.
class ChangeOrigin {
  public:
    // Operations of the calling thread are those of this consumer from now on; null: of nobody.
    static void set_consumer(const ChangeObserver* consumer) { consumer_ = consumer; }
    static const ChangeObserver* consumer() { return consumer_; }
    // What is being told is what an operation of this consumer says itself: the nodes that it
    // names, the entries that it makes or takes away.
    static bool is_own_news(const ChangeObserver& observer) {
        return is_own_ && consumer_ == &observer;
    }

    // While it lives, what this thread tells is the consumer's own news.
    class OwnNews {
      public:
        explicit OwnNews(const ChangeObserver* consumer)
            : before_(std::exchange(consumer_, consumer)) {
            is_own_ = true;
        }
        ~OwnNews() {
            is_own_ = false;
            consumer_ = before_;
        }
        OwnNews(const OwnNews&) = delete;
        OwnNews& operator=(const OwnNews&) = delete;

      private:
        const ChangeObserver* before_;
    };

  private:
    static inline thread_local const ChangeObserver* consumer_ = nullptr;
    static inline thread_local bool is_own_ = false;
};

// Lets what waits on the calling thread ask whether somebody still wants its answer. Content that
// is not here is waited for no longer then: Cancelled.
class WaitInterruption {
  public:
    using Check = bool (*)(void*);
    WaitInterruption(Check check, void* context)
        : check_before_(std::exchange(check_, check)),
          context_before_(std::exchange(context_, context)) {}
    ~WaitInterruption() {
        check_ = check_before_;
        context_ = context_before_;
    }
    WaitInterruption(const WaitInterruption&) = delete;
    WaitInterruption& operator=(const WaitInterruption&) = delete;

    // Whether is_interrupted() may ever be true on this thread.
    static bool is_possible() { return check_ != nullptr; }
    static bool is_interrupted() { return check_ != nullptr && check_(context_); }

  private:
    static inline thread_local Check check_ = nullptr;
    static inline thread_local void* context_ = nullptr;
    Check check_before_;
    void* context_before_;
};

// While one lives, the calling thread has time: content that is not here yet, and comes anyway, is
// not asked for out of turn as long as anything arrives.
class PatientReading {
  public:
    PatientReading() : before_(std::exchange(is_on_, true)) {}
    ~PatientReading() { is_on_ = before_; }
    PatientReading(const PatientReading&) = delete;
    PatientReading& operator=(const PatientReading&) = delete;

    static bool is_on() { return is_on_; }

  private:
    static inline thread_local bool is_on_ = false;
    bool before_;
};

class FileSystem {
  public:
    virtual ~FileSystem() = default;

    virtual Result<Attributes> lookup(NodeId directory,
                                      std::string_view name) = 0;  // adds a reference
    virtual void forget(NodeId node, std::uint64_t references) = 0;
    virtual Result<Attributes> attributes(NodeId node) = 0;
    // `handle`: the open file through which it is asked, when there is one (ftruncate).
    virtual Result<Attributes> set_attributes(NodeId node, const AttributeChange& change,
                                              std::optional<HandleId> handle) = 0;

    virtual Result<Attributes> make_directory(NodeId parent, std::string_view name,
                                              std::uint32_t mode) = 0;
    virtual Result<Attributes> make_node(NodeId parent, std::string_view name,
                                         const NewNode& node) = 0;
    virtual Result<Attributes> make_symlink(NodeId parent, std::string_view name,
                                            std::string_view target) = 0;
    virtual Result<Attributes> make_link(NodeId node, NodeId parent, std::string_view name) = 0;
    virtual Status remove_file(NodeId parent, std::string_view name) = 0;
    virtual Status remove_directory(NodeId parent, std::string_view name) = 0;
    virtual Status rename(NodeId parent, std::string_view name, NodeId new_parent,
                          std::string_view new_name, RenameMode mode) = 0;

    virtual Result<std::string> read_symlink(NodeId node) = 0;
    virtual Result<std::shared_ptr<const Listing>> list(NodeId directory) = 0;

    // Exists when the name is taken (the caller falls back to lookup and open).
    struct Created {
        Attributes attributes;
        HandleId handle = 0;
    };
    virtual Result<Created> create(NodeId parent, std::string_view name, std::uint32_t mode) = 0;
    virtual Result<HandleId> open(NodeId node, const OpenRequest& request) = 0;
    // Fewer bytes than asked only at the end of the file.
    virtual Result<std::size_t> read(HandleId handle, std::uint64_t offset,
                                     MutableByteView out) = 0;
    virtual Status write(HandleId handle, std::uint64_t offset, ByteView data) = 0;
    // Where the next data, or the next hole, begins at or behind `offset`; the end of the file is a
    // hole. Nullopt at or beyond the end, and when only holes follow data that is asked for.
    virtual Result<std::optional<std::uint64_t>> seek(HandleId handle, std::uint64_t offset,
                                                      SeekTarget target) = 0;
    // Nothing is reserved: how much room bytes take is known when they are sealed. But NoSpace when
    // the holes that Allocate is to fill are more than what is free. Invalid when length is 0.
    virtual Status change_range(HandleId handle, const RangeChange& change) = 0;
    // Copies bytes from one open file into another, or within one; holes stay holes, and whole
    // chunks are shared, not moved. Returns how many bytes: at least 1 unless nothing is asked for
    // or there; maybe fewer than asked. Invalid when ranges of one file overlap.
    virtual Result<std::uint64_t> copy_range(const RangeCopy& copy) = 0;
    // What was written becomes a version now; else it does when the last handle is released.
    virtual Status flush(HandleId handle) = 0;
    virtual void release(HandleId handle) = 0;
    // fsync: on return the file's content and all earlier changes of names and attributes survive a
    // power cut.
    virtual Status sync(HandleId handle) = 0;
    // fsync of a directory: all earlier changes of names and attributes survive.
    virtual Status sync_metadata() = 0;

    // ---- for consumers that keep copies of their own: what they do is said of exactly what they
    // have seen, and holds however much a merge or another consumer has changed meanwhile. A
    // FileSystem without versions has none of it (Unsupported).

    // The version of its content that a file or symbolic link shows. Busy while bytes written to it
    // are no version yet. What is read between two equal answers is that version's content.
    virtual Result<VersionId> version(NodeId /*node*/) { return no_versions(); }
    // Content without a name, for write(), release() and the two calls below; nobody else sees it.
    virtual Result<HandleId> open_unnamed() { return no_versions(); }
    // What was written becomes a file, at once and whole. Exists when the name is taken.
    virtual Result<PutOutcome> put_file(HandleId /*unnamed*/, NodeId /*parent*/,
                                        std::string_view /*name*/,
                                        const PutAttributes& /*attributes*/) {
        return no_versions();
    }
    // What was written becomes a version of the file that replaces `seen` and nothing else: if it
    // shows another version by now, that one stays beside it as a conflict. Open handles go on with
    // what they have seen; what was fsynced through one is a version of its own before this one is.
    // Content that equals `seen`, while that is shown, changes attributes only. Busy when somebody
    // fsyncs the file at that moment.
    virtual Result<PutOutcome> put_version(HandleId /*unnamed*/, NodeId /*node*/,
                                           const VersionId& /*seen*/,
                                           const PutAttributes& /*attributes*/) {
        return no_versions();
    }
    // What the version that a file shows has in common with an earlier one of the same file: in
    // order, without overlaps, as far as whole chunks tell; no content is read for it. NotFound
    // when the earlier one is not known any more.
    virtual Result<std::vector<SharedRange>> shared_ranges(NodeId /*node*/,
                                                           const VersionId& /*earlier*/) {
        return no_versions();
    }
    // How many bytes of the version that a file shows are not on this device, and come without
    // being asked for.
    virtual Result<std::uint64_t> bytes_to_come(NodeId /*node*/) { return no_versions(); }
    // Removes a file or symbolic link if the name shows this version of this node; else Conflict.
    virtual Status remove_version(NodeId /*parent*/, std::string_view /*name*/, NodeId /*node*/,
                                  const VersionId& /*seen*/) {
        return no_versions();
    }

    virtual Result<Bytes> get_xattr(NodeId node, std::string_view name) = 0;
    virtual Result<std::vector<std::string>> list_xattrs(NodeId node) = 0;
    virtual Status set_xattr(NodeId node, std::string_view name, ByteView value,
                             XattrMode mode) = 0;
    virtual Status remove_xattr(NodeId node, std::string_view name) = 0;

    virtual Result<FileSystemSpace> space() = 0;

    // Observers live until removed; removal waits for calls under way.
    virtual void add_observer(ChangeObserver& observer) = 0;
    virtual void remove_observer(ChangeObserver& observer) = 0;

  private:
    static Error no_versions() {
        return {ErrorKind::Unsupported, "this file system has no versions"};
    }
};

}  // namespace lockstep
