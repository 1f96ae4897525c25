#include "tests/support/memory_disk.h"

#include <algorithm>

#include "tests/support/spare_allocations.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kFileSizeMax = 1ULL << 32;

Error no_such(const fs::path& path) {
    return {ErrorKind::NotFound, path.string() + ": no such file or directory"};
}

// SplitMix64: how a crash decides.
std::uint64_t next_number(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

struct DataChange {
    bool is_truncate = false;
    std::uint64_t at = 0;
    Bytes data;
};

void play(const DataChange& change, Bytes& to) {
    if (change.is_truncate) return to.resize(change.at);
    std::uint64_t end = change.at + change.data.size();
    if (to.size() < end) to.resize(end);
    std::copy(change.data.begin(), change.data.end(),
              to.begin() + static_cast<std::ptrdiff_t>(change.at));
}

std::vector<std::string> parts_of(const fs::path& path) {
    std::vector<std::string> out;
    for (const auto& part : path.lexically_normal())
        if (part != "/" && part != "." && !part.empty()) out.push_back(part.string());
    return out;
}

}  // namespace

struct MemoryDisk::Node {
    bool is_directory = false;
    // A directory's names: as seen now, and as they would be after a crash.
    std::map<std::string, NodePtr> names;
    std::map<std::string, NodePtr> durable_names;
    // A file's bytes: as seen now, after a crash, and the changes between the two.
    Bytes bytes;
    Bytes durable_bytes;
    std::vector<DataChange> pending;
};

// Where a name is or would be.
struct MemoryDisk::Place {
    NodePtr directory;
    std::string name;
    NodePtr node;  // null: nothing has that name
};

// A name gone, a name made, or (a rename) both, which is atomic.
struct MemoryDisk::NameChange {
    struct Half {
        NodePtr directory;
        std::string name;
        NodePtr node;
        bool is_synced = false;

        bool open() const { return directory != nullptr && !is_synced; }
        bool same_name(const Half& other) const {
            return directory != nullptr && directory == other.directory && name == other.name;
        }
    };
    Half gone;
    Half made;
};

class MemoryDisk::File final : public DiskFile {
  public:
    File(MemoryDisk& disk, NodePtr node, fs::path path, bool is_writable, std::uint64_t crash)
        : disk_(disk),
          node_(std::move(node)),
          path_(std::move(path)),
          is_writable_(is_writable),
          crash_(crash) {}

    Result<std::size_t> read(std::uint64_t offset, MutableByteView out) override {
        const SpareAllocations spared;
        MutexLock lock(disk_.mutex_);
        TRY_OK(check_alive());
        TRY_OK(drop_value(disk_.count({DiskCall::Kind::Read, path_})));
        if (offset >= node_->bytes.size()) return std::size_t{0};
        std::size_t size = std::min<std::size_t>(out.size(), node_->bytes.size() - offset);
        std::copy_n(node_->bytes.begin() + static_cast<std::ptrdiff_t>(offset), size, out.begin());
        return size;
    }

    Status write(std::uint64_t offset, ByteView data) override {
        const SpareAllocations spared;
        if (offset + data.size() > kFileSizeMax)
            return Error{ErrorKind::NoSpace, path_.string() + ": memory disk full"};
        return change(DiskCall::Kind::Write,
                      {.is_truncate = false, .at = offset, .data = to_bytes(data)});
    }

    Status truncate(std::uint64_t size) override {
        if (size > kFileSizeMax)
            return Error{ErrorKind::NoSpace, path_.string() + ": memory disk full"};
        return change(DiskCall::Kind::Truncate, {.is_truncate = true, .at = size, .data = {}});
    }

    Status sync() override {
        const SpareAllocations spared;
        MutexLock lock(disk_.mutex_);
        TRY_OK(check_alive());
        auto verdict = disk_.count({DiskCall::Kind::Sync, path_});
        if (!verdict.ok()) {
            node_->pending.clear();
            return std::move(verdict).error();
        }
        if (*verdict == Verdict::PowerOff) return power_off_error();
        for (const auto& change : node_->pending) play(change, node_->durable_bytes);
        node_->pending.clear();
        return {};
    }

    Result<std::uint64_t> size() override {
        const SpareAllocations spared;
        MutexLock lock(disk_.mutex_);
        TRY_OK(check_alive());
        TRY_OK(disk_.check_power());
        return static_cast<std::uint64_t>(node_->bytes.size());
    }

    static Error power_off_error() { return {ErrorKind::Io, "the disk lost power"}; }
    static Status drop_value(Result<Verdict> verdict) {
        if (!verdict.ok()) return std::move(verdict).error();
        return {};
    }

  private:
    Status change(DiskCall::Kind kind, DataChange change) {
        const SpareAllocations spared;
        MutexLock lock(disk_.mutex_);
        TRY_OK(check_alive());
        if (!is_writable_) return Error{ErrorKind::Io, path_.string() + ": not open for writing"};
        TRY(Verdict verdict, disk_.count({kind, path_}));
        if (verdict == Verdict::Short) change.data.resize(change.data.size() / 2);
        play(change, node_->bytes);
        node_->pending.push_back(std::move(change));
        if (verdict == Verdict::Short) return Error{disk_.short_kind_, "a short write"};
        if (verdict == Verdict::PowerOff) return power_off_error();
        return {};
    }

    Status check_alive() const REQUIRES_LOCK(disk_.mutex_) {
        if (crash_ != disk_.crashes_)
            return Error{ErrorKind::Io, path_.string() + ": was open when the power went"};
        return {};
    }

    MemoryDisk& disk_;
    NodePtr node_;
    fs::path path_;
    bool is_writable_;
    std::uint64_t crash_;
};

MemoryDisk::MemoryDisk() : root_(std::make_shared<Node>()) {
    root_->is_directory = true;
}
MemoryDisk::~MemoryDisk() = default;

Result<std::unique_ptr<DiskFile>> MemoryDisk::open(const fs::path& path, OpenMode mode) {
    if (before_open_) before_open_(path);
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    TRY(NodePtr node, open_node(path, mode));
    bool is_writable = mode != OpenMode::Read;
    return std::unique_ptr<DiskFile>(
        std::make_unique<File>(*this, std::move(node), path, is_writable, crashes_));
}

Result<MemoryDisk::NodePtr> MemoryDisk::open_node(const fs::path& path, OpenMode mode) {
    auto place = find(path);
    bool is_there = place.ok() && place->node != nullptr;
    bool makes = mode == OpenMode::Create || mode == OpenMode::CreateNew;
    bool will_make = makes && place.ok() && !is_there;
    TRY(Verdict verdict, count({will_make ? DiskCall::Kind::Create : DiskCall::Kind::Open, path}));
    if (!place.ok()) return std::move(place).error();
    if (is_there && mode == OpenMode::CreateNew)
        return Error{ErrorKind::Exists, path.string() + ": exists"};
    if (is_there && place->node->is_directory)
        return Error{ErrorKind::IsDirectory, path.string() + ": is a directory"};
    if (is_there && verdict == Verdict::Proceed) return place->node;
    if (!is_there && !makes) return no_such(path);
    if (will_make) {
        place->node = std::make_shared<Node>();
        place->directory->names[place->name] = place->node;
        pending_names_.push_back(
            {.gone = {}, .made = {place->directory, place->name, place->node}});
    }
    if (verdict == Verdict::PowerOff) return File::power_off_error();
    return place->node;
}

Status MemoryDisk::rename(const fs::path& from, const fs::path& to) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    TRY(Verdict verdict, count({DiskCall::Kind::Rename, to}));
    TRY(Place source, find(from));
    if (source.node == nullptr) return no_such(from);
    TRY(Place target, find(to));
    if (target.node == source.node) return {};
    if (target.node != nullptr && target.node->is_directory != source.node->is_directory)
        return Error{ErrorKind::Io,
                     to.string() + ": a file and a directory cannot replace each other"};
    if (target.node != nullptr && !target.node->names.empty())
        return Error{ErrorKind::NotEmpty, to.string() + ": directory not empty"};
    source.directory->names.erase(source.name);
    target.directory->names[target.name] = source.node;
    pending_names_.push_back({.gone = {source.directory, source.name, source.node},
                              .made = {target.directory, target.name, source.node}});
    if (verdict == Verdict::PowerOff) return File::power_off_error();
    return {};
}

Status MemoryDisk::remove(const fs::path& path) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    TRY(Verdict verdict, count({DiskCall::Kind::Remove, path}));
    TRY(Place place, find(path));
    if (place.node == nullptr) return no_such(path);
    if (!place.node->names.empty())
        return Error{ErrorKind::NotEmpty, path.string() + ": directory not empty"};
    place.directory->names.erase(place.name);
    pending_names_.push_back({.gone = {place.directory, place.name, place.node}, .made = {}});
    if (verdict == Verdict::PowerOff) return File::power_off_error();
    return {};
}

Status MemoryDisk::make_directories(const fs::path& path) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    fs::path so_far = "/";
    for (const auto& part : parts_of(path)) {
        so_far /= part;
        TRY_OK(make_directory(so_far));
    }
    return {};
}

Status MemoryDisk::make_directory(const fs::path& path) {
    TRY_OK(check_power());
    TRY(Place place, find(path));
    if (place.node != nullptr && place.node->is_directory) return {};
    if (place.node != nullptr) return Error{ErrorKind::Exists, path.string() + ": is a file"};
    TRY(Verdict verdict, count({DiskCall::Kind::MakeDirectory, path}));
    auto made = std::make_shared<Node>();
    made->is_directory = true;
    place.directory->names[place.name] = made;
    pending_names_.push_back({.gone = {}, .made = {place.directory, place.name, made}});
    if (verdict == Verdict::PowerOff) return File::power_off_error();
    settle(pending_names_.size() - 1);
    pending_names_.pop_back();
    return {};
}

Status MemoryDisk::sync_directory(const fs::path& path) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    TRY(Verdict verdict, count({DiskCall::Kind::SyncDirectory, path}));
    NodePtr node = walk(path);
    if (node == nullptr || !node->is_directory) return no_such(path);
    if (verdict == Verdict::PowerOff) return File::power_off_error();
    for (std::size_t i = 0; i < pending_names_.size(); ++i) {
        NameChange& change = pending_names_[i];
        bool was_open = change.gone.open() || change.made.open();
        if (change.gone.directory == node) change.gone.is_synced = true;
        if (change.made.directory == node) change.made.is_synced = true;
        if (was_open && !change.gone.open() && !change.made.open()) settle(i);
    }
    std::erase_if(pending_names_,
                  [](const NameChange& c) { return !c.gone.open() && !c.made.open(); });
    return {};
}

Result<std::vector<DirectoryItem>> MemoryDisk::list(const fs::path& path) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    TRY_OK(File::drop_value(count({DiskCall::Kind::List, path})));
    NodePtr node = walk(path);
    if (node == nullptr || !node->is_directory) return no_such(path);
    std::vector<DirectoryItem> out;
    for (const auto& [name, child] : node->names)
        out.push_back({name, child->is_directory, child->bytes.size()});
    return out;
}

bool MemoryDisk::exists(const fs::path& path) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    return !powered_off_ && walk(path) != nullptr;
}

void MemoryDisk::crash() {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    forget(*root_);
    reset_after_crash();
}

void MemoryDisk::crash(std::uint64_t seed) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < pending_names_.size(); ++i)
        if (next_number(seed) % 2 == 0) settle(i);
    tear(*root_, seed);
    reset_after_crash();
}

void MemoryDisk::fail_call(std::uint64_t n, ErrorKind kind, std::optional<DiskCall::Kind> only) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    plan_ =
        Plan{.calls_left = n, .kind = kind, .only = only, .power_off = false, .is_short = false};
}

void MemoryDisk::power_off_at(std::uint64_t n) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    plan_ = Plan{.calls_left = n,
                 .kind = ErrorKind::Io,
                 .only = std::nullopt,
                 .power_off = true,
                 .is_short = false};
}

void MemoryDisk::fail_write_short(std::uint64_t n, ErrorKind kind) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    plan_ = Plan{.calls_left = n,
                 .kind = kind,
                 .only = DiskCall::Kind::Write,
                 .power_off = false,
                 .is_short = true};
}

bool MemoryDisk::is_powered_off() const {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    return powered_off_;
}

void MemoryDisk::clear_failures() {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    plan_.reset();
}

void MemoryDisk::set_full(bool is_full) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    is_full_ = is_full;
}

std::uint64_t MemoryDisk::change_count() const {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    return changes_;
}

void MemoryDisk::start_recording() {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    recording_ = true;
    calls_.clear();
}

std::vector<DiskCall> MemoryDisk::calls() const {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    return calls_;
}

std::unique_ptr<MemoryDisk> MemoryDisk::clone() const {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    auto out = std::make_unique<MemoryDisk>();
    NodePtr copy = copy_of(*root_);
    MutexLock lock_out(out->mutex_);
    out->root_ = std::move(copy);
    return out;
}

std::optional<Bytes> MemoryDisk::contents(const fs::path& path) const {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    NodePtr node = walk(path);
    if (node == nullptr || node->is_directory) return std::nullopt;
    return node->bytes;
}

void MemoryDisk::put(const fs::path& path, ByteView data) {
    const SpareAllocations spared;
    MutexLock lock(mutex_);
    auto parts = parts_of(path);
    CHECK(!parts.empty());
    NodePtr node = root_;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        bool is_last = i + 1 == parts.size();
        NodePtr& child = node->names[parts[i]];
        if (child == nullptr) child = std::make_shared<Node>();
        child->is_directory = !is_last;
        node->durable_names[parts[i]] = child;
        node = child;
    }
    node->bytes = to_bytes(data);
    node->durable_bytes = node->bytes;
    node->pending.clear();
}

Result<MemoryDisk::Verdict> MemoryDisk::count(DiskCall call) {
    DiskCall::Kind kind = call.kind;
    bool changes = call.changes();
    if (changes) ++changes_;
    if (recording_) calls_.push_back(std::move(call));
    TRY_OK(check_power());
    if (is_full_ && (kind == DiskCall::Kind::Write || kind == DiskCall::Kind::Create ||
                     kind == DiskCall::Kind::MakeDirectory))
        return Error{ErrorKind::NoSpace, "the memory disk is full"};
    if (!plan_ || (plan_->only ? *plan_->only != kind : !changes)) return Verdict::Proceed;
    if (plan_->calls_left-- > 0) return Verdict::Proceed;
    Plan plan = *plan_;
    plan_.reset();
    if (plan.is_short) {
        short_kind_ = plan.kind;
        return Verdict::Short;
    }
    if (!plan.power_off) return Error{plan.kind, "the disk was told to fail"};
    powered_off_ = true;
    return Verdict::PowerOff;
}

Status MemoryDisk::check_power() const {
    if (powered_off_) return File::power_off_error();
    return {};
}

MemoryDisk::NodePtr MemoryDisk::walk(const fs::path& path) const {
    NodePtr node = root_;
    for (const auto& part : parts_of(path)) {
        auto at = node->names.find(part);
        if (at == node->names.end()) return nullptr;
        node = at->second;
    }
    return node;
}

Result<MemoryDisk::Place> MemoryDisk::find(const fs::path& path) const {
    auto parts = parts_of(path);
    if (parts.empty()) return Error{ErrorKind::Invalid, "the root has no name"};
    NodePtr directory = walk(path.lexically_normal().parent_path());
    if (directory == nullptr || !directory->is_directory) return no_such(path);
    auto at = directory->names.find(parts.back());
    return Place{directory, parts.back(), at == directory->names.end() ? nullptr : at->second};
}

// Makes one name change durable. A change of the same name still waiting from before (a rename
// whose other directory was never synced) has been overtaken and must not come back over it.
void MemoryDisk::settle(std::size_t index) {
    NameChange change = pending_names_[index];
    for (std::size_t i = 0; i < index; ++i) {
        auto& older = pending_names_[i].made;
        if (older.same_name(change.gone) || older.same_name(change.made)) older = {};
    }
    if (change.gone.directory != nullptr) {
        auto& names = change.gone.directory->durable_names;
        auto at = names.find(change.gone.name);
        if (at != names.end() && at->second == change.gone.node) names.erase(at);
    }
    if (change.made.directory != nullptr)
        change.made.directory->durable_names[change.made.name] = change.made.node;
}

void MemoryDisk::reset_after_crash() {
    pending_names_.clear();
    plan_.reset();
    powered_off_ = false;
    ++crashes_;
}

void MemoryDisk::forget(Node& node) {
    node.bytes = node.durable_bytes;
    node.pending.clear();
    node.names = node.durable_names;
    for (auto& [name, child] : node.names) forget(*child);
}

void MemoryDisk::tear(Node& node, std::uint64_t& state) {
    for (auto& change : node.pending) {
        std::uint64_t fate = next_number(state) % 3;
        if (fate == 0) continue;
        if (fate == 1 && !change.data.empty())
            change.data.resize(next_number(state) % change.data.size());
        play(change, node.durable_bytes);
    }
    node.bytes = node.durable_bytes;
    node.pending.clear();
    node.names = node.durable_names;
    for (auto& [name, child] : node.names) tear(*child, state);
}

MemoryDisk::NodePtr MemoryDisk::copy_of(const Node& node) {
    auto out = std::make_shared<Node>();
    out->is_directory = node.is_directory;
    out->bytes = out->durable_bytes = node.bytes;
    for (const auto& [name, child] : node.names) out->names[name] = copy_of(*child);
    out->durable_names = out->names;
    return out;
}

}  // namespace lockstep
