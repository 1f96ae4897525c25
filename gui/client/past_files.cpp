#include "gui/client/past_files.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "gui/models/past_model.h"

namespace lockstep::gui {

namespace {

namespace fs = std::filesystem;

Error file_error(const fs::path& path) {
    return Error{errno == EEXIST ? ErrorKind::Exists : ErrorKind::Io,
                 path.native() + ": " + std::strerror(errno)};
}

bool is_plain_name(const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
           name.find('\0') == std::string::npos;
}

// One walk, with what stays the same in it.
struct PastSaver {
    api::DaemonClient& client;
    const std::string& vault;
    const api::DaemonClient::Moment& moment;
    Saved saved{};

    Status file(const std::string& path, const fs::path& target) {
        const UniqueFd out(
            ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!out.ok()) return file_error(target);
        Status done = client.download(
            vault, path,
            [&](ByteView block, std::uint64_t) -> Status {
                while (!block.empty()) {
                    const ssize_t written = ::write(out.get(), block.data(), block.size());
                    if (written < 0) return file_error(target);
                    block = block.subspan(static_cast<std::size_t>(written));
                }
                return {};
            },
            moment);
        if (done.ok() && ::fsync(out.get()) != 0) done = file_error(target);
        if (!done.ok()) {
            ::unlink(target.c_str());
            return done;
        }
        ++saved.files;
        return {};
    }

    Status folder(const std::string& path, const fs::path& target, int depth) {
        constexpr int kDepthMax = 1000;
        if (depth > kDepthMax) return Error{ErrorKind::TooLarge, "the folders are too deep"};
        TRY(api::EntryList list, client.list(vault, path, moment));
        if (::mkdir(target.c_str(), 0700) != 0) return file_error(target);
        ++saved.folders;
        for (const api::EntryInfo& entry : list.entries) {
            const std::string name = name_bytes(entry.name, entry.name_hex);
            if (!is_plain_name(name)) return Error{ErrorKind::Invalid, "a name that is none"};
            const std::string below = joined_path(path, name);
            if (entry.type == "directory")
                TRY_OK(folder(below, target / name, depth + 1));
            else if (entry.type == "file")
                TRY_OK(file(below, target / name));
            else
                ++saved.left_out;
        }
        return {};
    }
};

}  // namespace

Result<Preview> preview_of(api::DaemonClient& client, const std::string& vault,
                           const std::string& path, const api::DaemonClient::Moment& moment) {
    Preview preview;
    // An error of its own ends the download when there is enough.
    bool is_enough = false;
    const Status done = client.download(
        vault, path,
        [&](ByteView block, std::uint64_t total) -> Status {
            preview.size = total;
            const std::size_t room = kPreviewSizeMax - preview.bytes.size();
            const ByteView taken = block.first(std::min(room, block.size()));
            preview.bytes.insert(preview.bytes.end(), taken.begin(), taken.end());
            is_enough = preview.bytes.size() == kPreviewSizeMax;
            if (is_enough) return Error{ErrorKind::Cancelled, "enough"};
            return {};
        },
        moment);
    if (!done.ok() && !is_enough) return done.error();
    return preview;
}

Result<Saved> save_past(api::DaemonClient& client, const std::string& vault,
                        const std::string& path, bool is_folder,
                        const api::DaemonClient::Moment& moment,
                        const std::filesystem::path& folder) {
    const std::string name = path.empty() ? vault : path.substr(path.rfind('/') + 1);
    if (!is_plain_name(name)) return Error{ErrorKind::Invalid, "a name that is none"};
    PastSaver saver{client, vault, moment};
    TRY_OK(is_folder ? saver.folder(path, folder / name, 0) : saver.file(path, folder / name));
    return saver.saved;
}

}  // namespace lockstep::gui
