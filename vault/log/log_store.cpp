#include "vault/log/log_store.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::string_view kSegmentSuffix = ".seg";

}  // namespace

std::optional<LogStore::Name> LogStore::parse_name(std::string_view name) {
    if (!name.ends_with(kSegmentSuffix)) return std::nullopt;
    name.remove_suffix(kSegmentSuffix.size());
    Name out;
    if (std::size_t dot = name.find('.'); dot != std::string_view::npos) {
        auto hash = SegmentHash::parse_hex(name.substr(dot + 1));
        if (!hash.ok() || hash->to_hex() != name.substr(dot + 1)) return std::nullopt;
        out.fork = *hash;
        name = name.substr(0, dot);
    }
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), out.number);
    bool is_canonical = error == std::errc() && end == name.data() + name.size() &&
                        out.number != 0 && name.front() != '0';
    return is_canonical ? std::optional(out) : std::nullopt;
}

Result<std::unique_ptr<LogStore>> LogStore::open(Disk& disk, const fs::path& vault_directory,
                                                 std::string temporary_ending) {
    std::unique_ptr<LogStore> store(
        new LogStore(disk, vault_directory / "log", std::move(temporary_ending)));
    TRY_OK(store->list_logs());
    return store;
}

Status LogStore::list_logs() {
    auto items = disk_.list(directory_);
    if (!items.ok() && items.error().kind == ErrorKind::NotFound) return {};
    TRY(auto found, std::move(items));
    for (const DirectoryItem& item : found) {
        auto log = LogId::parse_hex(item.name);
        if (item.is_directory && log.ok() && log->to_hex() == item.name)
            TRY_OK(list_log(item.name));
    }
    return {};
}

Status LogStore::list_log(const std::string& name) {
    TRY(auto items, disk_.list(directory_ / name));
    TRY(LogId id, LogId::parse_hex(name));
    MutexLock lock(mutex_);
    Log& log = logs_[id];
    for (const DirectoryItem& item : items) {
        auto parsed = parse_name(item.name);
        if (is_leftover(item))
            TRY_OK(disk_.remove(directory_ / name / item.name));
        else if (item.is_directory || !parsed)
            continue;  // no segment
        else if (parsed->fork)
            log.forks.insert({parsed->number, *parsed->fork});
        else
            log.numbers.insert(parsed->number);
    }
    if (log.numbers.empty() && log.forks.empty()) logs_.erase(id);
    return {};
}

Status LogStore::make_names_durable() {
    const std::vector<LogId> all = logs();
    for (const LogId& log : all) TRY_OK(disk_.sync_directory(directory_of(log)));
    return all.empty() ? Status() : disk_.sync_directory(directory_);
}

// Of a write of ours that was cut off. The plain ending is not ours alone: others may be writing.
bool LogStore::is_leftover(const DirectoryItem& item) const {
    return !item.is_directory && temporary_ending_ != ".tmp" &&
           item.name.ends_with(temporary_ending_);
}

Result<LogStore::Put> LogStore::put(const SegmentRef& segment, ByteView bytes) {
    CHECK(segment.number != 0);
    MutexLock writing(write_mutex_);
    // The disk is asked, not the list: others may have put something there since.
    auto stored = read(segment);
    if (!stored.ok() && stored.error().kind != ErrorKind::NotFound &&
        stored.error().kind != ErrorKind::TooLarge)
        return std::move(stored).error();
    const bool is_free = !stored.ok() && stored.error().kind == ErrorKind::NotFound;
    if (is_free || (stored.ok() && equal(*stored, bytes))) {
        if (!is_free && has(segment)) return Put::Known;
        TRY_OK(write(path_of(segment), bytes));
        // Who made the log's directory may not have made its name durable.
        if (!is_free) TRY_OK(disk_.sync_directory(directory_));
        MutexLock lock(mutex_);
        logs_[segment.log].numbers.insert(segment.number);
        return Put::Stored;
    }
    SegmentHash hash = segment_hash(bytes);
    {
        MutexLock lock(mutex_);
        if (logs_[segment.log].forks.count({segment.number, hash}) != 0) return Put::Known;
    }
    TRY_OK(write(fork_path(segment, hash), bytes));
    MutexLock lock(mutex_);
    logs_[segment.log].forks.insert({segment.number, hash});
    return Put::Forked;
}

Status LogStore::repair(const LogId& log, const Name& name, ByteView bytes) {
    MutexLock writing(write_mutex_);
    TRY_OK(write(path_of(log, name), bytes));
    MutexLock lock(mutex_);
    if (!name.fork) logs_[log].numbers.insert(name.number);
    return {};
}

Status LogStore::write(const fs::path& path, ByteView bytes) {
    TRY_OK(disk_.make_directories(path.parent_path()));
    return disk_.keep_file_durably(path, bytes, temporary_ending_);
}

Result<Bytes> LogStore::read(const SegmentRef& segment) const {
    return disk_.read_file(path_of(segment), kSegmentSizeMax);
}

Result<Bytes> LogStore::read(const LogId& log, const Name& name) const {
    return disk_.read_file(path_of(log, name), kSegmentSizeMax);
}

LogStore::Name LogStore::name_of(const SegmentRef& segment, const SegmentHash& hash) const {
    MutexLock lock(mutex_);
    auto log = logs_.find(segment.log);
    const bool is_fork = log != logs_.end() && log->second.forks.contains({segment.number, hash});
    return {segment.number, is_fork ? std::optional(hash) : std::nullopt};
}

bool LogStore::has(const SegmentRef& segment) const {
    MutexLock lock(mutex_);
    auto log = logs_.find(segment.log);
    return log != logs_.end() && log->second.numbers.count(segment.number) != 0;
}

std::vector<LogId> LogStore::logs() const {
    MutexLock lock(mutex_);
    std::vector<LogId> out;
    for (const auto& [id, log] : logs_) out.push_back(id);
    return out;
}

std::vector<LogStore::Name> LogStore::names(const LogId& log) const {
    std::vector<Name> out;
    MutexLock lock(mutex_);
    auto it = logs_.find(log);
    if (it == logs_.end()) return out;
    for (std::uint64_t number : it->second.numbers) out.push_back({number, std::nullopt});
    for (const auto& [number, hash] : it->second.forks) out.push_back({number, hash});
    std::sort(out.begin(), out.end());
    return out;
}

std::uint64_t LogStore::segment_count() const {
    MutexLock lock(mutex_);
    std::uint64_t count = 0;
    for (const auto& [id, log] : logs_) count += log.numbers.size() + log.forks.size();
    return count;
}

fs::path LogStore::directory_of(const LogId& log) const {
    return directory_ / log.to_hex();
}

fs::path LogStore::path_of(const SegmentRef& segment) const {
    return directory_of(segment.log) / (std::to_string(segment.number) + ".seg");
}

fs::path LogStore::path_of(const LogId& log, const Name& name) const {
    const SegmentRef segment{log, name.number};
    return name.fork ? fork_path(segment, *name.fork) : path_of(segment);
}

fs::path LogStore::fork_path(const SegmentRef& segment, const SegmentHash& hash) const {
    return directory_of(segment.log) /
           (std::to_string(segment.number) + "." + hash.to_hex() + ".seg");
}

}  // namespace lockstep
