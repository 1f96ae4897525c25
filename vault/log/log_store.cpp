#include "vault/log/log_store.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::string_view kSegmentSuffix = ".seg";

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t out = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    bool is_canonical =
        error == std::errc() && end == text.data() + text.size() && out != 0 && text.front() != '0';
    return is_canonical ? std::optional(out) : std::nullopt;
}

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
    if (std::size_t dash = name.find('-'); dash != std::string_view::npos) {
        auto first = parse_number(name.substr(0, dash));
        if (!first) return std::nullopt;
        out.first = *first;
        name = name.substr(dash + 1);
    }
    auto number = parse_number(name);
    if (!number || out.first >= *number) return std::nullopt;
    out.number = *number;
    return out;
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
        else if (!item.is_directory && parsed)
            log.names.insert(*parsed);
    }
    if (log.names.empty()) logs_.erase(id);
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
    return put(segment.log, {segment.number}, bytes);
}

Result<LogStore::Put> LogStore::put(const LogId& log, const Name& name, ByteView bytes) {
    CHECK(name.number != 0 && !name.fork);
    MutexLock writing(write_mutex_);
    const auto is_listed = [&](const Name& one) {
        MutexLock lock(mutex_);
        auto at = logs_.find(log);
        return at != logs_.end() && at->second.names.contains(one);
    };
    // The disk is asked, not the list: others may have put something there since.
    auto stored = read(log, name);
    if (!stored.ok() && stored.error().kind != ErrorKind::NotFound &&
        stored.error().kind != ErrorKind::TooLarge)
        return std::move(stored).error();
    const bool is_free = !stored.ok() && stored.error().kind == ErrorKind::NotFound;
    if (is_free || (stored.ok() && equal(*stored, bytes))) {
        if (!is_free && is_listed(name)) return Put::Known;
        TRY_OK(write(path_of(log, name), bytes));
        // Who made the log's directory may not have made its name durable.
        if (!is_free) TRY_OK(disk_.sync_directory(directory_));
        MutexLock lock(mutex_);
        logs_[log].names.insert(name);
        return Put::Stored;
    }
    Name fork = name;
    fork.fork = segment_hash(bytes);
    if (is_listed(fork)) return Put::Known;
    TRY_OK(write(path_of(log, fork), bytes));
    MutexLock lock(mutex_);
    logs_[log].names.insert(fork);
    return Put::Forked;
}

Status LogStore::repair(const LogId& log, const Name& name, ByteView bytes) {
    MutexLock writing(write_mutex_);
    TRY_OK(write(path_of(log, name), bytes));
    MutexLock lock(mutex_);
    logs_[log].names.insert(name);
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

// A fork's second one, then what stands for it (whatever stands beside that may be removed), then
// the one that has the number's name: it may be the fork's first.
std::vector<LogStore::Name> LogStore::names_of(const SegmentRef& segment,
                                               const SegmentHash& hash) const {
    std::vector<Name> out;
    MutexLock lock(mutex_);
    auto log = logs_.find(segment.log);
    if (log == logs_.end()) return out;
    if (const Name fork{segment.number, hash}; log->second.names.contains(fork))
        out.push_back(fork);
    for (const auto& [name, hashes] : log->second.contents)
        if (name.holds(segment.number) && hashes[segment.number - name.first] == hash)
            out.push_back(name);
    if (const Name own{segment.number}; log->second.names.contains(own)) out.push_back(own);
    return out;
}

void LogStore::note_contents(const LogId& log, const Name& name, std::vector<SegmentHash> hashes) {
    CHECK(name.is_compacted() && hashes.size() == name.number - name.first + 1);
    MutexLock lock(mutex_);
    logs_[log].names.insert(name);
    logs_[log].contents[name] = std::move(hashes);
}

std::vector<SegmentHash> LogStore::contents_of(const LogId& log, const Name& name) const {
    MutexLock lock(mutex_);
    auto at = logs_.find(log);
    if (at == logs_.end()) return {};
    auto known = at->second.contents.find(name);
    return known == at->second.contents.end() ? std::vector<SegmentHash>{} : known->second;
}

Status LogStore::remove(const LogId& log, const Name& name) {
    Status removed = disk_.remove(path_of(log, name));
    if (!removed.ok() && removed.error().kind != ErrorKind::NotFound) return removed;
    forget(log, name);
    return {};
}

void LogStore::forget(const LogId& log, const Name& name) {
    MutexLock lock(mutex_);
    auto at = logs_.find(log);
    if (at == logs_.end()) return;
    at->second.names.erase(name);
    at->second.contents.erase(name);
}

std::vector<LogStore::File> LogStore::files(const LogId& log) const {
    std::vector<File> out;
    auto items = disk_.list(directory_of(log));
    for (const DirectoryItem& item : items.ok() ? *items : std::vector<DirectoryItem>{})
        if (auto name = parse_name(item.name); name && !item.is_directory)
            out.push_back({*name, item.size});
    std::sort(out.begin(), out.end(), [](const File& a, const File& b) { return a.name < b.name; });
    return out;
}

bool LogStore::has(const SegmentRef& segment) const {
    MutexLock lock(mutex_);
    auto log = logs_.find(segment.log);
    return log != logs_.end() && log->second.names.contains({segment.number});
}

std::vector<LogId> LogStore::logs() const {
    MutexLock lock(mutex_);
    std::vector<LogId> out;
    for (const auto& [id, log] : logs_) out.push_back(id);
    return out;
}

std::vector<LogStore::Name> LogStore::names(const LogId& log) const {
    MutexLock lock(mutex_);
    auto it = logs_.find(log);
    if (it == logs_.end()) return {};
    return {it->second.names.begin(), it->second.names.end()};
}

std::uint64_t LogStore::segment_count() const {
    MutexLock lock(mutex_);
    std::uint64_t count = 0;
    for (const auto& [id, log] : logs_) count += log.names.size();
    return count;
}

fs::path LogStore::directory_of(const LogId& log) const {
    return directory_ / log.to_hex();
}

fs::path LogStore::path_of(const SegmentRef& segment) const {
    return path_of(segment.log, {segment.number});
}

fs::path LogStore::path_of(const LogId& log, const Name& name) const {
    std::string file = std::to_string(name.number);
    if (name.is_compacted()) file = std::to_string(name.first) + "-" + file;
    if (name.fork) file += "." + name.fork->to_hex();
    return directory_of(log) / (file + std::string(kSegmentSuffix));
}

}  // namespace lockstep
