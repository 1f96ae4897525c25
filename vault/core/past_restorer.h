// Makes what a tree of the past shows again part of the vault, through its FileSystem: as new
// versions and new files, whose content is shared with the old ones.
//
// THREADS: one at a time.
#pragma once

#include <map>

#include "vault/core/held_node.h"
#include "vault/files/vault_files.h"
#include "vault/history.h"

namespace lockstep {

class PastRestorer {
  public:
    // `past`: nobody else uses it meanwhile.
    PastRestorer(const Tree& past, VaultFiles& files, RestoreReport& report)
        : past_(past), files_(files), report_(report) {}

    // Puts the node under that name, and all below a directory. What is there already gets a new
    // version; a directory keeps what the past one has not. Problems of single paths go to the
    // report.
    void restore(const Node& node, NodeId parent, const std::string& name, const std::string& path);
    // Of a regular file: this content instead of what the past tree shows.
    void set_content(Content content) { content_ = std::move(content); }

    // The directory at the path of live names, made where it is missing as it was in the past.
    Result<HeldNode> make_directories(const std::vector<std::string>& parts);

  private:
    void restore_directory(const Node& node, NodeId parent, const std::string& name,
                           const std::string& path);
    Status restore_file(const Node& node, NodeId parent, const std::string& name);
    Status restore_symlink(const Node& node, NodeId parent, const std::string& name);
    Status restore_special(const Node& node, FileType type, NodeId parent, const std::string& name);
    Status put(const Node& node, const Content& content, NodeId parent, const std::string& name,
               const std::optional<Attributes>& there);
    Status set_xattrs(const Node& node, NodeId target);
    void set_times(const Node& node, NodeId target);
    Status copy(const Content& content, HandleId to);
    std::optional<Attributes> find(NodeId parent, const std::string& name);
    std::uint32_t mode_of(const Node& node, std::uint32_t otherwise) const;
    std::optional<std::int64_t> time_of(const Node& node) const;

    const Tree& past_;
    VaultFiles& files_;
    RestoreReport& report_;
    std::optional<Content> content_;
    std::map<FileId, NodeId> made_;  // regular files with several names, by their past id
    std::vector<HeldNode> held_;
};

}  // namespace lockstep
