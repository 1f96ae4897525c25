#include "tests/support/reference_model.h"

#include <algorithm>

#include "vault/tree/derived_names.h"

namespace lockstep::reference {
namespace {

std::pair<std::string, std::string> split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return {path.substr(0, slash), path.substr(slash + 1)};
}

bool is_below(const std::string& path, const std::string& directory) {
    return path.rfind(directory + "/", 0) == 0;
}

template <typename T>
std::vector<T> listed(const std::set<T>& set) {
    return {set.begin(), set.end()};
}

// (kind of register, whose, stamp): what an operation sets once.
std::optional<std::tuple<int, Bytes, int, std::string, Stamp>> register_of(const Record& record) {
    if (const auto* r = std::get_if<ParentRecord>(&record))
        return std::tuple(0, to_bytes(r->link.view()), 0, "", r->stamp);
    if (const auto* r = std::get_if<NameRecord>(&record))
        return std::tuple(1, to_bytes(r->link.view()), 0, "", r->stamp);
    if (const auto* r = std::get_if<AttributeRecord>(&record)) {
        return std::tuple(2, to_bytes(r->file.view()), static_cast<int>(r->key), r->xattr,
                          r->stamp);
    }
    return std::nullopt;
}

}  // namespace

std::shared_ptr<const View> Device::snapshot() {
    if (!view_) {
        Records all = published_;
        all.insert(pending_.begin(), pending_.end());
        view_ = std::make_shared<const View>(all, ids_);
    }
    return view_;
}

std::optional<Entry> Device::find(const std::string& path) {
    const Entry* entry = snapshot()->find(path);
    return entry == nullptr ? std::nullopt : std::optional(*entry);
}

// A register set twice by one operation (made real, then moved) has its last value.
void Device::emit(Record record) {
    if (const auto key = register_of(record)) {
        std::erase_if(pending_, [&](const Record& each) { return register_of(each) == key; });
    }
    pending_.push_back(std::move(record));
    view_.reset();
}

// ---- preparing

std::optional<FileId> Device::home(const std::string& directory, const Stamp& stamp) {
    const auto seen = snapshot();
    FileId chosen = kRootFile;
    for (std::size_t at = 1; at < directory.size();) {
        const std::size_t slash = std::min(directory.find('/', at), directory.size());
        const Entry* entry = seen->find(directory.substr(0, slash));
        if (entry == nullptr || !entry->is_directory()) return std::nullopt;
        std::size_t alias = 0;
        while (alias < entry->links.size() && !seen->is_alive(entry->links[alias])) ++alias;
        const bool live = alias < entry->links.size();
        if (!live) alias = 0;
        chosen = entry->files[alias];
        if (!live)
            emit(ParentRecord{entry->links[0], stamp, seen->parent.at(entry->links[0]).second});
        at = slash + 1;
    }
    return chosen;
}

void Device::touch(const std::set<Group>& seeds, const Stamp& stamp) {
    const auto seen = snapshot();
    const std::set<Group> groups = closure(*seen, seeds);
    std::set<std::pair<FileId, VersionId>> forks;
    std::vector<LinkId> twins;
    std::map<LinkId, std::tuple<FileId, FileId, VersionId>>
        heirs;  // hidden link → its file, who hides it
    for (const auto& [path, entry] : seen->entries) {
        if (!groups.contains(entry.group) || entry.is_directory()) continue;
        if (!entry.main) {
            forks.emplace(entry.files[0], entry.version);
        } else if (entry.is_derived()) {
            emit(NameRecord{entry.links[0], stamp, entry.name});
        }
        FileId heir = entry.files[0];
        VersionId opened = entry.version;
        if (!entry.main) {
            heir = ids_.file(heir, entry.version);
            opened = ids_.version(heir, entry.version);
        }
        for (const Twin& twin : entry.twins) {
            if (!twin.main) {
                forks.emplace(twin.file, twin.version);
                continue;
            }
            twins.push_back(twin.link);
            heirs[twin.link] = {twin.file, heir, opened};
        }
    }
    remove(twins, stamp);
    for (const auto& [file, of_version] : forks) {
        restamp(file, stamp);
        fork(*seen, file, of_version, stamp);
    }
    for (const auto& [link, heir] : heirs) {
        const auto& [file, to, opened] = heir;
        const auto now = snapshot();
        const auto& all = now->links_of.at(file);
        if (std::any_of(all.begin(), all.end(),
                        [&](const LinkId& each) { return now->is_alive(each); }))
            continue;
        retarget(file, to, opened, now->heads.at(file)[0].id);
    }
}

std::set<Group> Device::closure(const View& seen, std::set<Group> groups) const {
    for (;;) {
        std::set<std::string> names;
        std::set<FileId> files;
        for (const auto& [path, entry] : seen.entries) {
            if (!groups.contains(entry.group)) continue;
            names.insert(path);
            if (entry.is_directory()) continue;
            if (seen.heads.at(entry.files[0]).size() > 1) files.insert(entry.files[0]);
            for (const Twin& twin : entry.twins) {
                if (seen.heads.at(twin.file).size() > 1) files.insert(twin.file);
            }
        }
        std::set<Group> more = groups;
        for (const auto& [path, entry] : seen.entries) {
            if (entry.is_directory()) continue;
            bool tangled = files.contains(entry.files[0]);
            for (const Twin& twin : entry.twins) tangled = tangled || files.contains(twin.file);
            for (const std::string& name : entry.blocked)
                tangled = tangled || names.contains(entry.group.first + "/" + name);
            if (tangled) more.insert(entry.group);
        }
        if (more == groups) return groups;
        groups = std::move(more);
    }
}

void Device::fork(const View& seen, const FileId& file, const VersionId& of_version,
                  const Stamp& stamp) {
    const VersionRecord& old = seen.versions.at(of_version);
    const FileId made = ids_.file(file, of_version);
    bool shown = false;
    for (const auto& [path, entry] : seen.entries) {
        if (entry.is_directory() || entry.main || entry.files[0] != file ||
            entry.version != of_version)
            continue;
        const LinkId link = ids_.link(entry.links[0], of_version);
        derived_links_.insert(link);
        emit(LinkRecord{link, made, entry.type, old.stamp});
        emit(ParentRecord{link, old.stamp, seen.parent.at(entry.links[0]).second});
        emit(NameRecord{link, old.stamp, entry.name});
        shown = true;
    }
    if (shown) {
        derived_files_.insert(made);
        derived_versions_.insert(ids_.version(made, of_version));
        emit(VersionRecord{
            made, ids_.version(made, of_version), old.content, {}, old.stamp, old.device_label});
        if (seen.attributes.contains(file)) {
            for (const auto& [key, value] : seen.attributes.at(file)) {
                emit(AttributeRecord{made, key.first, key.second, value.first, value.second});
            }
        }
    }
    emit(ResolveRecord{file, {of_version}, stamp});
}

void Device::remove(const std::vector<LinkId>& links, const Stamp& stamp) {
    const auto seen = snapshot();
    for (const LinkId& link : links) {
        const FileId file = seen->links.at(link).file;
        DeleteRecord record{
            link, seen->parent.at(link).first, seen->name.at(link).first, seen->head_ids(file), {},
            stamp};
        std::vector<LinkId> all = seen->links_of.at(file);
        const bool others = std::any_of(all.begin(), all.end(), [&](const LinkId& each) {
            return seen->is_alive(each) &&
                   std::find(links.begin(), links.end(), each) == links.end();
        });
        if (!others && seen->links.at(link).type != FileType::Directory) {
            std::sort(all.begin(), all.end());
            record.last = all;
        }
        emit(record);
    }
}

void Device::note_removed(const std::vector<LinkId>& links) {
    const auto seen = snapshot();
    for (const LinkId& link : links) {
        const FileId file = seen->links.at(link).file;
        const auto& all = seen->links_of.at(file);
        if (std::any_of(all.begin(), all.end(),
                        [&](const LinkId& each) { return seen->is_alive(each); }))
            continue;
        for (auto& [number, handle] : handles_) {
            if (handle.file == file) handle.removed = true;
        }
    }
}

FileId Device::put(const std::string& path, FileType type, std::optional<FileId> file,
                   const Stamp& stamp) {
    const auto [directory, name] = split(path);
    const FileId parent = *home(directory, stamp);
    const auto link = random_.id<LinkId>();
    const FileId id = file ? *file : random_.id<FileId>();
    emit(LinkRecord{link, id, type, stamp});
    emit(ParentRecord{link, stamp, parent});
    emit(NameRecord{link, stamp, name});
    return id;
}

std::set<VersionId> Device::through(const std::set<VersionId>& ids) const {
    std::set<VersionId> out;
    std::vector<VersionId> todo = listed(ids);
    while (!todo.empty()) {
        const VersionId id = todo.back();
        todo.pop_back();
        if (const auto gone = coalesced_.find(id); gone != coalesced_.end()) {
            todo.insert(todo.end(), gone->second.begin(), gone->second.end());
        } else {
            out.insert(id);
        }
    }
    return out;
}

std::vector<VersionId> Device::through(const std::vector<VersionId>& ids) const {
    return listed(through(std::set<VersionId>(ids.begin(), ids.end())));
}

// What one handle of this device commits, all its other handles have seen.
VersionId Device::version(const FileId& file, const Content& content, std::set<VersionId> replaces,
                          const Stamp& stamp) {
    const auto id = random_.id<VersionId>();
    emit(VersionRecord{file, id, content, listed(through(replaces)), stamp, label_});
    for (auto& [number, handle] : handles_) {
        if (handle.file != file) continue;
        for (const VersionId& each : replaces) handle.opened.erase(each);
        handle.opened.insert(id);
    }
    return id;
}

void Device::restamp(const FileId& file, const Stamp& stamp) {
    const auto seen = snapshot();
    for (const LinkId& link : seen->links_of.at(file)) {
        if (seen->revived.contains(link))
            emit(ParentRecord{link, stamp, seen->parent.at(link).second});
    }
}

std::set<VersionId> Device::heads_like(const FileId& file, const Content& content) {
    std::set<VersionId> out;
    for (const VersionRecord& head : snapshot()->heads.at(file)) {
        if (identical(head.content, content)) out.insert(head.id);
    }
    return out;
}

// The groups of every name that shows the node: operations come by inode, not by path.
std::set<Group> Device::groups_of(const Node& node) {
    std::set<Group> groups;
    for (const auto& [path, entry] : snapshot()->entries) {
        if (!entry.is_directory() && entry.node() == node) groups.insert(entry.group);
    }
    return groups;
}

// Makes real what a write of `content` to the file would otherwise disturb.
void Device::settle_for_write(const FileId& file, const Content& content, const Stamp& stamp) {
    const auto seen = snapshot();
    std::set<Group> mine, seeds;
    for (const auto& [path, entry] : seen->entries) {
        if (!entry.is_directory() && entry.main && entry.files[0] == file) mine.insert(entry.group);
    }
    for (const auto& [path, entry] : seen->entries) {
        if (entry.is_directory()) continue;
        const bool is_mine = entry.main && entry.files[0] == file;
        if (mine.contains(entry.group) && identical(entry.content, content) && !is_mine)
            seeds.insert(entry.group);
        if (is_mine && (entry.is_derived() || !entry.twins.empty())) seeds.insert(entry.group);
        for (const Twin& twin : entry.twins) {
            if (twin.file == file) seeds.insert(entry.group);
        }
    }
    touch(seeds, stamp);
}

// ---- operations

bool Device::create(const std::string& path, FileType type, const Content& content,
                    const Stamp& stamp) {
    const auto directory = find(split(path).first);
    if (find(path) || (!split(path).first.empty() && (!directory || !directory->is_directory())))
        return false;
    version(put(path, type, std::nullopt, stamp), content, {}, stamp);
    return true;
}

bool Device::make_directory(const std::string& path, const Stamp& stamp) {
    const auto directory = find(split(path).first);
    if (find(path) || (!split(path).first.empty() && (!directory || !directory->is_directory())))
        return false;
    put(path, FileType::Directory, std::nullopt, stamp);
    return true;
}

bool Device::write(const std::string& path, const Content& content, const Stamp& stamp) {
    const auto before = find(path);
    if (!before || before->is_directory()) return false;
    if (before->main) {
        settle_for_write(before->files[0], content, stamp);
    } else {
        touch({before->group}, stamp);
    }
    const Entry entry = *find(path);
    restamp(entry.files[0], stamp);
    version(entry.files[0], content, heads_like(entry.files[0], entry.content), stamp);
    return true;
}

bool Device::remove_file(const std::string& path, const Stamp& stamp) {
    const auto entry = find(path);
    if (!entry || entry->is_directory()) return false;
    home(entry->group.first, stamp);
    touch({entry->group}, stamp);
    const std::vector<LinkId> links{find(path)->links[0]};
    remove(links, stamp);
    note_removed(links);
    return true;
}

bool Device::remove_directory(const std::string& path, const Stamp& stamp) {
    const auto entry = find(path);
    if (!entry || !entry->is_directory()) return false;
    for (const auto& [other, each] : snapshot()->entries) {
        if (is_below(other, path)) return false;
    }
    home(entry->group.first, stamp);
    touch({entry->group}, stamp);
    remove(entry->links, stamp);
    return true;
}

bool Device::make_link(const std::string& source, const std::string& path, const Stamp& stamp) {
    const auto before = find(source);
    const auto directory = find(split(path).first);
    if (!before || before->is_directory() || find(path)) return false;
    if (!split(path).first.empty() && (!directory || !directory->is_directory())) return false;
    touch(groups_of(before->node()), stamp);
    const Entry entry = *find(source);
    restamp(entry.files[0], stamp);
    put(path, entry.type, entry.files[0], stamp);
    return true;
}

bool Device::set_attribute(const std::string& path, const AttributeSetting& setting,
                           const Stamp& stamp) {
    const auto before = find(path);
    if (!before) return false;
    if (before->is_directory()) {
        for (const FileId& alias : before->files)
            emit(AttributeRecord{alias, setting.key, setting.xattr, stamp, setting.value});
        return true;
    }
    touch(groups_of(before->node()), stamp);
    emit(AttributeRecord{find(path)->files[0], setting.key, setting.xattr, stamp, setting.value});
    return true;
}

bool Device::rename(const std::string& source, const std::string& path, RenameMode mode,
                    const Stamp& stamp) {
    auto entry = find(source), other = find(path);
    const auto [directory, name] = split(path);
    const auto [source_directory, source_name] = split(source);
    const auto parent_entry = find(directory);
    if (!entry || (!directory.empty() && (!parent_entry || !parent_entry->is_directory())))
        return false;
    if (other && other->type == entry->type && other->node() == entry->node() &&
        mode != RenameMode::NoReplace)
        return true;
    if (entry->is_directory() && is_below(path, source)) return false;
    const auto is_filled = [&](const std::string& of) {
        const auto& all = snapshot()->entries;
        return std::any_of(all.begin(), all.end(),
                           [&](const auto& each) { return is_below(each.first, of); });
    };
    if (mode == RenameMode::Exchange &&
        (!other || (other->is_directory() && is_below(source, path))))
        return false;
    if (mode == RenameMode::NoReplace && other) return false;
    if (mode == RenameMode::Replace && other) {
        if (other->is_directory() != entry->is_directory() ||
            (other->is_directory() && is_filled(path)))
            return false;
    }
    const std::optional<FileId> home_of_source = home(entry->group.first, stamp);
    const std::optional<FileId> home_of_target = home(directory, stamp);
    std::set<Group> groups{entry->group};
    if (other) groups.insert(other->group);
    touch(groups, stamp);
    const auto seen = snapshot();
    entry = find(source);
    other = find(path);
    const bool moves = directory != source_directory;
    const auto move = [&](const Entry& what, const FileId& to, const std::string& called) {
        for (const LinkId& link : what.links) {
            if (moves) emit(ParentRecord{link, stamp, to});
            if (called != seen->name.at(link).second) emit(NameRecord{link, stamp, called});
        }
    };
    if (other && mode == RenameMode::Exchange) {
        move(*entry, *home_of_target, name);
        move(*other, *home_of_source, source_name);
        return true;
    }
    if (other && !entry->is_directory() && shares_content(*entry, *other)) {
        replace(*entry, *other, stamp);
        return true;
    }
    if (other) {
        remove(other->links, stamp);
        note_removed(other->links);
    }
    move(*entry, *home_of_target, name);
    return true;
}

bool Device::shares_content(const Entry& source, const Entry& target) {
    const auto seen = snapshot();
    const auto live = [&](const Entry& entry) {
        const auto& all = seen->links_of.at(entry.files[0]);
        return std::count_if(all.begin(), all.end(),
                             [&](const LinkId& each) { return seen->is_alive(each); });
    };
    return source.type == target.type &&
           (source.type == FileType::Regular || source.type == FileType::Symlink) &&
           live(source) == 1 && live(target) == 1;
}

void Device::replace(const Entry& source, const Entry& target, const Stamp& stamp) {
    const FileId from = source.files[0], to = target.files[0];
    const auto seen = snapshot();
    restamp(to, stamp);
    for (auto& [number, handle] : handles_) handle.severed = handle.severed || handle.file == to;
    const std::vector<VersionId> heads = seen->head_ids(to);
    const VersionId made = version(to, source.content, {heads.begin(), heads.end()}, stamp);
    const Attributes of_source = seen->attributes_of(from), of_target = seen->attributes_of(to);
    if (seen->attributes.contains(from)) {
        for (const auto& [key, value] : seen->attributes.at(from))
            emit(AttributeRecord{to, key.first, key.second, stamp, value.second});
    }
    for (const auto& [key, value] : of_target) {
        if (key.first != AttributeKey::Xattr) continue;
        if (!seen->attributes.contains(from) || !seen->attributes.at(from).contains(key)) {
            emit(AttributeRecord{to, key.first, key.second, stamp, std::nullopt});
        }
    }
    retarget(from, to, made, seen->heads.at(from)[0].id);
    remove(source.links, stamp);
}

// The file of a handle lies hidden below another, or has become a version of it: the handle goes on
// with the other.
void Device::retarget(const FileId& from, const FileId& to, const VersionId& opened,
                      const VersionId& seen) {
    for (auto& [number, handle] : handles_) {
        if (handle.file != from || handle.severed) continue;
        handle.file = to;
        handle.removed = false;
        handle.opened =
            handle.opened.contains(seen) ? std::set<VersionId>{opened} : std::set<VersionId>{};
    }
}

bool Device::resolve(const std::string& path, const Stamp& stamp) {
    const auto entry = find(path);
    if (!entry || entry->is_directory()) return false;
    const FileId file = entry->files[0];
    const std::vector<VersionId> heads = snapshot()->head_ids(file);
    if (heads.size() < 2) return false;
    restamp(file, stamp);
    version(file, entry->content, {heads.begin(), heads.end()}, stamp);
    touch(groups_of({file, std::nullopt}), stamp);
    return true;
}

bool Device::restore(const LinkId& link, const Stamp& stamp) {
    const auto seen = snapshot();
    if (!seen->links.contains(link) || seen->links.at(link).type == FileType::Directory)
        return false;
    for (const LinkId& each : seen->links_of.at(seen->links.at(link).file)) {
        if (seen->is_alive(each)) return false;
    }
    std::vector<LinkId> above;
    for (FileId up = seen->parent.at(link).second; up != kRootFile;
         up = seen->parent.at(above.back()).second) {
        above.push_back(seen->links_of.at(up)[0]);
    }
    std::string at;
    for (auto each = above.rbegin(); each != above.rend(); ++each) {
        at += "/" + seen->name.at(*each).second;
        const Entry* there = seen->find(at);
        if (there != nullptr && !there->is_directory()) return false;
    }
    for (auto each = above.rbegin(); each != above.rend(); ++each) {
        if (!seen->is_alive(*each)) emit(ParentRecord{*each, stamp, seen->parent.at(*each).second});
    }
    emit(ParentRecord{link, stamp, seen->parent.at(link).second});
    const std::string base = seen->name.at(link).second;
    std::string name = base;
    for (std::size_t attempt = 0; seen->find(at + "/" + name) != nullptr; ++attempt)
        name = restored_name(base, attempt);
    if (name != base) emit(NameRecord{link, stamp, name});
    return true;
}

// ---- open files
//
// A handle that wrote to a file which was removed here keeps nothing; which was removed elsewhere,
// everything. A handle on what a save by rename replaced (severed) keeps nothing, one on its source
// goes on with the target.

bool Device::open(int number, const std::string& path, const Stamp& stamp) {
    const auto before = find(path);
    if (!before || before->is_directory()) return false;
    std::set<Group> derived;
    for (const auto& [other, entry] : snapshot()->entries) {
        if (!entry.is_directory() && entry.node() == before->node() && entry.is_derived())
            derived.insert(entry.group);
    }
    touch(derived, stamp);
    const Entry entry = *find(path);
    handles_[number] = {entry.files[0], heads_like(entry.files[0], entry.content), false, false};
    return true;
}

bool Device::close(int number, const Content& content, const Stamp& stamp) {
    const auto alive = [&](const FileId& file) {
        const auto seen = snapshot();
        if (!seen->links_of.contains(file)) return false;
        const auto& all = seen->links_of.at(file);
        return std::any_of(all.begin(), all.end(),
                           [&](const LinkId& each) { return seen->is_alive(each); });
    };
    const auto end = [&](bool kept) {
        handles_.erase(number);
        return kept;
    };
    const Handle handle = handles_.at(number);
    if (handle.severed || !snapshot()->links_of.contains(handle.file)) return end(false);
    if (handle.removed && !alive(handle.file)) return end(false);
    if (alive(handle.file)) {
        settle_for_write(handle.file, content, stamp);
        restamp(handles_.at(number).file, stamp);
    }
    const Handle now = handles_.at(number);
    version(now.file, content, now.opened, stamp);
    return end(true);
}

// ---- exchange

std::optional<Segment> Device::publish() {
    if (pending_.empty()) return std::nullopt;
    Segment segment{label_, frontier_[label_] + 1, frontier_, coalesce()};
    segment.frontier.erase(label_);
    if (segment.number > 1) segment.frontier[label_] = segment.number - 1;
    frontier_[label_] = segment.number;
    published_.insert(segment.records.begin(), segment.records.end());
    pending_.clear();
    view_.reset();
    return segment;
}

bool Device::deliver(const Segment& segment) {
    for (const auto& [device, number] : segment.frontier) {
        if (frontier_[device] < number) return false;
    }
    if (frontier_[segment.device] >= segment.number) return true;
    frontier_[segment.device] = segment.number;
    published_.insert(segment.records.begin(), segment.records.end());
    view_.reset();
    return true;
}

std::vector<Record> Device::coalesce() {
    const auto seen = snapshot();
    // Registers: the newest value; directory parents all.
    std::vector<Record> kept;
    for (const Record& record : pending_) {
        const auto key = register_of(record);
        const auto* parent = std::get_if<ParentRecord>(&record);
        if (key &&
            !(parent != nullptr && seen->links.at(parent->link).type == FileType::Directory)) {
            const bool older =
                std::any_of(pending_.begin(), pending_.end(), [&](const Record& other) {
                    const auto of_other = register_of(other);
                    return of_other && std::get<0>(*of_other) == std::get<0>(*key) &&
                           std::get<1>(*of_other) == std::get<1>(*key) &&
                           std::get<2>(*of_other) == std::get<2>(*key) &&
                           std::get<3>(*of_other) == std::get<3>(*key) &&
                           std::get<4>(*of_other) > std::get<4>(*key);
                });
            if (older) continue;
        }
        kept.push_back(record);
    }
    // Versions that another pending one replaced.
    std::map<VersionId, std::vector<VersionId>> mine;
    std::set<VersionId> named;
    for (const Record& record : kept) {
        if (const auto* v = std::get_if<VersionRecord>(&record)) {
            if (!derived_versions_.contains(v->id)) mine[v->id] = v->replaces;
            named.insert(v->replaces.begin(), v->replaces.end());
        }
        if (const auto* r = std::get_if<ResolveRecord>(&record))
            named.insert(r->drops.begin(), r->drops.end());
    }
    for (const VersionId& id : named) {
        if (mine.contains(id)) coalesced_[id] = mine[id];
    }
    std::erase_if(kept, [&](const Record& record) {
        const auto* v = std::get_if<VersionRecord>(&record);
        return v != nullptr && coalesced_.contains(v->id);
    });
    for (Record& record : kept) {
        if (auto* v = std::get_if<VersionRecord>(&record)) v->replaces = through(v->replaces);
        if (auto* r = std::get_if<ResolveRecord>(&record)) r->drops = through(r->drops);
        if (auto* d = std::get_if<DeleteRecord>(&record)) d->heads = through(d->heads);
    }
    // What came and went, whole files at a time.
    std::set<FileId> known, files;
    for (const Record& record : published_) {
        if (const auto* link = std::get_if<LinkRecord>(&record)) known.insert(link->file);
    }
    for (const Record& record : kept) {
        const auto* link = std::get_if<LinkRecord>(&record);
        if (link == nullptr || derived_links_.contains(link->link) ||
            derived_files_.contains(link->file))
            continue;
        if (known.contains(link->file)) continue;
        const auto& all = seen->links_of.at(link->file);
        if (std::none_of(all.begin(), all.end(),
                         [&](const LinkId& each) { return seen->visible.contains(each); })) {
            files.insert(link->file);
        }
    }
    const auto file_of = [&](const Record& record) {
        return std::visit(
            [&](const auto& each) {
                if constexpr (requires { each.file; })
                    return each.file;
                else
                    return seen->links.at(each.link).file;
            },
            record);
    };
    for (bool again = true; again;) {
        again = false;
        for (const Record& record : kept) {
            const auto* parent = std::get_if<ParentRecord>(&record);
            if (parent != nullptr && !files.contains(file_of(record)))
                again = files.erase(parent->directory) > 0 || again;
        }
    }
    std::erase_if(kept, [&](const Record& record) { return files.contains(file_of(record)); });
    return kept;
}

}  // namespace lockstep::reference
