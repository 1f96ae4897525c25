#include "daemon/vault_paths.h"

#include <fmt/format.h>

#include "daemon/api/config.h"
#include "vault/limits.h"

namespace lockstep {

namespace {

Result<std::vector<std::string>> split(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        std::string_view part = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..") return Error{ErrorKind::Invalid, "'..' is not taken in paths of a vault"};
        if (part.find('\0') != std::string_view::npos) {
            return Error{ErrorKind::Invalid, "a name holds no NUL"};
        }
        if (part.size() > kNameSizeMax) {
            return Error{ErrorKind::NameTooLong, "a name is longer than 255 bytes"};
        }
        if (parts.size() == kPathDepthMax) return Error{ErrorKind::Invalid, "the path is too deep"};
        parts.emplace_back(part);
    }
    return parts;
}

Result<FoundNode> walk(FileSystem& files, const std::vector<std::string>& parts) {
    TRY(Attributes attributes, files.attributes(kRootNode));
    FoundNode found{NodeReference(files, kRootNode), attributes};
    for (const std::string& part : parts) {
        if (found.attributes.type != FileType::Directory) {
            return Error{ErrorKind::NotDirectory, "a part of the path is no directory"};
        }
        Result<Attributes> next = files.lookup(found.node.id(), part);
        if (!next.ok()) {
            if (next.error().kind != ErrorKind::NotFound) return std::move(next).error();
            return Error{ErrorKind::NotFound, fmt::format("no such file or directory: {}", part)};
        }
        found = FoundNode{NodeReference(files, next->node), *next};
    }
    return found;
}

Result<api::EntryInfo> describe(FileSystem& files, const std::string& name,
                                const Attributes& attributes) {
    api::EntryInfo entry;
    entry.name = name;
    if (!api::is_utf8(name)) entry.name_hex = hex(as_bytes(name));
    entry.type = type_text(attributes.type);
    entry.mode = attributes.mode;
    entry.size = attributes.size;
    entry.modified_ns = attributes.modified_ns;
    if (attributes.type == FileType::Symlink) {
        TRY(entry.target, files.read_symlink(attributes.node));
    }
    return entry;
}

}  // namespace

std::string_view type_text(FileType type) {
    switch (type) {
        case FileType::Regular:
            return "file";
        case FileType::Directory:
            return "directory";
        case FileType::Symlink:
            return "symlink";
        case FileType::Fifo:
            return "fifo";
        case FileType::Socket:
            return "socket";
    }
    CHECK(false, "a FileType outside its enumeration");
}

Result<FoundNode> find_node(FileSystem& files, std::string_view path) {
    TRY(auto parts, split(path));
    return walk(files, parts);
}

Result<FoundParent> find_parent(FileSystem& files, std::string_view path) {
    TRY(auto parts, split(path));
    if (parts.empty()) return Error{ErrorKind::IsDirectory, "the path names the vault's root"};
    std::string name = std::move(parts.back());
    parts.pop_back();
    TRY(FoundNode found, walk(files, parts));
    if (found.attributes.type != FileType::Directory) {
        return Error{ErrorKind::NotDirectory, "a part of the path is no directory"};
    }
    return FoundParent{std::move(found.node), std::move(name)};
}

Result<api::EntryList> list_path(FileSystem& files, std::string_view path) {
    TRY(auto parts, split(path));
    TRY(FoundNode found, walk(files, parts));
    api::EntryList list;
    TRY(list.self, describe(files, parts.empty() ? "/" : parts.back(), found.attributes));
    if (found.attributes.type != FileType::Directory) return list;
    TRY(auto listing, files.list(found.node.id()));
    for (const DirectoryEntry& entry : *listing) {
        Result<Attributes> attributes = files.lookup(found.node.id(), entry.name);
        if (!attributes.ok()) {
            // Went away since the listing was made.
            if (attributes.error().kind == ErrorKind::NotFound) continue;
            return std::move(attributes).error();
        }
        NodeReference held(files, attributes->node);
        TRY(list.entries.emplace_back(), describe(files, entry.name, *attributes));
    }
    return list;
}

}  // namespace lockstep
