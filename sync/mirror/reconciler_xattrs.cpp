// Reconciler: extended attributes in user.*, in both directions.
//
// Either side may take fewer than the other has (a file system without them, the vault's limits):
// what each shows after they were carried over is what was agreed on.
#include "sync/mirror/reconciler.h"

namespace lockstep {

namespace {
class Referenced {
  public:
    Referenced(FileSystem& files, NodeId node) : files_(files), node_(node) {}
    ~Referenced() { files_.forget(node_, 1); }
    Referenced(const Referenced&) = delete;
    Referenced& operator=(const Referenced&) = delete;

  private:
    FileSystem& files_;
    NodeId node_;
};
}  // namespace

Result<Xattrs> Reconciler::vault_xattrs(NodeId node) {
    Xattrs out;
    TRY(const std::vector<std::string> names, files_.list_xattrs(node));
    for (const std::string& name : names) {
        if (!is_mirrored_xattr(name)) continue;
        if (Result<Bytes> value = files_.get_xattr(node, name); value.ok())
            out.emplace(name, std::move(*value));
    }
    return out;
}

// The folder's become the vault's.
Status Reconciler::import_xattrs(Look& look) {
    if (look.vault->xattrs == look.folder->xattrs) return {};
    const Result<Xattrs> read = folder_.xattrs(look.path);
    if (!read.ok()) return {};  // what cannot be read was not removed
    const Xattrs& here = *read;
    TRY(const Attributes found, files_.lookup(look.parent->vault.node, name_of(look.path)));
    const Referenced reference(files_, found.node);
    TRY(const Xattrs there, vault_xattrs(found.node));
    for (const auto& [name, value] : there)
        if (!here.contains(name)) static_cast<void>(files_.remove_xattr(found.node, name).ok());
    for (const auto& [name, value] : here) {
        const auto had = there.find(name);
        if (had != there.end() && had->second == value) continue;
        static_cast<void>(files_.set_xattr(found.node, name, value, XattrMode::Set).ok());
    }
    has_vault_changes_ = true;
    TRY(const Xattrs now, vault_xattrs(found.node));
    look.vault->xattrs = digest_of(now);
    return {};
}

// The vault's become those of the folder's file, which may lie under a name of ours.
Status Reconciler::export_xattrs(const Look& look, const std::string& path) {
    TRY(const Attributes found, files_.lookup(look.parent->vault.node, name_of(look.path)));
    const Referenced reference(files_, found.node);
    TRY(const Xattrs wanted, vault_xattrs(found.node));
    const Status set = folder_.set_xattrs(path, wanted);
    if (!set.ok() && set.error().kind == ErrorKind::NotFound) return set;
    return {};
}

// Both sides have the file and never agreed on it: what one of them lacks it gets; where both have
// something, the vault's is what everybody has.
Status Reconciler::unite_xattrs(Look& look) {
    if (look.folder->xattrs == look.vault->xattrs) return {};
    const Result<Xattrs> read = folder_.xattrs(look.path);
    if (!read.ok()) return {};
    const Xattrs& here = *read;
    TRY(const Attributes found, files_.lookup(look.parent->vault.node, name_of(look.path)));
    const Referenced reference(files_, found.node);
    TRY(const Xattrs there, vault_xattrs(found.node));
    for (const auto& [name, value] : here) {
        if (there.contains(name)) continue;
        static_cast<void>(files_.set_xattr(found.node, name, value, XattrMode::Create).ok());
        has_vault_changes_ = true;
    }
    TRY(const Xattrs now, vault_xattrs(found.node));
    look.vault->xattrs = digest_of(now);
    if (look.vault->xattrs == look.folder->xattrs) return {};
    TRY_OK(export_xattrs(look, look.path));
    const FileFacts before = *look.folder;
    TRY(look.folder, look_in_folder(look.path));
    const bool is_same = look.folder && look.folder->has_content_of(before);
    if (!is_same) return Error{ErrorKind::Busy, "somebody is changing it in the folder"};
    return {};
}

}  // namespace lockstep
