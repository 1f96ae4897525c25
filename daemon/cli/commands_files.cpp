#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "daemon/api/config.h"
#include "daemon/api/json_codec.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/moment.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"

namespace lockstep::cli {

namespace {

Error errno_error(const std::string& what) {
    return {errno == ENOENT ? ErrorKind::NotFound : ErrorKind::Io,
            fmt::format("{}: {}", what, std::strerror(errno))};
}

std::string last_name(const std::string& path) {
    return std::filesystem::path(path).lexically_normal().filename().native();
}

std::string entry_line(const api::EntryInfo& entry) {
    const char letter = entry.type == "directory" ? 'd'
                        : entry.type == "symlink" ? 'l'
                        : entry.type == "fifo"    ? 'p'
                        : entry.type == "socket"  ? 's'
                                                  : '-';
    return fmt::format("{}{} {:>12} {} {}{}", letter, mode_text(entry.mode), entry.size,
                       time_text(entry.modified_ns / 1'000'000), printable(entry.name),
                       entry.target.empty() ? "" : " -> " + printable(entry.target));
}

Status write_all(int fd, ByteView data, const std::string& path) {
    while (!data.empty()) {
        const ssize_t size = ::write(fd, data.data(), data.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return errno_error(path);
        data = data.subspan(static_cast<std::size_t>(size));
    }
    return {};
}

// A file of this machine that appears under its name only when it is whole.
class NewFile {
  public:
    static Result<NewFile> create(std::string path) {
        NewFile file;
        file.path_ = std::move(path);
        file.temporary_ = file.path_ + ".lockstep-get-XXXXXX";
        file.fd_ = UniqueFd(::mkostemp(file.temporary_.data(), O_CLOEXEC));
        if (!file.fd_.ok()) return errno_error(file.path_);
        return file;
    }
    NewFile(NewFile&& other) noexcept
        : path_(std::move(other.path_)),
          temporary_(std::exchange(other.temporary_, {})),
          fd_(std::move(other.fd_)) {}
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile() {
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
    }

    Status write(ByteView data) { return write_all(fd_.get(), data, path_); }
    Status finish(const api::EntryInfo& like) {
        const timespec time{static_cast<time_t>(like.modified_ns / 1'000'000'000),
                            static_cast<long>(like.modified_ns % 1'000'000'000)};
        const timespec times[] = {{0, UTIME_OMIT}, time};
        const bool has_time = like.modified_ns >= 0;
        if (::fchmod(fd_.get(), like.mode & 0777) != 0 ||
            (has_time && ::futimens(fd_.get(), times) != 0) || ::fsync(fd_.get()) != 0 ||
            ::rename(temporary_.c_str(), path_.c_str()) != 0) {
            return errno_error(path_);
        }
        temporary_.clear();
        return {};
    }

  private:
    NewFile() = default;
    std::string path_, temporary_;
    UniqueFd fd_;
};

using Moment = api::DaemonClient::Moment;

Result<Moment> moment_of(Session& session, const std::string& vault) {
    Moment moment;
    if (!session.arguments.at.empty()) {
        TRY(moment.at_ms, find_moment(session, vault, session.arguments.at));
    }
    return moment;
}

Status get(Session& session, const VaultPath& from, const std::string& to) {
    TRY(const Moment moment, moment_of(session, from.vault));
    Progress progress("getting " + printable(last_name(from.path)));
    std::uint64_t done = 0;
    auto count = [&](ByteView block, std::uint64_t total) {
        done += block.size();
        progress.set_bytes(done, total);
    };
    if (to == "-") {
        return session.daemon.download(
            from.vault, from.path,
            [&](ByteView block, std::uint64_t total) {
                count(block, total);
                return write_all(STDOUT_FILENO, block, "standard output");
            },
            moment);
    }
    TRY(api::EntryList entry, session.daemon.list(from.vault, from.path, moment));
    std::error_code failure;
    const std::string target = std::filesystem::is_directory(to, failure)
                                   ? (std::filesystem::path(to) / last_name(from.path)).native()
                                   : to;
    if (entry.self.type == "directory") {
        return Error{ErrorKind::IsDirectory, "it is a directory; get takes single files"};
    }
    if (entry.self.type == "symlink") {
        ::unlink(target.c_str());
        if (::symlink(entry.self.target.c_str(), target.c_str()) != 0) return errno_error(target);
        return {};
    }
    TRY(NewFile file, NewFile::create(target));
    TRY_OK(session.daemon.download(
        from.vault, from.path,
        [&](ByteView block, std::uint64_t total) {
            count(block, total);
            return file.write(block);
        },
        moment));
    return file.finish(entry.self);
}

std::string exact_name(const api::EntryInfo& entry) {
    if (entry.name_hex.empty()) return entry.name;
    const Result<Bytes> raw = from_hex(entry.name_hex);
    return raw.ok() ? std::string(as_text(*raw)) : entry.name;
}

Status download_entry(Session& session, const VaultPath& from, const Moment& moment,
                      const api::EntryInfo& entry, const std::string& to, std::uint64_t& files) {
    if (entry.type == "directory") {
        if (::mkdir(to.c_str(), 0700) != 0) return errno_error(to);
        TRY(api::EntryList list, session.daemon.list(from.vault, from.path, moment));
        for (const api::EntryInfo& below : list.entries) {
            const std::string name = exact_name(below);
            // Never a way out of the folder, whatever the daemon says.
            if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
                return Error{ErrorKind::Corrupt, "an entry's name is none"};
            TRY_OK(download_entry(session,
                                  {from.vault, from.path.empty() ? name : from.path + "/" + name},
                                  moment, below, to + "/" + name, files));
        }
        if (::chmod(to.c_str(), list.self.mode & 0777) != 0) return errno_error(to);
        return {};
    }
    if (entry.type == "symlink")
        return ::symlink(entry.target.c_str(), to.c_str()) == 0 ? Status() : errno_error(to);
    if (entry.type != "file") return {};  // FIFOs and sockets hold nothing
    struct stat found {};
    if (::lstat(to.c_str(), &found) == 0) return Error{ErrorKind::Exists, to + " is there already"};
    TRY(NewFile file, NewFile::create(to));
    TRY_OK(session.daemon.download(
        from.vault, from.path, [&](ByteView block, std::uint64_t) { return file.write(block); },
        moment));
    ++files;
    return file.finish(entry);
}

// Where in the vault the file goes: a directory there takes it under its own name.
Result<std::string> put_path(Session& session, const std::string& from, const VaultPath& to) {
    const bool names_directory = to.path.empty() || to.path.ends_with('/');
    Result<api::EntryList> there = session.daemon.list(to.vault, to.path);
    const bool is_directory = there.ok() && there->self.type == "directory";
    if (!there.ok() && (there.error().kind != ErrorKind::NotFound || names_directory)) {
        return std::move(there).error();
    }
    if (!is_directory) return to.path;
    if (from == "-") return Error{ErrorKind::IsDirectory, "it is a directory; name the file too"};
    return to.path + (names_directory ? "" : "/") + last_name(from);
}

Status put(Session& session, const std::string& from, const VaultPath& to) {
    UniqueFd opened;
    int fd = STDIN_FILENO;
    api::BeginUpload request;
    std::uint64_t total = 0;
    if (from != "-") {
        opened = UniqueFd(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat found {};
        if (!opened.ok() || ::fstat(opened.get(), &found) != 0) return errno_error(from);
        if (!S_ISREG(found.st_mode)) {
            return Error{ErrorKind::Invalid, from + " is no regular file; put takes single files"};
        }
        fd = opened.get();
        request.mode = found.st_mode & 0777U;
        request.modified_ns =
            std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec;
        total = static_cast<std::uint64_t>(found.st_size);
    }
    TRY(std::string path, put_path(session, from, to));
    if (api::is_utf8(path)) {
        request.path = path;
    } else {
        request.path_hex = hex(as_bytes(path));
    }
    Progress progress("putting " + printable(last_name(path)));
    std::uint64_t done = 0;
    return session.daemon.upload(to.vault, request, [&]() -> Result<Bytes> {
        Bytes block(api::kContentBlockSize);
        std::size_t filled = 0;
        while (filled < block.size()) {
            const ssize_t size = ::read(fd, block.data() + filled, block.size() - filled);
            if (size < 0 && errno == EINTR) continue;
            if (size < 0) return errno_error(from);
            if (size == 0) break;
            filled += static_cast<std::size_t>(size);
        }
        block.resize(filled);
        done += filled;
        progress.set_bytes(done, total);
        return block;
    });
}

ExitCode finish(Session& session, const Status& status) {
    if (!status.ok()) return session.fail(status.error());
    if (session.arguments.is_json && session.arguments.value != "-") print_line("{}");
    return ExitCode::Ok;
}

}  // namespace

Result<std::uint64_t> download_tree(Session& session, const VaultPath& from, const Moment& moment,
                                    const std::string& to) {
    std::uint64_t files = 0;
    TRY(const api::EntryList list, session.daemon.list(from.vault, from.path, moment));
    TRY_OK(download_entry(session, from, moment, list.self, absolute_path(to), files));
    return files;
}

ExitCode list_files(Session& session) {
    const std::string& given = session.arguments.target;
    const std::string text = given.find(':') == std::string::npos ? given + ":" : given;
    Result<VaultPath> path = parse_vault_path(text);
    if (!path.ok()) return session.fail(path.error());
    Result<Moment> moment = moment_of(session, path->vault);
    if (!moment.ok()) return session.fail(moment.error());
    Result<api::EntryList> list = session.daemon.list(path->vault, path->path, *moment);
    if (!list.ok()) return session.fail(list.error());
    if (session.arguments.is_json) {
        print_line(api::encode(*list));
        return ExitCode::Ok;
    }
    if (list->self.type != "directory") print_line(entry_line(list->self));
    for (const api::EntryInfo& entry : list->entries) print_line(entry_line(entry));
    return ExitCode::Ok;
}

ExitCode get_file(Session& session) {
    Result<VaultPath> from = parse_vault_path(session.arguments.target);
    if (!from.ok()) return session.fail(from.error());
    const std::string to = session.arguments.value.empty() ? "." : session.arguments.value;
    return finish(session, get(session, *from, to));
}

ExitCode put_file(Session& session) {
    std::string path = session.arguments.target, from = session.arguments.value;
    // `put FILE V:PATH`, as cp has it, is understood as well.
    struct stat found {};
    const bool is_other_way =
        from.find(':') != std::string::npos &&
        (path == "-" || ::stat(path.c_str(), &found) == 0 ||
         (path.find(':') == std::string::npos && ::stat(from.c_str(), &found) != 0));
    if (is_other_way) std::swap(path, from);
    Result<VaultPath> to = parse_vault_path(path);
    if (!to.ok()) return session.fail(to.error());
    return finish(session, put(session, from, *to));
}

}  // namespace lockstep::cli
