#include "sync/mirror/step_log.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/bytes.h"

namespace lockstep {
namespace {

constexpr std::string_view kLineEnd = " .\n";
constexpr int kCancelled = -1;  // in place of a type
constexpr int kOpenFlags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;

Error system_error(std::string_view doing) {
    return {errno == ENOSPC || errno == EDQUOT ? ErrorKind::NoSpace : ErrorKind::Io,
            fmt::format("steps of the mirror: {}: {}", doing, std::strerror(errno))};
}

std::string line_of(const std::string& path, const MirrorStep& step, int type) {
    const FileFacts& facts = step.folder;
    return fmt::format("{} {} {} {} {} {} {} {} {} {} {}{}", type, facts.size, facts.modified_ns,
                       facts.born_ns, facts.inode, facts.mode, step.grown_from,
                       step.is_export ? 1 : 0, step.version.to_hex(), path.size(),
                       hex(as_bytes(path)), kLineEnd);
}

struct Line {
    std::string path;
    std::optional<MirrorStep> step;  // nullopt: it was cancelled
};

std::optional<Line> read_line(const std::string& line) {
    std::istringstream in(line);
    int type = 0, is_export = 0;
    MirrorStep step;
    std::string version, path, end;
    std::size_t path_size = 0;
    in >> type >> step.folder.size >> step.folder.modified_ns >> step.folder.born_ns >>
        step.folder.inode >> step.folder.mode >> step.grown_from >> is_export >> version >>
        path_size >> path >> end;
    const auto version_bytes = from_hex(version), path_bytes = from_hex(path);
    const bool is_whole = !in.fail() && end == "." && version_bytes.ok() && path_bytes.ok() &&
                          version_bytes->size() == VersionId::kSize &&
                          path_bytes->size() == path_size;
    if (!is_whole) return std::nullopt;
    Line out{std::string(as_text(*path_bytes)), std::nullopt};
    if (type == kCancelled) return out;
    step.type = step.folder.type = static_cast<FileType>(type);
    step.version = VersionId::from(*version_bytes);
    step.is_export = is_export != 0;
    out.step = step;
    return out;
}

}  // namespace

Result<std::unique_ptr<StepLog>> StepLog::open(const std::filesystem::path& file) {
    std::unique_ptr<StepLog> log(new StepLog(file));
    log->file_ = UniqueFd(::open(file.c_str(), kOpenFlags, 0600));
    if (!log->file_.ok()) return system_error("open");
    std::string text;
    char buffer[64 * 1024];
    for (ssize_t got = 1; got > 0;) {
        got = ::read(log->file_.get(), buffer, sizeof(buffer));
        if (got < 0) return system_error("read");
        text.append(buffer, static_cast<std::size_t>(got));
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (auto read = read_line(line)) {
            std::vector<MirrorStep>& steps = log->left_[read->path];
            if (read->step)
                steps.push_back(*read->step);
            else if (!steps.empty())
                steps.pop_back();
        }
    std::erase_if(log->left_, [](const auto& each) { return each.second.empty(); });
    log->has_notes_ = !text.empty();
    return log;
}

Status StepLog::note(const std::string& path, const MirrorStep& step) {
    return append(line_of(path, step, static_cast<int>(step.type)));
}

Status StepLog::note_durably(const std::string& path, const MirrorStep& step) {
    TRY_OK(note(path, step));
    if (::fdatasync(file_.get()) != 0) return system_error("fdatasync");
    return {};
}

Status StepLog::cancel(const std::string& path) {
    return append(line_of(path, {}, kCancelled));
}

Status StepLog::append(const std::string& line) {
    has_notes_ = true;
    if (::write(file_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        return system_error("write");
    return {};
}

Status StepLog::clear() {
    if (!has_notes_) return {};
    if (!left_.empty()) return keep_what_is_left();
    if (::ftruncate(file_.get(), 0) != 0) return system_error("truncate");
    has_notes_ = false;
    return {};
}

// In a new file, which takes the place of the old one at once.
Status StepLog::keep_what_is_left() {
    const std::string beside = path_.string() + ".new";
    UniqueFd file(::open(beside.c_str(), kOpenFlags | O_TRUNC, 0600));
    if (!file.ok()) return system_error("open");
    std::string lines;
    for (const auto& [path, steps] : left_)
        for (const MirrorStep& step : steps)
            lines += line_of(path, step, static_cast<int>(step.type));
    if (::write(file.get(), lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()))
        return system_error("write");
    if (::rename(beside.c_str(), path_.c_str()) != 0) return system_error("rename");
    file_ = std::move(file);
    return {};
}

const std::string* StepLog::left_for(const FileFacts& file) const {
    for (const auto& [path, steps] : left_)
        for (const MirrorStep& step : steps)
            if (step.grown_from == 0 && step.folder.has_content_of(file)) return &path;
    return nullptr;
}

void StepLog::forget(const std::string& path, const FileFacts& file) {
    const auto found = left_.find(path);
    if (found == left_.end()) return;
    std::erase_if(found->second,
                  [&](const MirrorStep& step) { return step.folder.has_content_of(file); });
    if (found->second.empty()) left_.erase(found);
}

const std::vector<MirrorStep>* StepLog::left(const std::string& path) const {
    const auto found = left_.find(path);
    return found == left_.end() ? nullptr : &found->second;
}

}  // namespace lockstep
