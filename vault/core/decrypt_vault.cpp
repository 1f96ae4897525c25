// decrypt_vault and check_vault: what works with a vault directory and its passphrase alone.
#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/unique_fd.h"
#include "vault/core/directory_arrivals.h"
#include "vault/core/offline_vault.h"
#include "vault/core/vault_replica.h"
#include "vault/files/vault_files.h"
#include "vault/packs/pack_reader.h"
#include "vault/vault.h"

namespace lockstep {
namespace {

std::string errno_text() {
    return std::generic_category().message(errno);
}

timespec time_of(std::int64_t ns) {
    std::int64_t seconds = ns / 1'000'000'000, rest = ns % 1'000'000'000;
    if (rest < 0) {
        rest += 1'000'000'000;
        --seconds;
    }
    return {.tv_sec = seconds, .tv_nsec = rest};
}

// Writes the tree below a new directory. Entries are made relative to the directory's descriptor,
// never through a path, so no symbolic link among them leads anywhere.
class TreeWriter {
  public:
    TreeWriter(OfflineVault& vault, DecryptReport& report) : vault_(vault), report_(report) {}

    void write_directory(const FileId& directory, int at, const std::string& path) {
        auto entries = vault_.tree().list(directory);
        if (!entries.ok()) return damaged(path, entries.error().message);
        for (const TreeListEntry& entry : **entries) {
            std::string entry_path = path.empty() ? entry.name : path + "/" + entry.name;
            switch (entry.type) {
                case FileType::Directory:
                    write_subdirectory(entry, at, entry_path);
                    break;
                case FileType::Regular:
                    write_file(entry, at, entry_path);
                    break;
                case FileType::Symlink:
                    write_symlink(entry, at, entry_path);
                    break;
                case FileType::Fifo:
                    write_fifo(entry, at, entry_path);
                    break;
                case FileType::Socket:
                    break;  // means nothing without the program that made it
            }
        }
    }

    // Of the root, whose directory is there already.
    void set_root_metadata(int fd) {
        if (!vault_.tree().attributes(kRootFile).empty()) set_metadata(fd, kRootFile, 0755);
    }

  private:
    void write_subdirectory(const TreeListEntry& entry, int at, const std::string& path) {
        if (mkdirat(at, entry.name.c_str(), 0700) != 0) return damaged(path, errno_text());
        UniqueFd fd(
            openat(at, entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd.ok()) return damaged(path, errno_text());
        ++report_.directories;
        write_directory(entry.node.file, fd.get(), path);
        set_metadata(fd.get(), entry.node.file, 0755);
    }

    void write_fifo(const TreeListEntry& entry, int at, const std::string& path) {
        const std::uint32_t mode = mode_of(entry.node.file, 0644);
        // What is made has the mode that the process' mask leaves.
        if (mkfifoat(at, entry.name.c_str(), mode) != 0 ||
            fchmodat(at, entry.name.c_str(), mode, 0) != 0)
            damaged(path, errno_text());
    }

    void write_symlink(const TreeListEntry& entry, int at, const std::string& path) {
        auto content = vault_.tree().content(entry.node);
        std::string target = content ? std::string(as_text(content->inline_bytes)) : std::string();
        if (symlinkat(target.c_str(), at, entry.name.c_str()) != 0)
            return damaged(path, errno_text());
        ++report_.symlinks;
        timespec times[2] = {time_of(time_of_file(entry.node.file)),
                             time_of(time_of_file(entry.node.file))};
        static_cast<void>(utimensat(at, entry.name.c_str(), times, AT_SYMLINK_NOFOLLOW));
    }

    void write_file(const TreeListEntry& entry, int at, const std::string& path) {
        auto content = vault_.tree().content(entry.node);
        if (!content) return damaged(path, "it has no content");
        // A file that cannot be restored whole is not left half written.
        UniqueFd fd(openat(at, entry.name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!fd.ok()) return damaged(path, errno_text());
        if (Status written = write_content(*content, fd.get()); !written.ok()) {
            unlinkat(at, entry.name.c_str(), 0);
            return damaged(path, written.error().message);
        }
        ++report_.files;
        report_.bytes += content->size;
        set_metadata(fd.get(), entry.node.file, 0644);
    }

    Status write_content(const Content& content, int fd) {
        if (content.kind == Content::Kind::Inline) return write_all(fd, content.inline_bytes, 0);
        TRY(ContentList list, vault_.list_of(content));
        for (std::size_t i = 0; i < list.extents().size(); ++i) {
            const Extent& extent = list.extents()[i];
            if (extent.is_hole()) continue;
            TRY(auto bytes, vault_.chunk(extent.chunk));
            if (bytes->size() != extent.length)
                return Error{ErrorKind::Corrupt, "a chunk has the wrong length"};
            TRY_OK(write_all(fd, *bytes, list.start_of(i)));
        }
        if (ftruncate(fd, static_cast<off_t>(content.size)) != 0)
            return Error{ErrorKind::Io, errno_text()};
        return {};
    }

    static Status write_all(int fd, ByteView data, std::uint64_t offset) {
        while (!data.empty()) {
            ssize_t put = pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return Error{ErrorKind::Io, errno_text()};
            data = data.subspan(static_cast<std::size_t>(put));
            offset += static_cast<std::uint64_t>(put);
        }
        return {};
    }

    std::uint32_t mode_of(const FileId& file, std::uint32_t otherwise) {
        auto mode = vault_.tree().attribute(file, AttributeKey::Mode);
        return mode ? decode_mode(*mode) & 01777 : otherwise;
    }
    std::int64_t time_of_file(const FileId& file) {
        auto time = vault_.tree().attribute(file, AttributeKey::ModifiedNs);
        return time ? decode_time(*time) : vault_.tree().changed(file).wall_ms() * 1'000'000;
    }
    void set_metadata(int fd, const FileId& file, std::uint32_t otherwise) {
        static_cast<void>(fchmod(fd, mode_of(file, otherwise)));
        timespec times[2] = {time_of(time_of_file(file)), time_of(time_of_file(file))};
        static_cast<void>(futimens(fd, times));
    }
    void damaged(const std::string& path, const std::string& why) {
        report_.damaged.push_back(path + ": " + why);
    }

    OfflineVault& vault_;
    DecryptReport& report_;
};

Status check_packs(OfflineVault& vault, CheckReport& report) {
    TRY(auto listing, vault.packs().list());
    for (const PackInfo& info : listing.packs) {
        ++report.packs;
        std::string name = "pack " + info.id.to_hex() + ": ";
        if (Status intact = vault.packs().verify(info); !intact.ok()) {
            report.errors.push_back(name + intact.error().message);
            continue;
        }
        auto check = [&]() -> Status {
            TRY(auto bytes, vault.packs().open_pack(info.id));
            TRY(PackPrefix prefix, read_pack_prefix(*bytes));
            const AnySecretKey* base = vault.pack_base_of(prefix.epoch);
            if (base == nullptr) return Error{ErrorKind::WrongKey, "its epoch is not known"};
            TRY(auto again, vault.packs().open_pack(info.id));
            TRY(PackReader reader, PackReader::open(std::move(again), *base, vault.vault_id()));
            PackCheck found = reader.check(vault.ids());
            report.chunks += found.intact.size();
            for (const Error& error : found.errors) report.errors.push_back(name + error.message);
            return {};
        };
        if (Status checked = check(); !checked.ok())
            report.errors.push_back(name + checked.error().message);
    }
    return {};
}

// Every content that any path shows: its chunks must be here.
void check_paths(OfflineVault& vault, const FileId& directory, const std::string& path,
                 CheckReport& report) {
    auto entries = vault.tree().list(directory);
    if (!entries.ok()) return;
    for (const TreeListEntry& entry : **entries) {
        std::string entry_path = path.empty() ? entry.name : path + "/" + entry.name;
        if (entry.type == FileType::Directory) {
            check_paths(vault, entry.node.file, entry_path, report);
            continue;
        }
        ++report.files;
        auto content = vault.tree().content(entry.node);
        if (entry.type != FileType::Regular || !content || content->kind == Content::Kind::Inline)
            continue;
        auto list = vault.list_of(*content);
        std::optional<Error> damage;
        if (!list.ok()) damage = list.error();
        for (std::size_t i = 0; list.ok() && !damage && i < list->extents().size(); ++i) {
            const Extent& extent = list->extents()[i];
            if (extent.is_hole()) continue;
            auto bytes = vault.chunk(extent.chunk);
            if (!bytes.ok()) damage = bytes.error();
        }
        if (damage) report.errors.push_back(entry_path + ": " + damage->message);
    }
}

// Without a key: names are hashes of bytes.
Status check_names(Disk& disk, const fs::path& directory, CheckReport& report) {
    TRY(VaultHeader header, read_vault_header(disk, directory));
    TRY(auto items, disk.list(directory / kKeyDirectoryName));
    for (const DirectoryItem& item : items) {
        std::string name = "keys/" + item.name;
        if (!parse_key_object_name(item.name)) continue;
        ++report.key_objects;
        auto bytes = disk.read_file(directory / kKeyDirectoryName / item.name, kKeyObjectSizeMax);
        if (!bytes.ok()) {
            report.errors.push_back(name + ": " + bytes.error().message);
            continue;
        }
        auto object = parse_key_object(*bytes, header.id);
        if (!object.ok())
            report.errors.push_back(name + ": " + object.error().message);
        else if (object->id.to_hex() + std::string(kKeyObjectSuffix) != item.name)
            report.errors.push_back(name + ": it is not the key object that its name says");
    }
    return {};
}

Status check_pack_names(Disk& disk, const fs::path& directory, CheckReport& report) {
    auto packs = PackStore::open_read_only(disk, directory);
    TRY(auto listing, packs->list());
    for (const PackInfo& info : listing.packs) {
        ++report.packs;
        if (Status intact = packs->verify(info); !intact.ok())
            report.errors.push_back("pack " + info.id.to_hex() + ": " + intact.error().message);
    }
    return {};
}

}  // namespace

Result<DecryptReport> decrypt_vault(Disk& disk, WorkerPool& workers, const fs::path& directory,
                                    ByteView passphrase, const fs::path& output) {
    TRY(auto vault, OfflineVault::open(disk, workers, system_random(), directory, passphrase));
    auto there = disk.list(output);
    if (there.ok() && !there->empty())
        return Error{ErrorKind::Exists,
                     output.string() + " is not empty: choose another directory"};
    TRY_OK(disk.make_directories(output));
    UniqueFd root(::open(output.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.ok()) return Error{ErrorKind::Io, output.string() + ": " + errno_text()};
    DecryptReport report;
    TreeWriter writer(*vault, report);
    writer.write_directory(kRootFile, root.get(), "");
    writer.set_root_metadata(root.get());
    report.damaged.insert(report.damaged.end(), vault->problems().begin(), vault->problems().end());
    if (syncfs(root.get()) != 0) return Error{ErrorKind::Io, output.string() + ": " + errno_text()};
    return report;
}

Result<CheckReport> check_vault(Disk& disk, WorkerPool& workers, const fs::path& directory,
                                std::optional<ByteView> passphrase) {
    CheckReport report;
    TRY_OK(check_names(disk, directory, report));
    for (const fs::path& foreign : DirectoryArrivals::foreign_files(disk, directory))
        report.notes.push_back(foreign.string() + ": no object of the vault; it is left alone");
    if (!passphrase) {
        TRY_OK(check_pack_names(disk, directory, report));
        return report;
    }
    auto opened = OfflineVault::open(disk, workers, system_random(), directory, *passphrase);
    if (!opened.ok()) {
        // Which object keeps it from opening is what a check is for; a wrong passphrase is not
        // damage.
        if (report.errors.empty()) return std::move(opened).error();
        report.errors.push_back("the vault does not open: " + opened.error().message);
        return report;
    }
    auto& vault = *opened;
    report.segments = vault->segments();
    TRY_OK(check_packs(*vault, report));
    check_paths(*vault, kRootFile, "", report);
    for (const std::string& problem : vault->problems()) report.errors.push_back(problem);
    std::sort(report.errors.begin(), report.errors.end());
    report.errors.erase(std::unique(report.errors.begin(), report.errors.end()),
                        report.errors.end());
    return report;
}

}  // namespace lockstep
