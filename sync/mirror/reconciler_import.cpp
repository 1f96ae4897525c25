// Reconciler: from the folder into the vault.
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

#include "sync/mirror/reconciler.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

// Without the system's word on who writes a file, one that has changed so lately is left alone.
constexpr std::int64_t kQuietNs = 2'000'000'000;

Error changed_meanwhile() {
    return {ErrorKind::Busy, "it has changed while it was read"};
}

// Older kernels count a file's times in ticks of up to 10 ms: until one has passed, another write
// may leave the time as it is.
constexpr std::int64_t kTickNs = 12'000'000;

bool was_changed_within(std::int64_t span_ns, const FileFacts& facts) {
    const std::int64_t age_ns = system_clock().wall_ns() - facts.modified_ns;
    return age_ns >= 0 && age_ns < span_ns;
}

// Holes are worth looking for.
bool may_have_holes(const FileFacts& facts) {
    return facts.size >= 4 * kMiB;
}

}  // namespace

Status Reconciler::import_new(Look& look) {
    TRY(const bool is_renamed, import_rename(look));
    if (is_renamed) return {};
    TRY(const bool is_linked, import_hard_link(look));
    if (is_linked) return {};
    const NodeId parent = look.parent->vault.node;
    const std::string name(name_of(look.path));
    switch (look.folder->type) {
        case FileType::Regular:
            return import_file(look, nullptr);
        case FileType::Directory: {
            TRY(const Attributes made, files_.make_directory(parent, name, look.folder->mode));
            hold(made.node);
            has_vault_changes_ = true;
            look.vault = VaultFacts{.type = FileType::Directory,
                                    .node = made.node,
                                    .version = {},
                                    .mode = made.mode & 0777,
                                    .modified_ns = 0};
            TRY_OK(import_xattrs(look));
            agree(look);
            return scan_folder(look.path, *look.agreed);
        }
        case FileType::Symlink: {
            TRY(const std::string target, folder_.read_link(look.path));
            TRY(const Attributes made, files_.make_symlink(parent, name, target));
            files_.forget(made.node, 1);
            has_vault_changes_ = true;
            ++counts_.imported;
            TRY(look.vault, look_in_vault(*look.parent, name));
            if (look.vault) agree(look);
            return {};
        }
        case FileType::Fifo:
        case FileType::Socket:
            break;
    }
    return Error{ErrorKind::Unsupported, "pipes and sockets are not mirrored"};
}

// The folder calls by this name what it called otherwise when both sides last agreed.
Result<bool> Reconciler::import_rename(Look& look) {
    for (MirrorEntry* entry : state_.with_inode(look.folder->inode)) {
        if (!look.folder->is_same_file(entry->folder)) continue;
        const std::string before = MirrorState::path_of(*entry);
        if (is_below_path(look.path, before) || is_left_out(before)) continue;
        const Result<FileFacts> there = folder_.facts(before);
        if (there.ok() ? there->is_same_file(entry->folder)
                       : there.error().kind != ErrorKind::NotFound)
            continue;
        TRY(const std::optional<VaultFacts> shown, look_in_vault(*entry->parent, entry->name));
        if (!shown || shown->node != entry->vault.node) continue;
        TRY_OK(place_staged());
        TRY_OK(state_.steps().note(look.path,
                                   {entry->folder, entry->vault.type, entry->vault.version}));
        Status renamed =
            files_.rename(entry->parent->vault.node, entry->name, look.parent->vault.node,
                          name_of(look.path), RenameMode::NoReplace);
        if (!renamed.ok()) continue;  // it is a new one, and the old name is deleted
        has_vault_changes_ = true;
        ++counts_.renamed;
        state_.move(*entry, *look.parent, name_of(look.path));
        gone_.erase(before);
        if (entry->folder.type == FileType::Directory) {
            remap(before, look.path);
            options_.on_directory(look.path);
        }
        // Both may have changed beside.
        note(before, kBoth);
        note(look.path, kBoth);
        return true;
    }
    return false;
}

// Another name, in the folder, of a file that both sides have.
Result<bool> Reconciler::import_hard_link(Look& look) {
    if (look.folder->type != FileType::Regular || look.folder->links < 2) return false;
    for (MirrorEntry* entry : state_.with_inode(look.folder->inode)) {
        if (!look.folder->is_same_file(entry->folder) || *look.folder != entry->folder) continue;
        const std::string other = MirrorState::path_of(*entry);
        const Result<FileFacts> there = folder_.facts(other);
        if (!there.ok() || *there != *look.folder) continue;
        TRY(const std::optional<VaultFacts> shown, look_in_vault(*entry->parent, entry->name));
        if (!shown || *shown != entry->vault) continue;
        TRY(const Attributes found, files_.lookup(entry->parent->vault.node, entry->name));
        const Result<Attributes> made =
            files_.make_link(found.node, look.parent->vault.node, name_of(look.path));
        files_.forget(found.node, 1);
        if (!made.ok()) continue;  // it is a file of its own then
        files_.forget(made->node, 1);
        has_vault_changes_ = true;
        ++counts_.imported;
        look.vault = entry->vault;
        agree(look);
        return true;
    }
    return false;
}

Status Reconciler::import_change(Look& look) {
    MirrorEntry& agreed = *look.agreed;
    const bool is_same = look.folder->has_content_of(agreed.folder);
    if (look.folder->type == FileType::Symlink && !is_same) {
        // A link has one content: another one is another link.
        TRY_OK(files_.remove_version(look.parent->vault.node, name_of(look.path), agreed.vault.node,
                                     agreed.vault.version));
        has_vault_changes_ = true;
        drop(agreed);
        look.agreed = nullptr;
        look.vault.reset();
        return import_new(look);
    }
    if (look.folder->type == FileType::Regular && !is_same)
        return import_file(look, &agreed.vault.version);
    if (look.folder->mode != agreed.folder.mode && look.folder->type != FileType::Symlink) {
        TRY(const Attributes found, files_.lookup(look.parent->vault.node, name_of(look.path)));
        AttributeChange change;
        change.mode = look.folder->mode;
        Result<Attributes> changed = files_.set_attributes(found.node, change, std::nullopt);
        files_.forget(found.node, 1);
        if (!changed.ok()) return std::move(changed).error();
        has_vault_changes_ = true;
        look.vault->mode = changed->mode & 0777;
    }
    if (look.folder->xattrs != agreed.folder.xattrs) TRY_OK(import_xattrs(look));
    agree(look);
    return {};
}

// `seen`: the version that both sides had; null: the name is new.
Status Reconciler::import_file(Look& look, const VersionId* seen) {
    TRY(const UniqueFd source, folder_.open_to_read(look.path));
    TRY(const FileFacts before, Folder::facts_of(source.get()));
    if (before != *look.folder) return changed_meanwhile();
    const std::optional<bool> is_written = Folder::is_open_for_writing(source.get());
    const bool is_half = is_written.value_or(true) && was_changed_within(kQuietNs, before);
    if (is_half || was_changed_within(kTickNs, before)) {
        defer(look.path, kBoth, std::chrono::milliseconds(is_half ? 1000 : 12));
        return {};
    }
    TRY(const HandleId content, read_into_vault(source.get(), before));
    Result<PutOutcome> put = [&]() -> Result<PutOutcome> {
        // What was read is what the name shows, or it is thrown away.
        TRY(const FileFacts after, folder_.facts(look.path));
        if (after != before) return changed_meanwhile();
        const PutAttributes attributes{.mode = before.mode, .modified_ns = before.modified_ns};
        TRY_OK(state_.steps().note(look.path, {before, FileType::Regular, {}}));
        if (seen == nullptr)
            return files_.put_file(content, look.parent->vault.node, name_of(look.path),
                                   attributes);
        TRY(const Attributes found, files_.lookup(look.parent->vault.node, name_of(look.path)));
        Result<PutOutcome> done = files_.put_version(content, found.node, *seen, attributes);
        files_.forget(found.node, 1);
        return done;
    }();
    files_.release(content);
    if (!put.ok()) {
        const ErrorKind kind = put.error().kind;
        // The vault has changed meanwhile.
        if (kind == ErrorKind::Exists || (kind == ErrorKind::NotFound && seen != nullptr)) {
            note(look.path, kBoth);
            return {};
        }
        return std::move(put).error();
    }
    TRY_OK(state_.steps().note(look.path, {before, FileType::Regular, put->version}));
    has_vault_changes_ = true;
    batch_bytes_ += before.size;
    ++counts_.imported;
    const bool has_other_xattrs =
        look.agreed == nullptr || before.xattrs != look.agreed->folder.xattrs;
    look.vault = VaultFacts{.type = FileType::Regular,
                            .node = put->node,
                            .version = put->version,
                            .mode = before.mode,
                            .modified_ns = before.modified_ns,
                            .xattrs = look.vault ? look.vault->xattrs : 0};
    if (has_other_xattrs) TRY_OK(import_xattrs(look));
    agree(look);
    return {};
}

Result<HandleId> Reconciler::read_into_vault(int source, const FileFacts& facts) {
    TRY(const HandleId content, files_.open_unnamed());
    Status copied = copy_data(source, facts.size, content);
    // As long as it was at the start, and no longer.
    if (copied.ok()) {
        Result<FileFacts> after = Folder::facts_of(source);
        if (!after.ok() || *after != facts) copied = changed_meanwhile();
    }
    if (copied.ok()) return content;
    files_.release(content);
    return std::move(copied).error();
}

Status Reconciler::copy_data(int source, std::uint64_t size, HandleId to) {
    const bool looks_for_holes = may_have_holes({.size = size});
    std::uint64_t data_end = looks_for_holes ? 0 : size;
    bool ends_in_hole = false;
    for (std::uint64_t at = 0; at < size;) {
        TRY_OK(check_going_on());
        if (at >= data_end) {
            const off_t data = ::lseek(source, static_cast<off_t>(at), SEEK_DATA);
            if (data < 0) {
                ends_in_hole = errno == ENXIO;
                if (ends_in_hole) break;
                data_end = size;  // the file system knows no holes
            } else {
                at = static_cast<std::uint64_t>(data);
                const off_t hole = ::lseek(source, data, SEEK_HOLE);
                data_end = hole < 0 ? size : static_cast<std::uint64_t>(hole);
                ends_in_hole = at >= size;
                if (ends_in_hole) break;
            }
        }
        const std::size_t wanted = static_cast<std::size_t>(
            std::min<std::uint64_t>(buffer_.size(), std::min(data_end, size) - at));
        const ssize_t got = ::pread(source, buffer_.data(), wanted, static_cast<off_t>(at));
        if (got < 0) return Error{ErrorKind::Io, fmt::format("read: {}", std::strerror(errno))};
        if (got == 0) return changed_meanwhile();
        TRY_OK(files_.write(to, at, std::span(buffer_).first(static_cast<std::size_t>(got))));
        at += static_cast<std::uint64_t>(got);
    }
    if (!ends_in_hole) return {};
    const std::byte zero{};
    return files_.write(to, size - 1, std::span(&zero, 1));
}

}  // namespace lockstep
