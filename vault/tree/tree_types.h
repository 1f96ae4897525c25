// What the tree keeps of links and files, compactly: half a kilobyte for a file with its
// attributes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vault/log/record.h"
#include "vault/tree/index_table.h"

namespace lockstep {

inline constexpr LogId kNoLog{};

// A Stamp whose log is interned.
struct CompactStamp {
    std::uint64_t time = 0;
    const LogId* log = &kNoLog;

    Stamp full() const { return {time, *log}; }
    bool is_set() const { return time != 0 || log != &kNoLog; }
    friend bool operator==(const CompactStamp& a, const CompactStamp& b) {
        return a.time == b.time && (a.log == b.log || *a.log == *b.log);
    }
    friend std::strong_ordering operator<=>(const CompactStamp& a, const CompactStamp& b) {
        if (a.time != b.time) return a.time <=> b.time;
        if (a.log == b.log) return std::strong_ordering::equal;
        return *a.log <=> *b.log;
    }
};

// A name of at most 255 bytes behind one pointer.
class CompactName {
  public:
    CompactName() = default;
    explicit CompactName(std::string_view name) : data_(new char[name.size() + 1]) {
        data_[0] = static_cast<char>(static_cast<unsigned char>(name.size()));
        if (!name.empty()) std::memcpy(data_.get() + 1, name.data(), name.size());
    }
    std::string_view view() const {
        if (!data_) return {};
        return {data_.get() + 1, static_cast<unsigned char>(data_[0])};
    }

  private:
    std::unique_ptr<char[]> data_;  // length, bytes
};

struct LinkState {
    LinkId id;
    CompactStamp created, parent_stamp, name_stamp;
    CompactName name;
    std::unique_ptr<std::vector<DeleteRecord>> deletes;
    Index file = kNoIndex;
    Index parent = kNoIndex;    // file index of the directory; of a directory's link: after replay
    Index place_in_parent = 0;  // in its children, while visible
    Index next_in_group = kNoIndex;  // visible links of one directory and name
    Index next_of_file = kNoIndex;
    bool alive = false;
    bool revived = false;  // lives only because its delete had not seen everything
    bool visible = false;  // alive, or a directory with visible children
    bool published = false;
    bool derived_id = false;  // made by a fork
};

struct VersionState {
    VersionId id;
    CompactStamp stamp;
    ContentRoot root;
    std::uint64_t size = 0;
    const std::string* device_label = nullptr;  // interned
    std::unique_ptr<Bytes> inline_bytes;
    std::unique_ptr<std::vector<VersionId>> replaces;
    Content::Kind kind = Content::Kind::Inline;
    std::uint8_t depth = 0;
    bool known = false;  // false: only its id is known, because something replaces it
    bool replaced = false;
    bool derived_id = false;

    bool is_head() const { return known && !replaced; }
};

struct AttributeState {
    CompactStamp stamp;
    AttributeKey key = AttributeKey::Mode;
    bool set = false;
    std::uint8_t small_size =
        0;  // of a value in `small`; longer ones and xattr names lie in `large`
    std::array<std::byte, 8> small{};
    struct Large {
        std::string xattr;
        Bytes value;
    };
    std::unique_ptr<Large> large;
};

struct DirectoryState {
    std::vector<Index> children;  // visible links
    Index primary = kNoIndex;     // file index; itself unless merged
    Index subdirectories = 0;     // among children
};

struct FileState {
    FileId id;
    FileType type = FileType::Regular;
    bool known = false;  // a link names it
    bool published = false;
    bool derived_id = false;
    Index first_link = kNoIndex;
    std::uint32_t head_count = 0;
    std::uint32_t main = 0;  // newest head, in versions
    std::vector<VersionState> versions;
    std::vector<AttributeState> attributes;
    std::unique_ptr<DirectoryState> directory;

    bool is_directory() const { return type == FileType::Directory; }
};

}  // namespace lockstep
