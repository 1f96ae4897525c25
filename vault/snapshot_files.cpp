#include "vault/snapshot_files.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "base/clock.h"

namespace lockstep {
namespace {

constexpr std::string_view kTopName = ".lockstep";
constexpr std::string_view kSnapshotsName = "snapshots";
constexpr NodeId kPast = NodeId{1} << 63;
constexpr NodeId kTop = kPast | 1;
constexpr NodeId kSnapshots = kPast | 2;
// Below the top bit: which moment, then what is left of the node's number.
constexpr int kInnerBits = 51;
constexpr NodeId kInnerMask = (NodeId{1} << kInnerBits) - 1;
constexpr std::uint64_t kMomentsMax = (1U << 12) - 1;
constexpr std::size_t kMissedMax = 1024;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr int kHoursListed = 24;
constexpr int kDaysListed = 30;

bool is_past(NodeId node) {
    return (node & kPast) != 0;
}

Error read_only() {
    return {ErrorKind::ReadOnly, "the past cannot be changed"};
}

Error not_found() {
    return {ErrorKind::NotFound, "no such snapshot"};
}

std::string text_of(std::int64_t ms, bool has_time) {
    using namespace std::chrono;
    const sys_time<milliseconds> time{milliseconds(ms)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    std::string out =
        fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    if (!has_time) return out;
    const hh_mm_ss clock(floor<seconds>(time - day));
    return out + fmt::format("T{:02}:{:02}Z", clock.hours().count(), clock.minutes().count());
}

// Takes the digits at the beginning of `text`. Negative: there are not so many.
int take_digits(std::string_view& text, std::size_t count) {
    int out = -1;
    if (text.size() < count) return -1;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + count, out);
    if (failure != std::errc() || end != text.data() + count) return -1;
    text.remove_prefix(count);
    return out;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    using namespace std::chrono;
    const int y = take_digits(text, 4);
    if (y < 1970 || !take(text, '-')) return std::nullopt;
    const int m = take_digits(text, 2);
    if (m < 1 || !take(text, '-')) return std::nullopt;
    const int d = take_digits(text, 2);
    const year_month_day date(year(y), month(static_cast<unsigned>(m)),
                              day(static_cast<unsigned>(std::max(d, 0))));
    if (d < 1 || !date.ok()) return std::nullopt;
    std::int64_t out = sys_days(date).time_since_epoch().count() * kDayMs;
    if (text.empty()) return out;
    if (!take(text, 'T')) return std::nullopt;
    const int hour = take_digits(text, 2);
    if (hour < 0 || hour > 23 || !take(text, ':')) return std::nullopt;
    const int minute = take_digits(text, 2);
    int second = 0;
    if (take(text, ':')) second = take_digits(text, 2);
    take(text, 'Z');
    if (minute < 0 || minute > 59 || second < 0 || second > 59 || !text.empty())
        return std::nullopt;
    return out + hour * kHourMs + minute * 60'000 + second * 1000;
}

}  // namespace

SnapshotFiles::SnapshotFiles(FileSystem& base, VaultHistory& history)
    : base_(base), history_(history) {
    base_.add_observer(*this);
}

SnapshotFiles::~SnapshotFiles() {
    base_.remove_observer(*this);
}

void SnapshotFiles::add_observer(ChangeObserver& observer) {
    observers_.add(observer);
    base_.add_observer(observer);
}

void SnapshotFiles::remove_observer(ChangeObserver& observer) {
    base_.remove_observer(observer);
    observers_.remove(observer);
}

void SnapshotFiles::node_changed(NodeId node) {
    if (node != kRootNode) return;
    std::set<std::string> missed;
    {
        MutexLock lock(mutex_);
        missed.swap(missed_);
    }
    for (const std::string& name : missed)
        observers_.tell(
            [&](ChangeObserver& observer) { observer.entry_changed(kSnapshots, name); });
}

// ---- names and numbers

std::optional<std::int64_t> SnapshotFiles::time_of(std::string_view name) {
    if (auto snapshots = history_.snapshots(); snapshots.ok())
        for (const Snapshot& each : *snapshots)
            if (each.name == name) return each.time_ms;
    const auto time = parse_time(name);
    return time && *time <= system_clock().wall_ms() ? time : std::nullopt;
}

// Null when more are looked into at once than there are numbers for.
SnapshotFiles::MomentPtr SnapshotFiles::moment_of(const std::string& name, std::int64_t time_ms) {
    const auto known = moments_.find(name);
    if (known != moments_.end() && known->second->time_ms == time_ms) return known->second;
    // A snapshot's name may have been given to another time: who looks into the old one goes on.
    if (known != moments_.end()) {
        moments_[name + '/' + std::to_string(known->second->number)] = known->second;
        moments_.erase(known);
    }
    if (moments_.size() >= kMomentsMax / 2)
        std::erase_if(moments_, [](const auto& each) {
            return each.second->nodes == 0 && each.second->handles == 0;
        });
    if (moments_.size() >= kMomentsMax) return nullptr;
    const auto is_taken = [&](NodeId number) {
        return std::any_of(moments_.begin(), moments_.end(),
                           [&](const auto& each) { return each.second->number == number; });
    };
    auto moment = std::make_shared<Moment>();
    moment->time_ms = time_ms;
    do {
        moment->number = kPast | (next_moment_ << kInnerBits) | kRootNode;
        next_moment_ = next_moment_ % kMomentsMax + 1;
    } while (is_taken(moment->number));
    moments_[name] = moment;
    return moment;
}

NodeId SnapshotFiles::number_of(const MomentPtr& moment, NodeId inner) {
    if (inner == kRootNode) return moment->number;
    const NodeId above = moment->number & ~kInnerMask;
    NodeId low = inner & kInnerMask;
    for (;; ++low) {
        const auto there = nodes_.find(above | (low & kInnerMask));
        if (there == nodes_.end()) break;
        if (there->second.moment == moment && there->second.inner == inner) break;
    }
    return above | (low & kInnerMask);
}

void SnapshotFiles::drop_unused(const MomentPtr& moment) {
    if (moment->nodes == 0 && moment->handles == 0) moment->files.reset();
}

Result<SnapshotFiles::Place> SnapshotFiles::place_of(NodeId node) {
    MomentPtr moment;
    NodeId inner = 0;
    {
        MutexLock lock(mutex_);
        const auto at = nodes_.find(node);
        if (at == nodes_.end()) return not_found();
        moment = at->second.moment;
        inner = at->second.inner;
        if (moment->files) return Place{moment, moment->files, inner};
    }
    // Without the lock: all records are read.
    TRY(std::shared_ptr<FileSystem> files, history_.at(moment->time_ms));
    MutexLock lock(mutex_);
    if (!moment->files) moment->files = std::move(files);
    return Place{moment, moment->files, inner};
}

std::shared_ptr<FileSystem> SnapshotFiles::files_of(HandleId handle) {
    if (handle_count_ == 0) return nullptr;
    MutexLock lock(mutex_);
    const auto at = handles_.find(handle);
    return at == handles_.end() ? nullptr : at->second->files;
}

Attributes SnapshotFiles::directory_attributes(NodeId node, std::int64_t time_ms) {
    Attributes out;
    if (auto root = base_.attributes(kRootNode); root.ok()) out = *root;
    out.node = node;
    out.type = FileType::Directory;
    out.mode = 0555;
    out.links = 2;
    out.size = 0;
    out.allocated = 0;
    out.accessed_ns = out.modified_ns = out.changed_ns = time_ms * 1'000'000;
    return out;
}

std::vector<std::string> SnapshotFiles::names_to_list() {
    std::set<std::string> out;
    if (auto snapshots = history_.snapshots(); snapshots.ok())
        for (const Snapshot& each : *snapshots) out.insert(each.name);
    const std::int64_t now = system_clock().wall_ms();
    for (int i = 0; i < kHoursListed; ++i) out.insert(text_of((now / kHourMs - i) * kHourMs, true));
    for (int i = 0; i < kDaysListed; ++i) out.insert(text_of((now / kDayMs - i) * kDayMs, false));
    return {out.begin(), out.end()};
}

// ---- looking

Result<Attributes> SnapshotFiles::lookup_moment(std::string_view name) {
    const auto time_ms = time_of(name);
    MutexLock lock(mutex_);
    if (!time_ms) {
        if (missed_.size() >= kMissedMax)
            return Error{ErrorKind::Busy, "too many snapshots that are not there were asked for"};
        missed_.emplace(name);
        return not_found();
    }
    const MomentPtr moment = moment_of(std::string(name), *time_ms);
    if (!moment) return Error{ErrorKind::Busy, "too many snapshots are in use"};
    PastNode& node = nodes_[moment->number];
    if (node.references == 0) {
        node = {.moment = moment, .inner = kRootNode};
        ++moment->nodes;
    }
    ++node.references;
    return directory_attributes(moment->number, *time_ms);
}

Result<Attributes> SnapshotFiles::lookup_within(NodeId directory, std::string_view name) {
    TRY(const Place place, place_of(directory));
    TRY(Attributes found, place.files->lookup(place.inner, name));
    MutexLock lock(mutex_);
    const NodeId number = number_of(place.moment, found.node);
    PastNode& node = nodes_[number];
    if (node.references == 0) {
        node = {.moment = place.moment, .inner = found.node};
        ++place.moment->nodes;
    }
    ++node.references;
    found.node = number;
    return found;
}

Result<Attributes> SnapshotFiles::lookup(NodeId directory, std::string_view name) {
    if (directory == kTop)
        return name == kSnapshotsName ? Result<Attributes>(directory_attributes(kSnapshots, 0))
                                      : not_found();
    if (directory == kSnapshots) return lookup_moment(name);
    if (is_past(directory)) return lookup_within(directory, name);
    Result<Attributes> found = base_.lookup(directory, name);
    if (found.ok() || directory != kRootNode || name != kTopName ||
        found.error().kind != ErrorKind::NotFound)
        return found;
    return directory_attributes(kTop, 0);
}

void SnapshotFiles::forget(NodeId node, std::uint64_t references) {
    if (!is_past(node)) return base_.forget(node, references);
    std::shared_ptr<FileSystem> dropped;  // goes without the lock
    MutexLock lock(mutex_);
    const auto at = nodes_.find(node);
    if (at == nodes_.end()) return;
    const std::uint64_t count = std::min(references, at->second.references);
    const MomentPtr moment = at->second.moment;
    dropped = moment->files;
    if (dropped && at->second.inner != kRootNode) dropped->forget(at->second.inner, count);
    at->second.references -= count;
    if (at->second.references > 0) return;
    nodes_.erase(at);
    --moment->nodes;
    drop_unused(moment);
}

Result<Attributes> SnapshotFiles::attributes(NodeId node) {
    if (!is_past(node)) return base_.attributes(node);
    if (node == kTop || node == kSnapshots) return directory_attributes(node, 0);
    {
        MutexLock lock(mutex_);
        const auto at = nodes_.find(node);
        if (at != nodes_.end() && at->second.inner == kRootNode)
            return directory_attributes(node, at->second.moment->time_ms);
    }
    TRY(const Place place, place_of(node));
    TRY(Attributes found, place.files->attributes(place.inner));
    found.node = node;
    return found;
}

Result<std::shared_ptr<const Listing>> SnapshotFiles::list(NodeId directory) {
    if (!is_past(directory)) return base_.list(directory);
    auto out = std::make_shared<Listing>();
    if (directory == kTop) {
        out->push_back({std::string(kSnapshotsName), kSnapshots, FileType::Directory});
    } else if (directory == kSnapshots) {
        for (const std::string& name : names_to_list()) {
            const auto time_ms = time_of(name);
            if (!time_ms) continue;
            MutexLock lock(mutex_);
            if (const MomentPtr moment = moment_of(name, *time_ms))
                out->push_back({name, moment->number, FileType::Directory});
        }
    } else {
        TRY(const Place place, place_of(directory));
        TRY(auto entries, place.files->list(place.inner));
        MutexLock lock(mutex_);
        for (const DirectoryEntry& entry : *entries)
            out->push_back({entry.name, number_of(place.moment, entry.node), entry.type});
    }
    return std::shared_ptr<const Listing>(std::move(out));
}

Result<std::string> SnapshotFiles::read_symlink(NodeId node) {
    if (!is_past(node)) return base_.read_symlink(node);
    TRY(const Place place, place_of(node));
    return place.files->read_symlink(place.inner);
}

Result<Bytes> SnapshotFiles::get_xattr(NodeId node, std::string_view name) {
    if (!is_past(node)) return base_.get_xattr(node, name);
    if (node == kTop || node == kSnapshots)
        return Error{ErrorKind::NoAttribute, "no such attribute"};
    TRY(const Place place, place_of(node));
    return place.files->get_xattr(place.inner, name);
}

Result<std::vector<std::string>> SnapshotFiles::list_xattrs(NodeId node) {
    if (!is_past(node)) return base_.list_xattrs(node);
    if (node == kTop || node == kSnapshots) return std::vector<std::string>();
    TRY(const Place place, place_of(node));
    return place.files->list_xattrs(place.inner);
}

Result<VersionId> SnapshotFiles::version(NodeId node) {
    if (!is_past(node)) return base_.version(node);
    TRY(const Place place, place_of(node));
    return place.files->version(place.inner);
}

// ---- open files

Result<HandleId> SnapshotFiles::open(NodeId node, const OpenRequest& request) {
    if (!is_past(node)) return base_.open(node, request);
    if (request.write || request.truncate) return read_only();
    TRY(const Place place, place_of(node));
    TRY(const HandleId handle, place.files->open(place.inner, request));
    MutexLock lock(mutex_);
    handles_.emplace(handle, place.moment);
    ++place.moment->handles;
    ++handle_count_;
    return handle;
}

Result<std::size_t> SnapshotFiles::read(HandleId handle, std::uint64_t offset,
                                        MutableByteView out) {
    if (const auto past = files_of(handle)) return past->read(handle, offset, out);
    return base_.read(handle, offset, out);
}

Result<std::optional<std::uint64_t>> SnapshotFiles::seek(HandleId handle, std::uint64_t offset,
                                                         SeekTarget target) {
    if (const auto past = files_of(handle)) return past->seek(handle, offset, target);
    return base_.seek(handle, offset, target);
}

void SnapshotFiles::release(HandleId handle) {
    const auto past = files_of(handle);
    if (!past) return base_.release(handle);
    past->release(handle);
    MutexLock lock(mutex_);
    const auto at = handles_.find(handle);
    if (at == handles_.end()) return;
    const MomentPtr moment = at->second;
    handles_.erase(at);
    --moment->handles;
    --handle_count_;
    drop_unused(moment);
}

Status SnapshotFiles::write(HandleId handle, std::uint64_t offset, ByteView data) {
    if (files_of(handle)) return read_only();
    return base_.write(handle, offset, data);
}

Status SnapshotFiles::change_range(HandleId handle, const RangeChange& change) {
    if (files_of(handle)) return read_only();
    return base_.change_range(handle, change);
}

// From the past the kernel copies by reading.
Result<std::uint64_t> SnapshotFiles::copy_range(const RangeCopy& copy) {
    if (files_of(copy.from) || files_of(copy.to))
        return Error{ErrorKind::Unsupported, "one of them is of the past"};
    return base_.copy_range(copy);
}

Status SnapshotFiles::flush(HandleId handle) {
    return files_of(handle) ? Status() : base_.flush(handle);
}

Status SnapshotFiles::sync(HandleId handle) {
    return files_of(handle) ? Status() : base_.sync(handle);
}

Status SnapshotFiles::sync_metadata() {
    return base_.sync_metadata();
}

// ---- changes

Result<Attributes> SnapshotFiles::set_attributes(NodeId node, const AttributeChange& change,
                                                 std::optional<HandleId> handle) {
    if (is_past(node)) return read_only();
    return base_.set_attributes(node, change, handle);
}

Result<Attributes> SnapshotFiles::make_directory(NodeId parent, std::string_view name,
                                                 std::uint32_t mode) {
    if (is_past(parent)) return read_only();
    return base_.make_directory(parent, name, mode);
}

Result<Attributes> SnapshotFiles::make_node(NodeId parent, std::string_view name,
                                            const NewNode& node) {
    if (is_past(parent)) return read_only();
    return base_.make_node(parent, name, node);
}

Result<Attributes> SnapshotFiles::make_symlink(NodeId parent, std::string_view name,
                                               std::string_view target) {
    if (is_past(parent)) return read_only();
    return base_.make_symlink(parent, name, target);
}

Result<Attributes> SnapshotFiles::make_link(NodeId node, NodeId parent, std::string_view name) {
    if (is_past(node) || is_past(parent)) return read_only();
    return base_.make_link(node, parent, name);
}

Status SnapshotFiles::remove_file(NodeId parent, std::string_view name) {
    if (is_past(parent)) return read_only();
    return base_.remove_file(parent, name);
}

Status SnapshotFiles::remove_directory(NodeId parent, std::string_view name) {
    if (is_past(parent)) return read_only();
    return base_.remove_directory(parent, name);
}

Status SnapshotFiles::rename(NodeId parent, std::string_view name, NodeId new_parent,
                             std::string_view new_name, RenameMode mode) {
    if (is_past(parent) || is_past(new_parent)) return read_only();
    return base_.rename(parent, name, new_parent, new_name, mode);
}

Result<FileSystem::Created> SnapshotFiles::create(NodeId parent, std::string_view name,
                                                  std::uint32_t mode) {
    if (is_past(parent)) return read_only();
    return base_.create(parent, name, mode);
}

Result<PutOutcome> SnapshotFiles::put_file(HandleId unnamed, NodeId parent, std::string_view name,
                                           const PutAttributes& attributes) {
    if (is_past(parent)) return read_only();
    return base_.put_file(unnamed, parent, name, attributes);
}

Result<PutOutcome> SnapshotFiles::put_version(HandleId unnamed, NodeId node, const VersionId& seen,
                                              const PutAttributes& attributes) {
    if (is_past(node)) return read_only();
    return base_.put_version(unnamed, node, seen, attributes);
}

Result<std::vector<SharedRange>> SnapshotFiles::shared_ranges(NodeId node,
                                                              const VersionId& earlier) {
    if (is_past(node)) return Error{ErrorKind::Unsupported, "it is of the past"};
    return base_.shared_ranges(node, earlier);
}

Result<std::uint64_t> SnapshotFiles::bytes_to_come(NodeId node) {
    if (is_past(node)) return Error{ErrorKind::Unsupported, "it is of the past"};
    return base_.bytes_to_come(node);
}

Status SnapshotFiles::remove_version(NodeId parent, std::string_view name, NodeId node,
                                     const VersionId& seen) {
    if (is_past(parent) || is_past(node)) return read_only();
    return base_.remove_version(parent, name, node, seen);
}

Status SnapshotFiles::set_xattr(NodeId node, std::string_view name, ByteView value,
                                XattrMode mode) {
    if (is_past(node)) return read_only();
    return base_.set_xattr(node, name, value, mode);
}

Status SnapshotFiles::remove_xattr(NodeId node, std::string_view name) {
    if (is_past(node)) return read_only();
    return base_.remove_xattr(node, name);
}

}  // namespace lockstep
