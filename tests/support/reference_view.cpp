#include "tests/support/reference_view.h"

#include <algorithm>

#include "vault/tree/derived_names.h"

namespace lockstep::reference {
namespace {

template <typename Map, typename Key, typename Value>
void keep_greater(Map& registers, const Key& key, const Value& value) {
    const auto [there, is_new] = registers.try_emplace(key, value);
    if (!is_new && there->second < value) there->second = value;
}

}  // namespace

bool identical(const Content& a, const Content& b) {
    return a.size == b.size && a.root == b.root;
}

View::View(const Records& records, const DerivedIds& ids) : ids_(ids) {
    std::set<std::tuple<Stamp, LinkId, FileId>> moves;
    std::set<VersionId> replaced;
    for (const Record& record : records) {
        if (const auto* link = std::get_if<LinkRecord>(&record)) {
            links[link->link] = *link;
            links_of[link->file].push_back(link->link);
        }
    }
    for (const Record& record : records) {
        if (const auto* r = std::get_if<ParentRecord>(&record)) {
            if (links.at(r->link).type == FileType::Directory) {
                moves.emplace(r->stamp, r->link, r->directory);
            }
            keep_greater(parent, r->link, std::pair(r->stamp, r->directory));
        } else if (const auto* n = std::get_if<NameRecord>(&record)) {
            keep_greater(name, n->link, std::pair(n->stamp, n->name));
        } else if (const auto* a = std::get_if<AttributeRecord>(&record)) {
            keep_greater(attributes[a->file], std::pair(a->key, a->xattr),
                         std::pair(a->stamp, a->value));
        } else if (const auto* v = std::get_if<VersionRecord>(&record)) {
            versions[v->id] = *v;
            replaced.insert(v->replaces.begin(), v->replaces.end());
        } else if (const auto* s = std::get_if<ResolveRecord>(&record)) {
            replaced.insert(s->drops.begin(), s->drops.end());
        } else if (const auto* d = std::get_if<DeleteRecord>(&record)) {
            deletes_[d->link].push_back(*d);
        }
    }
    replay(std::move(moves));
    for (const auto& [id, version] : versions) {
        if (!replaced.contains(id)) heads[version.file].push_back(version);
    }
    for (auto& [file, of_file] : heads) {
        std::sort(of_file.begin(), of_file.end(), [](const auto& a, const auto& b) {
            return std::tie(a.stamp, a.id) > std::tie(b.stamp, b.id);
        });
    }
    decide_life();
    for (const auto& [link, record] : links) children_[parent.at(link).second].push_back(link);
    see(kRootFile);
    fill("", {kRootFile});
}

void View::replay(std::set<std::tuple<Stamp, LinkId, FileId>> moves) {
    std::map<FileId, FileId> up;
    for (const auto& [stamp, link, target] : moves) {
        const FileId file = links.at(link).file;
        FileId node = target;
        while (node != kRootFile && node != file) node = up.at(node);
        if (node == file) continue;
        up[file] = target;
        parent[link] = {stamp, target};
    }
}

std::vector<DeleteRecord> View::effective(const LinkId& link) const {
    std::vector<DeleteRecord> out;
    if (!deletes_.contains(link)) return out;
    for (const DeleteRecord& each : deletes_.at(link)) {
        if (each.seen_parent == parent.at(link).first && each.seen_name == name.at(link).first)
            out.push_back(each);
    }
    return out;
}

bool View::is_gone(const FileId& file) const {
    const auto has = [](const auto& list, const auto& wanted) {
        return std::find(list.begin(), list.end(), wanted) != list.end();
    };
    for (const LinkId& link : links_of.at(file)) {
        for (const DeleteRecord& each : effective(link)) {
            bool all = !each.last.empty();
            for (const VersionId& head : head_ids(file)) all = all && has(each.heads, head);
            for (const LinkId& other : links_of.at(file)) all = all && has(each.last, other);
            if (all) return true;
        }
    }
    return false;
}

void View::decide_life() {
    for (const auto& [file, of_file] : links_of) {
        bool any = false;
        for (const LinkId& link : of_file) {
            if (!effective(link).empty()) continue;
            alive.insert(link);
            any = true;
        }
        if (any || links.at(of_file[0]).type == FileType::Directory || is_gone(file)) continue;
        std::pair<Stamp, LinkId> greatest;
        for (const LinkId& link : of_file) {
            for (const DeleteRecord& each : effective(link))
                greatest = std::max(greatest, {each.stamp, link});
        }
        alive.insert(greatest.second);
        revived.insert(greatest.second);
    }
}

bool View::see(const FileId& directory) {
    bool any = false;
    for (const LinkId& link : children_[directory]) {
        const bool below = links.at(link).type == FileType::Directory && see(links.at(link).file);
        if (!alive.contains(link) && !below) continue;
        visible.insert(link);
        any = true;
    }
    return any;
}

void View::fill(const std::string& path, const std::vector<FileId>& aliases) {
    std::map<std::string, std::vector<LinkId>> groups;
    for (const FileId& alias : aliases) {
        for (const LinkId& link : children_[alias]) {
            if (visible.contains(link)) groups[name.at(link).second].push_back(link);
        }
    }
    std::set<std::string> taken;
    for (const auto& [base, of_group] : groups) taken.insert(base);
    std::vector<Entry> waiting, directories;
    for (auto& [base, of_group] : groups) {
        std::sort(of_group.begin(), of_group.end(), [&](const LinkId& a, const LinkId& b) {
            return std::tie(links.at(a).stamp, a) < std::tie(links.at(b).stamp, b);
        });
        std::vector<LinkId> folders, files;
        for (const LinkId& link : of_group) {
            (links.at(link).type == FileType::Directory ? folders : files).push_back(link);
        }
        std::sort(folders.begin(), folders.end(), [&](const LinkId& a, const LinkId& b) {
            return links.at(a).file < links.at(b).file;
        });
        if (!folders.empty()) {
            Entry entry;
            entry.path = path + "/" + base;
            entry.name = base;
            entry.group = {path, base};
            entry.type = FileType::Directory;
            entry.links = folders;
            for (const LinkId& link : folders) entry.files.push_back(links.at(link).file);
            entries[entry.path] = entry;
            directories.push_back(entry);
        }
        show_files(path, base, files, !folders.empty(), waiting);
    }
    for (Entry& entry : waiting) derive(std::move(entry), taken);
    for (const Entry& entry : directories) fill(entry.path, entry.files);
}

void View::show_files(const std::string& path, const std::string& base,
                      const std::vector<LinkId>& of_group, bool name_taken,
                      std::vector<Entry>& waiting) {
    std::vector<Entry> wanted;
    const auto want = [&](const LinkId& link, std::size_t head) {
        const LinkRecord& record = links.at(link);
        const VersionRecord& version = heads.at(record.file)[head];
        Entry entry;
        entry.path = path + "/" + base;
        entry.name = base;
        entry.group = {path, base};
        entry.type = record.type;
        entry.links = {link};
        entry.files = {record.file};
        entry.version = version.id;
        entry.content = version.content;
        entry.main = head == 0;
        wanted.push_back(entry);
    };
    for (const LinkId& link : of_group) want(link, 0);
    for (const LinkId& link : of_group) {
        for (std::size_t head = 1; head < heads.at(links.at(link).file).size(); ++head)
            want(link, head);
    }
    std::vector<Entry> shown;
    for (Entry& entry : wanted) {
        const auto same = std::find_if(shown.begin(), shown.end(), [&](const Entry& other) {
            return other.type == entry.type && identical(other.content, entry.content);
        });
        if (same == shown.end()) {
            shown.push_back(entry);
        } else {
            same->twins.push_back({entry.links[0], entry.files[0], entry.version, entry.main});
        }
    }
    for (Entry& entry : shown) {
        if (name_taken) {
            waiting.push_back(entry);
        } else {
            entries[entry.path] = entry;
        }
        name_taken = true;
    }
}

void View::derive(Entry entry, std::set<std::string>& taken) {
    const VersionRecord& version = versions.at(entry.version);
    const LinkId mark = entry.main ? entry.links[0] : ids_.link(entry.links[0], entry.version);
    const std::string hex = mark.to_hex();
    const DerivedNameParts parts{entry.group.second, version.device_label, version.stamp, hex};
    std::string wanted = derived_name(parts, 0);
    for (std::size_t attempt = 1; taken.contains(wanted); ++attempt) {
        entry.blocked.push_back(wanted);
        wanted = derived_name(parts, attempt);
    }
    taken.insert(wanted);
    entry.name = wanted;
    entry.path = entry.group.first + "/" + wanted;
    entries[entry.path] = entry;
}

const Entry* View::find(const std::string& path) const {
    const auto found = entries.find(path);
    return found == entries.end() ? nullptr : &found->second;
}

Attributes View::attributes_of(const FileId& file) const {
    Attributes out;
    if (!attributes.contains(file)) return out;
    for (const auto& [key, value] : attributes.at(file)) {
        if (value.second) out[key] = value.second;
    }
    return out;
}

std::vector<VersionId> View::head_ids(const FileId& file) const {
    std::vector<VersionId> out;
    if (!heads.contains(file)) return out;
    for (const VersionRecord& head : heads.at(file)) out.push_back(head.id);
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace lockstep::reference
