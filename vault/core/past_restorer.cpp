#include "vault/core/past_restorer.h"

#include "vault/core/vault_path_parts.h"

namespace lockstep {

std::optional<Attributes> PastRestorer::find(NodeId parent, const std::string& name) {
    Result<Attributes> found = files_.lookup(parent, name);
    if (!found.ok()) return std::nullopt;
    held_.emplace_back(files_, found->node);
    return *found;
}

std::uint32_t PastRestorer::mode_of(const Node& node, std::uint32_t otherwise) const {
    const auto mode = past_.attribute(node.file, AttributeKey::Mode);
    return mode ? decode_mode(*mode) & kModeBitsKept : otherwise;
}

std::optional<std::int64_t> PastRestorer::time_of(const Node& node) const {
    const auto time = past_.attribute(node.file, AttributeKey::ModifiedNs);
    if (!time) return std::nullopt;
    return decode_time(*time);
}

void PastRestorer::restore(const Node& node, NodeId parent, const std::string& name,
                           const std::string& path) {
    const FileType type = past_.type(node.file).value_or(FileType::Regular);
    Status done;
    switch (type) {
        case FileType::Directory:
            return restore_directory(node, parent, name, path);
        case FileType::Regular:
            done = restore_file(node, parent, name);
            break;
        case FileType::Symlink:
            done = restore_symlink(node, parent, name);
            break;
        case FileType::Fifo:
        case FileType::Socket:
            done = restore_special(node, type, parent, name);
            break;
    }
    if (!done.ok()) report_.problems.push_back(path + ": " + done.error().message);
}

void PastRestorer::restore_directory(const Node& node, NodeId parent, const std::string& name,
                                     const std::string& path) {
    std::optional<Attributes> target;
    if (name.empty()) {
        if (auto root = files_.attributes(parent); root.ok()) target = *root;
    } else {
        target = find(parent, name);
    }
    const bool is_new = !target;
    if (is_new) {
        auto made = files_.make_directory(parent, name, mode_of(node, 0755));
        if (!made.ok()) {
            report_.problems.push_back(path + ": " + made.error().message);
            return;
        }
        held_.emplace_back(files_, made->node);
        target = *made;
        ++report_.directories;
    }
    if (target->type != FileType::Directory) {
        report_.problems.push_back(path + ": a file has its name now");
        return;
    }
    auto entries = past_.list(node.file);
    if (!entries.ok()) {
        report_.problems.push_back(path + ": " + entries.error().message);
        return;
    }
    const NodeId here = target->node;
    for (const TreeListEntry& entry : **entries) {
        const std::size_t held = held_.size();
        restore(entry.node, here, entry.name, joined_path(path, entry.name));
        if (made_.empty())
            held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(held), held_.end());
    }
    if (!is_new) return;
    if (Status set = set_xattrs(node, here); !set.ok())
        report_.problems.push_back(path + ": " + set.error().message);
    set_times(node, here);
}

Status PastRestorer::set_xattrs(const Node& node, NodeId target) {
    for (const AttributeSetting& setting : past_.attributes(node.file))
        if (setting.key == AttributeKey::Xattr && setting.value &&
            setting.xattr.starts_with("user."))
            TRY_OK(files_.set_xattr(target, setting.xattr, *setting.value, XattrMode::Set));
    return {};
}

void PastRestorer::set_times(const Node& node, NodeId target) {
    AttributeChange change;
    change.modified_ns = time_of(node);
    if (change.modified_ns) static_cast<void>(files_.set_attributes(target, change, {}).ok());
}

Status PastRestorer::copy(const Content& content, HandleId to) {
    if (content.kind == Content::Kind::Inline)
        return content.inline_bytes.empty() ? Status() : files_.write(to, 0, content.inline_bytes);
    TRY(const HandleId opened, files_.open_content(content));
    const HeldHandle from(files_, opened);
    for (std::uint64_t done = 0; done < content.size;) {
        TRY(const std::uint64_t copied, files_.copy_range({.from = opened,
                                                           .to = to,
                                                           .from_offset = done,
                                                           .to_offset = done,
                                                           .length = content.size - done}));
        if (copied == 0) return Error{ErrorKind::Corrupt, "its content ends too early"};
        done += copied;
    }
    return {};
}

Status PastRestorer::put(const Node& node, const Content& content, NodeId parent,
                         const std::string& name, const std::optional<Attributes>& there) {
    std::optional<VersionId> seen;
    if (there) {
        TRY(seen, files_.version(there->node));
    }
    TRY(const HandleId unnamed, files_.open_unnamed());
    const HeldHandle handle(files_, unnamed);
    TRY_OK(copy(content, unnamed));
    const PutAttributes attributes{.mode = mode_of(node, 0644), .modified_ns = time_of(node)};
    NodeId target = 0;
    if (there) {
        TRY(const PutOutcome put, files_.put_version(unnamed, there->node, *seen, attributes));
        (put.version == *seen ? report_.unchanged : report_.files) += 1;
        target = there->node;
    } else {
        TRY(const PutOutcome put, files_.put_file(unnamed, parent, name, attributes));
        static_cast<void>(put);
        ++report_.files;
        const auto made = find(parent, name);
        if (!made) return {};
        target = made->node;
        if (past_.link_count(node) > 1) made_[node.file] = target;
    }
    return set_xattrs(node, target);
}

Status PastRestorer::restore_file(const Node& node, NodeId parent, const std::string& name) {
    const std::optional<Content> content = content_ ? content_ : past_.content(node);
    if (!content) return Error{ErrorKind::NotFound, "its content is not known"};
    const auto there = find(parent, name);
    if (there && there->type != FileType::Regular)
        return Error{ErrorKind::Exists, "something else has its name now"};
    if (const auto made = made_.find(node.file); !there && made != made_.end()) {
        TRY(const Attributes linked, files_.make_link(made->second, parent, name));
        held_.emplace_back(files_, linked.node);
        return {};
    }
    return put(node, *content, parent, name, there);
}

Status PastRestorer::restore_symlink(const Node& node, NodeId parent, const std::string& name) {
    const auto content = past_.content(node);
    if (!content) return Error{ErrorKind::NotFound, "its target is not known"};
    const std::string target(as_text(content->inline_bytes));
    if (const auto there = find(parent, name)) {
        if (there->type != FileType::Symlink)
            return Error{ErrorKind::Exists, "something else has its name now"};
        TRY(const std::string now, files_.read_symlink(there->node));
        if (now == target) {
            ++report_.unchanged;
            return {};
        }
        TRY_OK(files_.remove_file(parent, name));
    }
    TRY(const Attributes made, files_.make_symlink(parent, name, target));
    held_.emplace_back(files_, made.node);
    set_times(node, made.node);
    ++report_.files;
    return {};
}

Status PastRestorer::restore_special(const Node& node, FileType type, NodeId parent,
                                     const std::string& name) {
    if (const auto there = find(parent, name)) {
        if (there->type != type) return Error{ErrorKind::Exists, "something else has its name now"};
        ++report_.unchanged;
        return {};
    }
    TRY(const Attributes made,
        files_.make_node(parent, name, {.type = type, .mode = mode_of(node, 0644)}));
    held_.emplace_back(files_, made.node);
    ++report_.files;
    return {};
}

Result<HeldNode> PastRestorer::make_directories(const std::vector<std::string>& parts) {
    HeldNode at(files_, kRootNode);
    std::optional<Node> past = Node{kRootFile, std::nullopt};
    for (const std::string& part : parts) {
        if (past) {
            const auto entry = past_.lookup(past->file, part);
            past = entry.ok() && entry->type == FileType::Directory ? std::optional(entry->node)
                                                                    : std::nullopt;
        }
        Result<Attributes> found = files_.lookup(at.id(), part);
        if (!found.ok()) {
            if (found.error().kind != ErrorKind::NotFound) return std::move(found).error();
            found = files_.make_directory(at.id(), part, past ? mode_of(*past, 0755) : 0755);
            if (!found.ok()) return std::move(found).error();
            ++report_.directories;
        }
        at = HeldNode(files_, found->node);
        if (found->type != FileType::Directory)
            return Error{ErrorKind::NotDirectory, part + " is no directory"};
    }
    return at;
}

}  // namespace lockstep
