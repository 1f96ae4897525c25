// Publishing: what is pending becomes what others get to know, each changed register once.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "vault/tree/tree_state.h"

namespace lockstep {
namespace {

class Coalescing {
  public:
    Coalescing(const TreeFacts& facts, const std::vector<Record>& pending)
        : facts_(facts), records_(pending) {}

    void run() {
        keep_newest_registers();
        substitute_versions();
        drop_what_came_and_went();
    }

    std::vector<Record> take_records() { return std::move(records_); }
    const std::unordered_set<LinkId>& dropped_links() const { return dropped_; }
    // Versions that nobody will hear of, with their files and what each replaced.
    struct Gone {
        FileId file;
        std::vector<VersionId> replaces;
    };
    const std::unordered_map<VersionId, Gone>& gone() const { return gone_; }

    // Ids that coalescing removed stand for what they replaced. Sorted.
    std::vector<VersionId> through(const std::vector<VersionId>& ids) const {
        std::vector<VersionId> out, todo = ids;
        std::unordered_set<VersionId> seen;
        while (!todo.empty()) {
            const VersionId id = todo.back();
            todo.pop_back();
            if (!seen.insert(id).second) continue;
            if (const auto gone = gone_.find(id); gone != gone_.end()) {
                todo.insert(todo.end(), gone->second.replaces.begin(), gone->second.replaces.end());
            } else {
                out.push_back(id);
            }
        }
        std::sort(out.begin(), out.end());
        return out;
    }

  private:
    // Parents of directories are replayed, so every one stays.
    void keep_newest_registers() {
        std::unordered_map<LinkId, Stamp> parents, names;
        std::map<std::tuple<FileId, AttributeKey, std::string>, Stamp> attributes;
        const auto newest = [](Stamp& there, const Stamp& stamp) {
            there = std::max(there, stamp);
        };
        for (const Record& record : records_) {
            if (const auto* parent = std::get_if<ParentRecord>(&record))
                newest(parents[parent->link], parent->stamp);
            if (const auto* name = std::get_if<NameRecord>(&record))
                newest(names[name->link], name->stamp);
            if (const auto* each = std::get_if<AttributeRecord>(&record)) {
                newest(attributes[{each->file, each->key, each->xattr}], each->stamp);
            }
        }
        std::erase_if(records_, [&](const Record& record) {
            if (const auto* parent = std::get_if<ParentRecord>(&record)) {
                return !is_directory_link(parent->link) && parent->stamp < parents[parent->link];
            }
            if (const auto* name = std::get_if<NameRecord>(&record))
                return name->stamp < names[name->link];
            if (const auto* each = std::get_if<AttributeRecord>(&record)) {
                return each->stamp < attributes[{each->file, each->key, each->xattr}];
            }
            return false;
        });
    }

    void substitute_versions() {
        std::unordered_map<VersionId, const VersionRecord*> mine;
        for (const Record& record : records_) {
            const auto* version = std::get_if<VersionRecord>(&record);
            if (version != nullptr && !has_derived_id(*version)) mine.emplace(version->id, version);
        }
        const auto note = [&](const std::vector<VersionId>& replaced) {
            for (const VersionId& id : replaced) {
                const auto found = mine.find(id);
                if (found != mine.end())
                    gone_.emplace(id, Gone{found->second->file, found->second->replaces});
            }
        };
        for (const Record& record : records_) {
            if (const auto* version = std::get_if<VersionRecord>(&record)) note(version->replaces);
            if (const auto* resolve = std::get_if<ResolveRecord>(&record)) note(resolve->drops);
        }
        std::erase_if(records_, [&](const Record& record) {
            const auto* version = std::get_if<VersionRecord>(&record);
            return version != nullptr && gone_.contains(version->id);
        });
        for (Record& record : records_) {
            if (auto* version = std::get_if<VersionRecord>(&record))
                version->replaces = through(version->replaces);
            if (auto* resolve = std::get_if<ResolveRecord>(&record))
                resolve->drops = through(resolve->drops);
            if (auto* deletion = std::get_if<DeleteRecord>(&record))
                deletion->heads = through(deletion->heads);
        }
    }

    // A link that came and went goes only together with its whole file; a directory that a kept
    // record names as parent stays, with its delete.
    void drop_what_came_and_went() {
        std::unordered_map<FileId, std::vector<LinkId>> by_file;
        for (const Record& record : records_) {
            const auto* link = std::get_if<LinkRecord>(&record);
            if (link != nullptr && came_and_went(*link)) by_file[link->file].push_back(link->link);
        }
        for (bool again = !by_file.empty(); again;) {
            dropped_.clear();
            for (const auto& [file, links] : by_file) dropped_.insert(links.begin(), links.end());
            again = false;
            for (const Record& record : records_) {
                const auto* parent = std::get_if<ParentRecord>(&record);
                if (parent == nullptr || dropped_.contains(parent->link)) continue;
                again |= by_file.erase(parent->directory) > 0;
            }
        }
        std::erase_if(records_, [&](const Record& record) { return is_dropped(record, by_file); });
    }

    bool is_dropped(const Record& record,
                    const std::unordered_map<FileId, std::vector<LinkId>>& files) const {
        if (const auto* link = std::get_if<LinkRecord>(&record))
            return dropped_.contains(link->link);
        if (const auto* parent = std::get_if<ParentRecord>(&record))
            return dropped_.contains(parent->link);
        if (const auto* name = std::get_if<NameRecord>(&record))
            return dropped_.contains(name->link);
        if (const auto* deletion = std::get_if<DeleteRecord>(&record))
            return dropped_.contains(deletion->link);
        if (const auto* attribute = std::get_if<AttributeRecord>(&record))
            return files.contains(attribute->file);
        if (const auto* version = std::get_if<VersionRecord>(&record))
            return files.contains(version->file);
        return files.contains(std::get<ResolveRecord>(record).file);
    }

    bool came_and_went(const LinkRecord& record) const {
        const Index at = facts_.find_link(record.link);
        if (at == kNoIndex) return false;
        const LinkState& link = facts_.link(at);
        const FileState& file = facts_.file(link.file);
        if (link.published || link.derived_id || file.published || file.derived_id) return false;
        const std::vector<Index> links = facts_.links_of(link.file);
        return std::none_of(links.begin(), links.end(),
                            [&](Index each) { return facts_.link(each).visible; });
    }

    bool is_directory_link(const LinkId& id) const {
        const Index at = facts_.find_link(id);
        return at != kNoIndex && facts_.file(facts_.link(at).file).is_directory();
    }

    bool has_derived_id(const VersionRecord& record) const {
        const Index at = facts_.find_file(record.file);
        const VersionState* version =
            at == kNoIndex ? nullptr : find_version(facts_.file(at), record.id);
        return version != nullptr && version->derived_id;
    }

    const TreeFacts& facts_;
    std::vector<Record> records_;
    std::unordered_map<VersionId, Gone> gone_;
    std::unordered_set<LinkId> dropped_;
};

}  // namespace

PublishedRecords TreeState::publish() {
    view.settle();
    Coalescing coalescing(facts, pending);
    coalescing.run();

    std::unordered_set<Index> dropped_files;
    std::vector<Index> dropped;
    for (const LinkId& id : coalescing.dropped_links()) {
        dropped.push_back(facts.find_link(id));
        dropped_files.insert(facts.link(dropped.back()).file);
    }
    PublishedRecords out;
    for (const auto& [id, gone] : coalescing.gone()) {
        out.coalesced.emplace_back(id, coalescing.through(gone.replaces));
        const Index file = facts.find_file(gone.file);
        if (!dropped_files.contains(file)) facts.forget_version(file, id);
    }
    std::sort(out.coalesced.begin(), out.coalesced.end());
    facts.forget_links(dropped);
    for (auto& [number, open] : open_writes) open.opened = coalescing.through(open.opened);
    out.records = coalescing.take_records();
    for (const Record& record : out.records) {
        if (std::holds_alternative<LinkRecord>(record)) facts.add(record, RecordSource::Published);
        const auto* version = std::get_if<VersionRecord>(&record);
        if (version != nullptr) facts.set_replaces(*version);
    }
    pending.clear();
    new_begin = operation_begin = 0;
    view.settle();
    return out;
}

}  // namespace lockstep
