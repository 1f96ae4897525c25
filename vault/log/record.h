// Records: what a log says. Each is a state (a register's value, a version, a delete), not a
// syscall; merging is set union, and what people see is a pure function of the set (DESIGN:
// "Merge"). Byte layout: vault/FORMAT.md, "Records".
//
// One user operation has one stamp on everything that it sets. Save-by-rename (REPLACE) is an
// operation made of Version, Attribute and Delete records with one stamp; operations never straddle
// two segments.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vault/types.h"

namespace lockstep {

// A directory entry comes to be, and the file it shows when that is new. Its first parent and name
// follow as ParentRecord and NameRecord of the same stamp (encoded together, see FORMAT.md).
struct LinkRecord {
    LinkId link;
    FileId file;
    FileType type = FileType::Regular;
    Stamp stamp;
    auto operator<=>(const LinkRecord&) const = default;
};

// Register `parent` of a link. For a directory's link every one is kept and replayed in stamp
// order.
struct ParentRecord {
    LinkId link;
    Stamp stamp;
    FileId directory;
    auto operator<=>(const ParentRecord&) const = default;
};

// Register `name` of a link.
struct NameRecord {
    LinkId link;
    Stamp stamp;
    std::string name;
    auto operator<=>(const NameRecord&) const = default;
};

// Attribute registers of a file. Xattrs are keyed by kXattr and their name.
enum class AttributeKey : std::uint8_t {
    Mode = 1,
    ModifiedNs = 2,
    Uid = 3,
    Gid = 4,
    BirthNs = 5,
    Xattr = 16
};

struct AttributeRecord {
    FileId file;
    AttributeKey key = AttributeKey::Mode;
    std::string xattr;  // the name when key is Xattr, else empty
    Stamp stamp;
    std::optional<Bytes>
        value;  // Mode, Uid, Gid: u32; times: i64 nanoseconds as u64; nullopt: xattr removed
    auto operator<=>(const AttributeRecord&) const = default;
};

// What a version holds. Equal size and root: equal content.
struct Content {
    enum class Kind : std::uint8_t { Inline = 0, Chunk = 1, List = 2 };
    Kind kind = Kind::Inline;
    std::uint64_t size = 0;  // bytes of plaintext
    ContentRoot root;  // Inline: keyed hash of the bytes; Chunk: its chunk id; List: id of the top
                       // list node
    std::uint8_t depth = 0;  // List: levels of list nodes above the chunks, 1 to kContentDepthMax
    Bytes inline_bytes;      // Inline only, at most kInlineContentSizeMax (symlink targets:
                             // kSymlinkSizeMax)
    auto operator<=>(const Content&) const = default;
};

struct VersionRecord {
    FileId file;
    VersionId id;
    Content content;
    std::vector<VersionId> replaces;  // sorted, without duplicates
    Stamp stamp;
    std::string device_label;  // of the device that wrote it: names conflict siblings
    auto operator<=>(const VersionRecord&) const = default;
};

// These heads are heads no longer (a sibling deleted or forked into a file of its own).
struct ResolveRecord {
    FileId file;
    std::vector<VersionId> drops;  // sorted
    Stamp stamp;
    auto operator<=>(const ResolveRecord&) const = default;
};

// A delete and what its author saw.
struct DeleteRecord {
    LinkId link;
    Stamp seen_parent;  // stamps of the link's registers
    Stamp seen_name;
    std::vector<VersionId> heads;  // of its file; sorted
    std::vector<LinkId>
        last;  // the file's links its author knew, if this leaves none alive; else empty; sorted
    Stamp stamp;
    auto operator<=>(const DeleteRecord&) const = default;
};

using Record = std::variant<LinkRecord, ParentRecord, NameRecord, AttributeRecord, VersionRecord,
                            ResolveRecord, DeleteRecord>;

}  // namespace lockstep
