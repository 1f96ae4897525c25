#include "tests/sim/simulated_user.h"

#include <algorithm>

namespace lockstep::sim {
namespace {

// Twins by case and by Unicode normalization (e with acute, composed and not) are among them.
const char* const kNames[] = {"a", "b", "Doc.txt", "doc.txt", "caf\xc3\xa9", "cafe\xcc\x81"};
constexpr std::size_t kDepthMax = 4;
constexpr std::size_t kEntriesMax = 40;

Error left_out(const std::string& why) {
    return {ErrorKind::Cancelled, why};
}

// What tells contents apart, for a person.
std::string first_line(std::string_view text) {
    std::string out(text.substr(0, std::min<std::size_t>(text.find('\n'), 30)));
    for (char& c : out)
        if (c < ' ' || c > '~') c = '?';
    return out;
}

std::size_t depth_of(const std::string& path) {
    return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')) + 1;
}

}  // namespace

// New kinds of edits go here.
const std::vector<SimulatedUser::Edit>& SimulatedUser::edits() {
    using User = SimulatedUser;
    static const std::vector<Edit> all = {
        {"write", 14, &User::write_file},
        {"large write", 2, &User::write_large_file},
        {"create", 4, &User::create_empty},
        {"append", 7, &User::append},
        {"overwrite part", 5, &User::overwrite_part},
        {"truncate", 4, &User::truncate},
        {"copy", 3, &User::copy_file},
        {"rename over", 7, &User::rename_replace},
        {"rename no-replace", 5, &User::rename_no_replace},
        {"exchange", 3, &User::rename_exchange},
        {"link", 4, &User::make_link},
        {"unlink", 6, &User::unlink},
        {"mkdir", 7, &User::make_directory},
        {"rmdir", 3, &User::remove_directory},
        {"rm -r", 2, &User::remove_recursively},
        {"symlink", 3, &User::make_symlink},
        {"set xattr", 3, &User::set_xattr},
        {"remove xattr", 1, &User::remove_xattr},
        {"chmod", 2, &User::change_mode},
        {"save by rename", 7, &User::save_by_rename},
        {"save with backup", 3, &User::save_with_backup},
        {"fsync", 4, &User::sync_file},
        {"fsync directory", 1, &User::sync_directory},
        {"open", 4, &User::open_handle},
        {"write to open file", 6, &User::write_handle},
        {"fsync open file", 3, &User::sync_handle},
        {"close", 4, &User::close_handle},
        {"read", 3, &User::read_file},
    };
    return all;
}

void SimulatedUser::edit() {
    static const std::uint64_t total = [] {
        std::uint64_t sum = 0;
        for (const Edit& each : edits()) sum += each.weight;
        return sum;
    }();
    std::uint64_t at = random().below(total);
    const Edit* chosen = edits().data();
    while (at >= chosen->weight) at -= chosen++->weight;
    trace_.clear();
    const Status done = (this->*chosen->run)();
    world_.note(device_.label() + ": " + chosen->name + trace_ +
                (done.ok() ? "" : ": " + done.error().message));
    if (done.ok()) {
        ++world_.counters[std::string("edit: ") + chosen->name];
        return;
    }
    const ErrorKind kind = done.error().kind;
    if (kind == ErrorKind::ReadOnly && !device_.vault->vault().status().may_write) {
        ++world_.counters["membership: a reader is refused"];
        return;
    }
    const bool is_fault = kind == ErrorKind::Io || kind == ErrorKind::NoSpace ||
                          kind == ErrorKind::ReadOnly || kind == ErrorKind::Corrupt;
    if (is_fault && !device_.has_disk_trouble && !device_.has_rot)
        world_.fail(device_.label() + ": " + chosen->name + trace_ + ": " + done.error().message);
}

// ---- finding

std::vector<SimulatedUser::Found> SimulatedUser::walk() {
    std::vector<Found> out;
    const std::function<void(NodeId, const std::string&, std::size_t)> into =
        [&](NodeId directory, const std::string& path, std::size_t depth) {
            auto listing = files().list(directory);
            if (!listing.ok()) return;
            for (const DirectoryEntry& entry : **listing) {
                auto found = files().lookup(directory, entry.name);
                if (!found.ok()) continue;
                const std::string at = path.empty() ? entry.name : path + "/" + entry.name;
                out.push_back({{directory, entry.name, at}, *found});
                if (found->type == FileType::Directory && depth < 64)
                    into(found->node, at, depth + 1);
            }
        };
    into(kRootNode, "", 0);
    return out;
}

std::optional<SimulatedUser::Found> SimulatedUser::pick(FileType type) {
    std::vector<Found> all = walk();
    std::erase_if(all, [&](const Found& each) { return each.attributes.type != type; });
    if (all.empty()) return std::nullopt;
    return all[random().below(all.size())];
}

std::optional<SimulatedUser::Found> SimulatedUser::pick_any() {
    std::vector<Found> all = walk();
    if (all.empty()) return std::nullopt;
    return all[random().below(all.size())];
}

SimulatedUser::Place SimulatedUser::new_place() {
    std::vector<Place> directories{{kRootNode, "", ""}};
    for (const Found& each : walk()) {
        if (each.attributes.type == FileType::Directory && depth_of(each.place.path) < kDepthMax)
            directories.push_back({each.attributes.node, "", each.place.path});
    }
    Place out = directories[random().below(directories.size())];
    out.name = kNames[random().below(std::size(kNames))];
    out.path += (out.path.empty() ? "" : "/") + out.name;
    return out;
}

SimulatedUser::Place SimulatedUser::place_beside(const Place& place, const std::string& name) {
    const std::size_t slash = place.path.rfind('/');
    const std::string above = slash == std::string::npos ? "" : place.path.substr(0, slash + 1);
    return {place.directory, name, above + name};
}

// ---- reading, and what it tells the ledger

Result<std::string> SimulatedUser::read(NodeId node) {
    TRY(HandleId handle, files().open(node, {.read = true}));
    auto out = read(OpenHandle{handle, node});
    files().release(handle);
    return out;
}

Result<std::string> SimulatedUser::read(const OpenHandle& handle) {
    TRY(Attributes attributes, files().attributes(handle.node));
    Bytes out(attributes.size);
    TRY(std::size_t got, files().read(handle.id, 0, out));
    out.resize(got);
    if (got != attributes.size)
        world_.fail(device_.label() + ": a file of " + std::to_string(attributes.size) +
                    " bytes gives " + std::to_string(got));
    std::string text(as_text(out));
    check_read(text, "node " + std::to_string(handle.node));
    return text;
}

void SimulatedUser::check_read(std::string_view bytes, const std::string& where) {
    if (!world_.ledger.is_known(key_of(bytes)))
        world_.fail(device_.label() + " reads bytes that nobody wrote: " + where + ": " +
                    first_line(bytes));
}

Status SimulatedUser::give_up(NodeId node) {
    TRY(Attributes attributes, files().attributes(node));
    if (attributes.type == FileType::Directory) return {};
    if (attributes.type == FileType::Symlink) {
        TRY(std::string target, files().read_symlink(node));
        world_.ledger.give_up(key_of_symlink(target));
        return {};
    }
    auto text = read(node);
    if (!text.ok()) return left_out("its content cannot be read now");
    world_.ledger.give_up(key_of(*text));
    return {};
}

Status SimulatedUser::give_up(const Place& place) {
    auto found = files().lookup(place.directory, place.name);
    if (!found.ok()) return {};
    if (found->links > 1 && found->type != FileType::Directory) {
        // A name that is hidden, because the same content shows under its name already, goes with
        // the name that shows it.
        const std::vector<Found> all = walk();
        const bool has_other_name = std::any_of(all.begin(), all.end(), [&](const Found& other) {
            return other.attributes.node == found->node &&
                   (other.place.directory != place.directory || other.place.name != place.name);
        });
        if (has_other_name) return {};
    }
    return give_up(found->node);
}

void SimulatedUser::promise(OpenHandle& handle) {
    if (handle.is_severed) return;
    auto text = read(handle);
    if (text.ok())
        world_.ledger.promise(key_of(*text), device_.number,
                              device_.label() + " wrote '" + first_line(*text) + "'" + trace_);
}

Status SimulatedUser::severing(const std::function<Status()>& remove) {
    std::vector<OpenHandle*> named;
    for (OpenHandle& handle : device_.handles) {
        auto attributes = files().attributes(handle.node);
        if (attributes.ok() && attributes->links > 0) named.push_back(&handle);
    }
    Status done = remove();
    for (OpenHandle* handle : named) {
        auto attributes = files().attributes(handle->node);
        if (!attributes.ok() || attributes->links == 0) handle->is_severed = true;
    }
    return done;
}

std::string SimulatedUser::new_content(std::uint64_t size_max) {
    std::string out = device_.label() + "#" + std::to_string(++contents_) + "\n";
    out += as_text(random().bytes(random().below(size_max)));
    return out;
}

// ---- content

Status SimulatedUser::with_open(const Found& file, const std::function<Status(OpenHandle&)>& work) {
    TRY(HandleId id, files().open(file.attributes.node, {.read = true, .write = true}));
    OpenHandle handle{id, file.attributes.node};
    Status done = work(handle);
    if (done.ok()) done = files().flush(id);
    if (done.ok()) promise(handle);
    files().release(id);
    return done;
}

Status SimulatedUser::write_through(OpenHandle& handle, std::uint64_t offset,
                                    std::string_view data) {
    auto base = read(handle);
    if (!base.ok()) return left_out("its content cannot be read now");
    std::string wanted = *base;
    if (wanted.size() < offset + data.size()) wanted.resize(offset + data.size());
    wanted.replace(offset, data.size(), data);
    world_.ledger.know(key_of(wanted));
    if (wanted != *base) world_.ledger.give_up(key_of(*base));
    Status written = files().write(handle.id, offset, as_bytes(data));
    if (!written.ok()) return written;
    auto now = read(handle);
    if (now.ok() && *now != wanted)
        world_.fail(device_.label() + " reads something else than it has just written" + trace_);
    return {};
}

Status SimulatedUser::write_whole(const Place& place, const std::string& content, bool with_sync) {
    TRY_OK(give_up(place));
    OpenHandle handle;
    auto found = files().lookup(place.directory, place.name);
    if (found.ok()) {
        if (found->type != FileType::Regular) return left_out("no regular file");
        if (found->links > 1) TRY_OK(give_up(found->node));
        TRY(handle.id, files().open(found->node, {.read = true, .write = true, .truncate = true}));
        handle.node = found->node;
    } else {
        TRY(auto created, files().create(place.directory, place.name, 0644));
        handle.id = created.handle;
        handle.node = created.attributes.node;
    }
    const std::size_t half = random().chance(30) ? content.size() / 2 : content.size();
    Status done = write_through(handle, 0, std::string_view(content).substr(0, half));
    if (done.ok() && half < content.size())
        done = write_through(handle, half, std::string_view(content).substr(half));
    if (done.ok()) done = with_sync ? files().sync(handle.id) : files().flush(handle.id);
    if (done.ok()) promise(handle);
    if (done.ok() && with_sync) world_.ledger.make_durable(device_.number);
    files().release(handle.id);
    return done;
}

Status SimulatedUser::write_file() {
    Place place = new_place();
    if (random().chance(40))
        if (auto file = pick(FileType::Regular)) place = file->place;
    trace_ = " " + place.path;
    // Inline, one chunk, several chunks.
    const std::uint64_t sizes[] = {60, 60, 60, 6000, 60000};
    const std::uint64_t pack_sizes[] = {60, 6000, 60000, 60000, 60000};
    const std::size_t at = random().below(std::size(sizes));
    return write_whole(place, new_content(world_.writes_packs ? pack_sizes[at] : sizes[at]), false);
}

Status SimulatedUser::write_large_file() {
    const Place place = new_place();
    trace_ = " " + place.path;
    return write_whole(place, new_content(900000), random().chance(30));
}

Status SimulatedUser::create_empty() {
    const Place place = new_place();
    trace_ = " " + place.path;
    TRY(auto created, files().create(place.directory, place.name, 0600));
    files().release(created.handle);
    return {};
}

Status SimulatedUser::append() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    trace_ = " " + file->place.path;
    return with_open(*file, [&](OpenHandle& handle) -> Status {
        TRY(Attributes now, files().attributes(handle.node));
        return write_through(handle, now.size, new_content(40));
    });
}

Status SimulatedUser::overwrite_part() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    trace_ = " " + file->place.path;
    return with_open(*file, [&](OpenHandle& handle) -> Status {
        TRY(Attributes now, files().attributes(handle.node));
        // Sometimes behind the end: a hole.
        return write_through(handle, random().below(now.size + 200), new_content(200));
    });
}

Status SimulatedUser::resize(const Found& file, std::uint64_t size) {
    return with_open(file, [&](OpenHandle& handle) -> Status {
        auto base = read(handle);
        if (!base.ok()) return left_out("its content cannot be read now");
        std::string wanted = *base;
        wanted.resize(size);
        world_.ledger.know(key_of(wanted));
        if (wanted != *base) world_.ledger.give_up(key_of(*base));
        AttributeChange change;
        change.size = size;
        const bool is_open = random().chance(50);
        TRY(Attributes changed,
            files().set_attributes(handle.node, change,
                                   is_open ? std::optional(handle.id) : std::nullopt));
        if (changed.size != size)
            world_.fail(device_.label() + ": truncate gives another size" + trace_);
        return {};
    });
}

Status SimulatedUser::truncate() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    trace_ = " " + file->place.path;
    return resize(*file, random().below(file->attributes.size + 100));
}

Status SimulatedUser::copy_file() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    const Place place = new_place();
    trace_ = " " + file->place.path + " " + place.path;
    auto text = read(file->attributes.node);
    if (!text.ok()) return left_out("its content cannot be read now");
    return write_whole(place, *text, false);
}

// ---- names

Status SimulatedUser::rename_entry(const Place& from, const Place& to, RenameMode mode) {
    if (mode == RenameMode::Replace) TRY_OK(give_up(to));
    return severing(
        [&] { return files().rename(from.directory, from.name, to.directory, to.name, mode); });
}

Status SimulatedUser::rename(RenameMode mode) {
    const auto from = pick_any();
    if (!from) return left_out("nothing there");
    Place to = new_place();
    if (mode == RenameMode::Exchange || (mode == RenameMode::Replace && random().chance(40)))
        if (const auto other = pick_any()) to = other->place;
    trace_ = " " + from->place.path + " -> " + to.path;
    return rename_entry(from->place, to, mode);
}

Status SimulatedUser::make_link() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    const Place place = new_place();
    trace_ = " " + file->place.path + " " + place.path;
    TRY(Attributes made, files().make_link(file->attributes.node, place.directory, place.name));
    static_cast<void>(made);
    return {};
}

Status SimulatedUser::remove_file(const Place& place) {
    TRY_OK(give_up(place));
    return severing([&] { return files().remove_file(place.directory, place.name); });
}

Status SimulatedUser::unlink() {
    const auto found = pick_any();
    if (!found || found->attributes.type == FileType::Directory) return left_out("no file");
    trace_ = " " + found->place.path;
    return remove_file(found->place);
}

Status SimulatedUser::make_directory() {
    if (walk().size() > kEntriesMax) return remove_recursively();
    const Place place = new_place();
    trace_ = " " + place.path;
    TRY(Attributes made, files().make_directory(place.directory, place.name, 0755));
    static_cast<void>(made);
    return {};
}

Status SimulatedUser::remove_directory() {
    const auto found = pick(FileType::Directory);
    if (!found) return left_out("no directory");
    trace_ = " " + found->place.path;
    return files().remove_directory(found->place.directory, found->place.name);
}

Status SimulatedUser::remove_below(const Place& place) {
    TRY(Attributes found, files().lookup(place.directory, place.name));
    if (found.type != FileType::Directory) return remove_file(place);
    TRY(auto listing, files().list(found.node));
    for (const DirectoryEntry& entry : *listing)
        TRY_OK(remove_below({found.node, entry.name, place.path + "/" + entry.name}));
    return files().remove_directory(place.directory, place.name);
}

Status SimulatedUser::remove_recursively() {
    const auto found = pick(FileType::Directory);
    if (!found) return left_out("no directory");
    trace_ = " " + found->place.path;
    return remove_below(found->place);
}

Status SimulatedUser::make_symlink() {
    const Place place = new_place();
    const std::string target = "../" + device_.label() + std::to_string(++contents_);
    trace_ = " " + place.path;
    TRY(Attributes made, files().make_symlink(place.directory, place.name, target));
    static_cast<void>(made);
    world_.ledger.promise(key_of_symlink(target), device_.number,
                          device_.label() + " made a symlink" + trace_);
    return {};
}

// ---- attributes

Status SimulatedUser::set_xattr() {
    const auto found = pick_any();
    if (!found) return left_out("nothing there");
    trace_ = " " + found->place.path;
    const std::string name = random().chance(50) ? "user.colour" : "user.rating";
    return files().set_xattr(found->attributes.node, name,
                             as_bytes(std::to_string(random().below(5))), XattrMode::Set);
}

Status SimulatedUser::remove_xattr() {
    const auto found = pick_any();
    if (!found) return left_out("nothing there");
    trace_ = " " + found->place.path;
    return files().remove_xattr(found->attributes.node, "user.colour");
}

Status SimulatedUser::change_mode() {
    const auto found = pick_any();
    if (!found) return left_out("nothing there");
    trace_ = " " + found->place.path;
    AttributeChange change;
    change.mode = random().chance(50) ? 0600 : 0640;
    TRY(Attributes changed, files().set_attributes(found->attributes.node, change, std::nullopt));
    static_cast<void>(changed);
    return {};
}

// ---- as editors save

Status SimulatedUser::save_by_rename() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    const Place temporary = place_beside(file->place, "." + file->place.name + ".tmp");
    trace_ = " " + file->place.path;
    TRY_OK(write_whole(temporary, new_content(500), true));
    return rename_entry(temporary, file->place, RenameMode::Replace);
}

Status SimulatedUser::save_with_backup() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    trace_ = " " + file->place.path;
    TRY_OK(rename_entry(file->place, place_beside(file->place, file->place.name + "~"),
                        RenameMode::Replace));
    return write_whole(file->place, new_content(500), random().chance(50));
}

Status SimulatedUser::sync_file() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    trace_ = " " + file->place.path;
    TRY(HandleId handle, files().open(file->attributes.node, {.read = true, .write = true}));
    Status synced = files().sync(handle);
    files().release(handle);
    TRY_OK(std::move(synced));
    world_.ledger.make_durable(device_.number);
    return {};
}

Status SimulatedUser::sync_directory() {
    TRY_OK(files().sync_metadata());
    world_.ledger.make_durable(device_.number);
    return {};
}

// ---- files that stay open, over merges

Status SimulatedUser::open_handle() {
    if (device_.handles.size() >= 3) return left_out("enough are open");
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    trace_ = " " + file->place.path;
    TRY(HandleId id, files().open(file->attributes.node, {.read = true, .write = true}));
    device_.handles.push_back({id, file->attributes.node});
    return {};
}

Status SimulatedUser::write_handle() {
    if (device_.handles.empty()) return left_out("none is open");
    OpenHandle& handle = device_.handles[random().below(device_.handles.size())];
    TRY(Attributes now, files().attributes(handle.node));
    trace_ = " node " + std::to_string(handle.node);
    return write_through(handle, random().below(now.size + 1), new_content(100));
}

Status SimulatedUser::sync_handle() {
    if (device_.handles.empty()) return left_out("none is open");
    OpenHandle& handle = device_.handles[random().below(device_.handles.size())];
    trace_ = " node " + std::to_string(handle.node);
    TRY_OK(files().sync(handle.id));
    promise(handle);
    world_.ledger.make_durable(device_.number);
    return {};
}

Status SimulatedUser::close_handle() {
    if (device_.handles.empty()) return left_out("none is open");
    const std::size_t at = random().below(device_.handles.size());
    OpenHandle handle = device_.handles[at];
    device_.handles.erase(device_.handles.begin() + static_cast<std::ptrdiff_t>(at));
    trace_ = " node " + std::to_string(handle.node);
    Status flushed = files().flush(handle.id);
    if (flushed.ok()) promise(handle);
    files().release(handle.id);
    return flushed;
}

void SimulatedUser::close_handles() {
    trace_.clear();
    while (!device_.handles.empty()) {
        OpenHandle handle = device_.handles.back();
        device_.handles.pop_back();
        if (files().flush(handle.id).ok()) promise(handle);
        files().release(handle.id);
    }
}

Status SimulatedUser::read_file() {
    const auto file = pick(FileType::Regular);
    if (!file) return left_out("no file");
    trace_ = " " + file->place.path;
    auto text = read(file->attributes.node);
    if (!text.ok() && text.error().kind == ErrorKind::Unavailable)
        return left_out("its content has not come yet");
    if (!text.ok()) return std::move(text).error();
    return {};
}

}  // namespace lockstep::sim
