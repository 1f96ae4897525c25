#include "vault/core/directory_arrivals.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lockstep {

namespace {

constexpr std::size_t kNotesMax = 20;
constexpr std::string_view kTemporaryEnding = ".tmp";
constexpr const char* kGap = "an earlier segment is missing";
constexpr const char* kUnnamed = "no segment names it yet";
// Of a kind. Somebody may fill the directory with whatever he likes; more is seen when some go.
constexpr std::size_t kLeftAloneMax = 10'000;

// What a path in the vault directory is, judged by its name alone.
struct Name {
    enum class Kind { Foreign, Ignored, Directory, KeyObject, Segment, Compacted, Fork, Pack };
    Kind kind = Kind::Foreign;
    KeyObjectId key{};
    SegmentRef segment{};
    LogStore::Name file{};  // of a segment
    PackId pack{};
};

std::vector<std::string> parts_of(const fs::path& path) {
    std::vector<std::string> out;
    for (const fs::path& part : path)
        if (!part.empty() && part != ".") out.push_back(part.string());
    return out;
}

bool is_pack_folder(const std::string& name) {
    return name.size() == 2 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_log_folder(const std::string& name) {
    auto log = LogId::parse_hex(name);
    return log.ok() && log->to_hex() == name;
}

Name name_of(const fs::path& path) {
    using Kind = Name::Kind;
    const std::vector<std::string> parts = parts_of(path);
    Name out;
    if (parts.empty()) return {.kind = Kind::Directory};
    const std::string& last = parts.back();
    // What somebody is writing just now.
    if (last.ends_with(kTemporaryEnding)) return {.kind = Kind::Ignored};
    if (parts.front() == "incoming") return {.kind = Kind::Ignored};
    if (parts.size() == 1) {
        if (last == kVaultHeaderName) return {.kind = Kind::Ignored};
        if (last == "keys" || last == "log" || last == "packs") return {.kind = Kind::Directory};
    }
    if (parts.front() == "keys" && parts.size() == 2) {
        auto id = parse_key_object_name(last);
        if (id) return {.kind = Kind::KeyObject, .key = *id};
    }
    if (parts.front() == "log" && parts.size() >= 2 && is_log_folder(parts[1])) {
        if (parts.size() == 2) return {.kind = Kind::Directory};
        if (parts.size() == 3) {
            auto segment = LogStore::parse_name(last);
            if (segment)
                return {.kind = segment->is_compacted() ? Kind::Compacted
                                : segment->fork         ? Kind::Fork
                                                        : Kind::Segment,
                        .segment = {*LogId::parse_hex(parts[1]), segment->number},
                        .file = *segment};
        }
    }
    if (parts.front() == "packs" && parts.size() >= 2 && is_pack_folder(parts[1])) {
        if (parts.size() == 2) return {.kind = Kind::Directory};
        if (parts.size() == 3) {
            auto id = PackStore::parse_name(parts[1], last);
            if (id) return {.kind = Kind::Pack, .pack = *id};
        }
    }
    return out;
}

bool is_below(const fs::path& path, const fs::path& directory) {
    auto [in_directory, in_path] =
        std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return in_directory == directory.end();
}

// Why something is left alone until it changes, or until what it lacks has come.
std::string reason_of(const Error& error) {
    switch (error.kind) {
        case ErrorKind::Corrupt:
        case ErrorKind::TooLarge:
            return "unfinished or damaged";
        default:
            return error.message;
    }
}

}  // namespace

bool DirectoryArrivals::is_ours(const fs::path& directory) {
    return name_of(directory).kind == Name::Kind::Directory;
}

void DirectoryArrivals::look_at(const std::vector<fs::path>& paths) {
    MutexLock lock(mutex_);
    for (const fs::path& path : paths) look(path, Look::Changed);
    look_again();
    note_what_is_left();
}

void DirectoryArrivals::look(const fs::path& path, Look how) {
    const Name name = name_of(path);
    if (name.kind == Name::Kind::Ignored) return;
    if (how == Look::Changed && !disk_.exists(replica_.directory() / path)) {
        forget_below(path);
        if (name.kind == Name::Kind::Directory) notice_what_has_gone({}, path);
        if (name.kind == Name::Kind::Foreign || name.kind == Name::Kind::Directory) return;
    }
    switch (name.kind) {
        case Name::Kind::Ignored:
            return;
        case Name::Kind::Foreign:
            if (foreign_.size() < kLeftAloneMax)
                foreign_[path] = "no object of the vault; it is left alone";
            return;
        case Name::Kind::Directory:
            return look_into(path);
        case Name::Kind::KeyObject:
            return look_at_key_object(path, name.key);
        case Name::Kind::Segment:
            return look_at_segment(path, name.segment, how);
        case Name::Kind::Fork:
            return look_at_fork(path, name.segment, *name.file.fork);
        case Name::Kind::Compacted:
            return look_at_compacted(path, name.segment.log, name.file, how);
        case Name::Kind::Pack:
            return look_at_pack(path, name.pack, how);
    }
}

void DirectoryArrivals::look_into(const fs::path& directory) {
    auto items = disk_.list(replica_.directory() / directory);
    if (!items.ok()) return;
    for (const DirectoryItem& item : *items) look(directory / item.name, Look::Listed);
}

Status DirectoryArrivals::look_at_everything() {
    MutexLock lock(mutex_);
    // What can be told from a list is told anew.
    foreign_.clear();
    std::set<fs::path> listed;
    std::vector<fs::path> directories = {fs::path()};
    while (!directories.empty()) {
        const fs::path directory = std::move(directories.back());
        directories.pop_back();
        auto items = disk_.list(replica_.directory() / directory);
        if (!items.ok() && items.error().kind == ErrorKind::NotFound && !directory.empty())
            continue;
        if (!items.ok()) return std::move(items).error().in("the vault directory");
        for (const DirectoryItem& item : *items) {
            const fs::path path = directory / item.name;
            if (item.is_directory && is_ours(path)) {
                directories.push_back(path);
                continue;
            }
            listed.insert(path);
            look(path, Look::Listed);
        }
    }
    notice_what_has_gone(listed, {});
    look_again();
    note_what_is_left();
    return {};
}

// ---- objects

void DirectoryArrivals::look_at_key_object(const fs::path& path, const KeyObjectId& id) {
    waiting_keys_.erase(path);
    if (replica_.has_key_object(id)) return;
    auto bytes = disk_.read_file(replica_.directory() / path, kKeyObjectSizeMax);
    if (!bytes.ok() && bytes.error().kind == ErrorKind::NotFound) return;
    if (bytes.ok() && key_object_id(*bytes) != id)
        bytes = Error{ErrorKind::Corrupt, "its bytes are not what its name says"};
    Result<Added> added = bytes.ok() ? replica_.add_key_object(*bytes) : bytes.error();
    if (added.ok())
        has_taken_ = true;
    else if (waiting_keys_.size() < kLeftAloneMax)
        waiting_keys_[path] = reason_of(added.error());
}

// The second segment of a number. One that lacks what it follows is taken at the next look.
void DirectoryArrivals::look_at_fork(const fs::path& path, const SegmentRef& ref,
                                     const SegmentHash& hash) {
    if (replica_.has_segment(ref, hash)) return;
    auto bytes = disk_.read_file(replica_.directory() / path, kSegmentSizeMax);
    if (!bytes.ok()) return;
    auto added = replica_.add_segment(*bytes);
    if (added.ok() && *added == Added::Stored) has_taken_ = true;
}

void DirectoryArrivals::look_at_segment(const fs::path& path, const SegmentRef& ref, Look how) {
    if (ref.number <= replica_.greatest_number_of(ref.log)) {
        if (how == Look::Changed) replica_.recheck_segment(ref);
        return;
    }
    if (!disk_.exists(replica_.directory() / path)) return;
    if (waiting_segments_.size() < kLeftAloneMax) waiting_segments_[ref] = {path, ref.number, kGap};
    if (ref.number == replica_.greatest_number_of(ref.log) + 1) take_log(ref.log);
}

// Also when all that it stands for is here: the files that hold that may be removed for it.
void DirectoryArrivals::look_at_compacted(const fs::path& path, const LogId& log,
                                          const LogStore::Name& name, Look how) {
    const SegmentRef last{log, name.number};
    waiting_segments_.erase(last);
    if (replica_.knows_compacted(log, name)) {
        if (how == Look::Changed) replica_.recheck_compacted(log, name);
        return;
    }
    if (!disk_.exists(replica_.directory() / path)) return;
    auto added = replica_.take_compacted(log, name);
    if (added.ok() && *added == Added::Stored) has_taken_ = true;
    const bool waits = !added.ok() || *added == Added::Gap || *added == Added::Apart;
    if (!waits || waiting_segments_.size() >= kLeftAloneMax) return;
    waiting_segments_[last] = {path, name.from(), added.ok() ? kGap : reason_of(added.error())};
}

void DirectoryArrivals::take_log(const LogId& log) {
    const std::uint64_t before = replica_.greatest_number_of(log);
    const std::optional<Error> stopped = replica_.take_segments(log);
    const std::uint64_t number = replica_.greatest_number_of(log);
    if (number != before) has_taken_ = true;
    auto first = waiting_segments_.lower_bound({log, 0});
    while (first != waiting_segments_.end() && first->first.log == log &&
           first->first.number <= number)
        first = waiting_segments_.erase(first);
    if (first == waiting_segments_.end() || first->first.log != log) return;
    const bool is_next = first->second.from <= number + 1;
    if (is_next && stopped) first->second.reason = reason_of(*stopped);
}

void DirectoryArrivals::look_at_pack(const fs::path& path, const PackId& id, Look how) {
    waiting_packs_.erase(id);
    if (replica_.has_pack(id)) {
        if (how == Look::Listed || replica_.recheck_pack(id)) return;
    }
    if (!disk_.exists(replica_.directory() / path)) return;
    auto added = replica_.take_pack(id);
    if (waiting_packs_.size() >= kLeftAloneMax) return;
    if (!added.ok())
        waiting_packs_[id] = reason_of(added.error());
    else if (*added == Added::Gap)
        waiting_packs_[id] = kUnnamed;
}

// Of each log the first; those behind it wait for it.
std::map<SegmentRef, DirectoryArrivals::WaitingSegment> DirectoryArrivals::firsts_that_wait()
    const {
    std::map<SegmentRef, WaitingSegment> out;
    for (const auto& [segment, waiting] : waiting_segments_)
        if (out.empty() || out.rbegin()->first.log != segment.log) out.emplace(segment, waiting);
    return out;
}

// ---- once more

// Keys make segments good, segments make packs wanted; each round may make another one useful.
void DirectoryArrivals::look_again() {
    do {
        has_taken_ = false;
        const std::size_t keys = replica_.key_objects().size();
        const bool are_keys_new = std::exchange(keys_seen_, keys) != keys;
        if (are_keys_new) {
            const auto waiting = waiting_keys_;
            for (const auto& [path, reason] : waiting)
                look_at_key_object(path, *parse_key_object_name(path.filename().string()));
        }
        // They may have come by another way.
        std::erase_if(waiting_segments_, [&](const auto& one) {
            return one.first.number <= replica_.greatest_number_of(one.first.log);
        });
        // What is damaged is read again when it changes, not at every occasion.
        std::set<LogId> logs;
        for (const auto& [segment, waiting] : firsts_that_wait())
            if (are_keys_new || waiting.reason == kGap) logs.insert(segment.log);
        for (const LogId& log : logs) take_log(log);
    } while (has_taken_);
    const auto packs = waiting_packs_;
    for (const auto& [id, reason] : packs) {
        if (!replica_.has_pack(id) && (reason != kUnnamed || !replica_.is_introduced(id))) continue;
        look_at_pack(relative_path(id), id, Look::Listed);
    }
}

// ---- what has gone

void DirectoryArrivals::forget_below(const fs::path& path) {
    std::erase_if(foreign_, [&](const auto& one) { return is_below(one.first, path); });
    std::erase_if(waiting_keys_, [&](const auto& one) { return is_below(one.first, path); });
    std::erase_if(waiting_packs_,
                  [&](const auto& one) { return is_below(relative_path(one.first), path); });
    std::erase_if(waiting_segments_,
                  [&](const auto& one) { return is_below(one.second.path, path); });
}

// Of what lies below `directory`. What is not listed may have come since: it is asked for once
// more.
void DirectoryArrivals::notice_what_has_gone(const std::set<fs::path>& listed,
                                             const fs::path& directory) {
    const auto has_gone = [&](const fs::path& path) {
        return is_below(path, directory) && !listed.contains(path);
    };
    std::erase_if(waiting_keys_, [&](const auto& one) { return has_gone(one.first); });
    std::erase_if(waiting_packs_,
                  [&](const auto& one) { return has_gone(relative_path(one.first)); });
    std::erase_if(waiting_segments_, [&](const auto& one) { return has_gone(one.second.path); });
    for (const PackInfo& pack : replica_.present_packs())
        if (has_gone(relative_path(pack.id))) replica_.recheck_pack(pack.id);
    for (const SegmentRef& segment : replica_.segments_here())
        if (has_gone(relative_path(segment))) replica_.recheck_segment(segment);
    for (const auto& [log, name] : replica_.compacted_here())
        if (has_gone(relative_path(log, name))) replica_.recheck_compacted(log, name);
}

fs::path DirectoryArrivals::relative_path(const PackId& pack) const {
    return replica_.pack_path(pack).lexically_relative(replica_.directory());
}

fs::path DirectoryArrivals::relative_path(const SegmentRef& segment) const {
    return replica_.segment_path(segment).lexically_relative(replica_.directory());
}

fs::path DirectoryArrivals::relative_path(const LogId& log, const LogStore::Name& name) const {
    return replica_.compacted_path(log, name).lexically_relative(replica_.directory());
}

// ---- telling

std::vector<std::string> DirectoryArrivals::notes() {
    MutexLock lock(notes_mutex_);
    return notes_;
}

void DirectoryArrivals::note_what_is_left() {
    std::vector<std::string> out;
    std::uint64_t more = 0;
    const auto add = [&](const std::string& what, const std::string& why) {
        if (out.size() < kNotesMax)
            out.push_back(what + ": " + why);
        else
            ++more;
    };
    for (const auto& [path, reason] : foreign_) add(path.string(), reason);
    for (const auto& [path, reason] : waiting_keys_) add(path.string(), reason);
    for (const auto& [segment, waiting] : firsts_that_wait())
        add(waiting.path.string(), waiting.reason);
    for (const auto& [id, reason] : waiting_packs_)
        if (!replica_.has_pack(id)) add(relative_path(id).string(), reason);
    if (more > 0) out.push_back("and " + std::to_string(more) + " more");
    MutexLock lock(notes_mutex_);
    notes_ = std::move(out);
}

std::vector<fs::path> DirectoryArrivals::foreign_files(Disk& disk,
                                                       const fs::path& vault_directory) {
    std::vector<fs::path> out;
    std::vector<fs::path> directories = {fs::path()};
    while (!directories.empty()) {
        const fs::path directory = std::move(directories.back());
        directories.pop_back();
        auto items = disk.list(vault_directory / directory);
        for (const DirectoryItem& item : items.ok() ? *items : std::vector<DirectoryItem>{}) {
            const fs::path path = directory / item.name;
            if (item.is_directory && is_ours(path))
                directories.push_back(path);
            else if (name_of(path).kind == Name::Kind::Foreign)
                out.push_back(path);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace lockstep
