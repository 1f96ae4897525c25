// decrypt_vault and check_vault: what works with a vault directory and its passphrase alone.
#include <algorithm>
#include <cstdio>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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
        std::set<std::string> taken;
        for (const TreeListEntry& entry : **entries) taken.insert(entry.name);
        for (const TreeListEntry& entry : **entries) {
            std::string entry_path = path.empty() ? entry.name : path + "/" + entry.name;
            switch (entry.type) {
                case FileType::Directory:
                    write_subdirectory(entry, at, entry_path);
                    break;
                case FileType::Regular:
                    taken_.swap(taken);
                    write_file(entry, at, entry_path);
                    taken_.swap(taken);
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

    // Until it is known to be whole it has another name: whoever is stopped halfway leaves nothing
    // that looks like a whole file.
    void write_file(const TreeListEntry& entry, int at, const std::string& path) {
        auto content = vault_.tree().content(entry.node);
        if (!content) return damaged(path, "it has no content");
        const std::string unfinished = free_name(".unfinished");
        UniqueFd fd(openat(at, unfinished.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!fd.ok()) return damaged(path, errno_text());
        auto lost = write_content(*content, fd.get());
        const bool is_whole = lost.ok() && lost->missing.count == 0;
        const bool is_partial = lost.ok() && !is_whole && lost->missing.bytes < content->size;
        if (is_whole || is_partial) set_metadata(fd.get(), entry.node.file, 0644);
        const std::string name = is_whole ? entry.name : free_name(entry.name + ".damaged");
        if ((!is_whole && !is_partial) || !rename_new(at, unfinished, name)) {
            const std::string why = !lost.ok()               ? lost.error().message
                                    : is_whole || is_partial ? errno_text()
                                                             : lost->why.message;
            unlinkat(at, unfinished.c_str(), 0);
            if (lost.ok() && !is_whole)
                report_.partial.push_back({path, "", content->size, std::move(lost->missing)});
            return damaged(path, why);
        }
        if (is_whole) {
            ++report_.files;
            report_.bytes += content->size;
            return;
        }
        taken_.insert(name);
        const std::string written_as = path.substr(0, path.size() - entry.name.size()) + name;
        damaged(path, fmt::format("{} of its {} bytes are lost ({}): {}; the rest is in {}",
                                  lost->missing.bytes, content->size, lost->missing.text(),
                                  lost->why.message, written_as));
        report_.partial.push_back({path, written_as, content->size, std::move(lost->missing)});
    }

    struct Lost {
        MissingRanges missing;
        Error why;  // of the first range
    };
    // Writes what is intact; the rest stays zeros that take no space.
    Result<Lost> write_content(const Content& content, int fd) {
        Lost lost;
        TRY_OK(vault_.read(
            content,
            [&](std::uint64_t offset, ByteView bytes) { return write_all(fd, bytes, offset); },
            [&](const ByteRange& range, const LostPart& part) {
                if (lost.missing.count == 0) lost.why = part.why;
                lost.missing.add(range.offset, range.length);
            }));
        if (ftruncate(fd, static_cast<off_t>(content.size)) != 0)
            return Error{ErrorKind::Io, errno_text()};
        return lost;
    }

    // Not the name of anything that is, or will be, in the directory that is being written.
    std::string free_name(const std::string& wished) const {
        std::string out = shortened(wished, 0);
        for (int number = 2; taken_.contains(out); ++number) {
            const std::string ending = fmt::format(".{}", number);
            out = shortened(wished, ending.size()) + ending;
        }
        return out;
    }
    // With room for so many bytes; not cut within a character.
    static std::string shortened(const std::string& name, std::size_t room) {
        if (name.size() + room <= kNameSizeMax) return name;
        // What it ends in says what it is.
        const std::size_t dot = name.rfind('.');
        const std::string ending = name.substr(dot);
        std::size_t end = kNameSizeMax - room - ending.size();
        while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
        return name.substr(0, end) + ending;
    }
    // Replaces nothing.
    static bool rename_new(int at, const std::string& from, const std::string& to) {
        if (renameat2(at, from.c_str(), at, to.c_str(), RENAME_NOREPLACE) == 0) return true;
        if (errno != EINVAL && errno != ENOSYS) return false;
        // A file system that cannot promise it; nobody else writes here.
        if (faccessat(at, to.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            errno = EEXIST;
            return false;
        }
        return renameat(at, from.c_str(), at, to.c_str()) == 0;
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
    std::set<std::string> taken_;  // names in the directory that is being written
};

Status check_packs(OfflineVault& vault, CheckReport& report) {
    constexpr auto kPack = CheckFinding::Kind::Pack;
    TRY(auto listing, vault.packs().list());
    for (const PackInfo& info : listing.packs) {
        ++report.packs;
        const std::string name = info.id.to_hex();
        if (Status intact = vault.packs().verify(info); !intact.ok()) {
            CheckFinding* finding = report.add(kPack, name, intact.error());
            const auto length = vault.length_of(info.id);
            if (finding != nullptr && length && *length != info.length)
                finding->state = CheckFinding::State::WrongSize;
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
            if (!found.errors.empty()) return found.errors.front();
            return {};
        };
        if (Status checked = check(); !checked.ok()) report.add(kPack, name, checked.error());
    }
    for (const PackInfo& info : vault.missing_packs()) {
        CheckFinding finding;
        finding.kind = kPack;
        finding.name = info.id.to_hex();
        finding.state = CheckFinding::State::Missing;
        finding.reason = "it is not in this directory";
        finding.is_error = false;  // which files need it tells whether that is damage
        report.add(std::move(finding));
    }
    return {};
}

// Every content that any path shows: its chunks must be here.
class PathCheck {
  public:
    PathCheck(OfflineVault& vault, CheckReport& report) : vault_(vault), report_(report) {}

    void check(const FileId& directory, const std::string& path) {
        auto entries = vault_.tree().list(directory);
        if (!entries.ok()) return;
        for (const TreeListEntry& entry : **entries) {
            std::string entry_path = path.empty() ? entry.name : path + "/" + entry.name;
            if (entry.type == FileType::Directory) {
                check(entry.node.file, entry_path);
                continue;
            }
            ++report_.files;
            auto content = vault_.tree().content(entry.node);
            if (entry.type == FileType::Regular && content) check_file(entry, *content, entry_path);
        }
    }

  private:
    void check_file(const TreeListEntry& entry, const Content& content, const std::string& path) {
        MissingRanges missing;
        std::optional<Error> why;
        std::set<PackId> packs;
        Status read = vault_.read(
            content, [](std::uint64_t, ByteView) { return Status{}; },
            [&](const ByteRange& range, const LostPart& part) {
                if (!why) why = part.why;
                missing.add(range.offset, range.length);
                for (const PackId& pack : vault_.packs_of(part.object)) packs.insert(pack);
            });
        if (read.ok() && !why) return;
        AffectedVersion version{
            .path = path, .file = entry.node.file, .version = {}, .time_ms = 0, .is_shown = true};
        if (const auto shown = vault_.tree().version(entry.node)) version.version = *shown;
        version.time_ms = vault_.tree().changed(entry.node.file).wall_ms();
        CheckFinding* finding =
            report_.add(CheckFinding::Kind::File, path, why ? *why : read.error());
        if (finding != nullptr) finding->missing = std::move(missing);
        for (const PackId& pack : packs)
            if (CheckFinding* of = report_.find(CheckFinding::Kind::Pack, pack.to_hex()))
                of->affect(version);
    }

    OfflineVault& vault_;
    CheckReport& report_;
};

// Without a key: names are hashes of bytes.
Status check_names(Disk& disk, const fs::path& directory, CheckReport& report) {
    TRY(VaultHeader header, read_vault_header(disk, directory));
    TRY(auto items, disk.list(directory / kKeyDirectoryName));
    for (const DirectoryItem& item : items) {
        const auto named = parse_key_object_name(item.name);
        if (!named) continue;
        ++report.key_objects;
        auto check = [&]() -> Status {
            TRY(Bytes bytes,
                disk.read_file(directory / kKeyDirectoryName / item.name, kKeyObjectSizeMax));
            TRY(auto object, parse_key_object(bytes, header.id));
            if (object.id == *named) return {};
            return Error{ErrorKind::Corrupt, "it is not the key object that its name says"};
        };
        if (Status checked = check(); !checked.ok())
            report.add(CheckFinding::Kind::KeyObject, named->to_hex(), checked.error());
    }
    return {};
}

Status check_pack_names(Disk& disk, const fs::path& directory, CheckReport& report) {
    auto packs = PackStore::open_read_only(disk, directory);
    TRY(auto listing, packs->list());
    for (const PackInfo& info : listing.packs) {
        ++report.packs;
        if (Status intact = packs->verify(info); !intact.ok())
            report.add(CheckFinding::Kind::Pack, info.id.to_hex(), intact.error());
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
    const std::vector<std::string>& problems = vault->problems().errors;
    report.damaged.insert(report.damaged.end(), problems.begin(), problems.end());
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
        report.add(CheckFinding::Kind::Vault, "",
                   std::move(opened).error().in("the vault does not open"));
        return report;
    }
    auto& vault = *opened;
    report.segments = vault->segments();
    TRY_OK(check_packs(*vault, report));
    PathCheck(*vault, report).check(kRootFile, "");
    for (const CheckFinding& problem : vault->problems().findings) report.add(problem);
    std::sort(report.errors.begin(), report.errors.end());
    return report;
}

}  // namespace lockstep
