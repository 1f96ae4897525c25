#include "tests/sim/merge_table.h"

#include <algorithm>

#include "vault/log/record_codec.h"

namespace lockstep::sim {
namespace {

struct Event {
    std::size_t segment = 0;
    const Record* record = nullptr;

    template <typename Kind>
    const Kind* as() const {
        return std::get_if<Kind>(record);
    }
};

class MergeTable {
  public:
    MergeTable(const Witness& witness, Counters& counters)
        : witness_(witness), view_(witness.view()), counters_(counters) {
        for (std::size_t at = 0; at < witness.segments().size(); ++at)
            for (const Record& record : witness.segments()[at].records) sort_in({at, &record});
    }

    void count() {
        for (const auto& [file, events] : of_file_) pairs(events, &MergeTable::of_one_file);
        for (const auto& [link, events] : of_link_) pairs(events, &MergeTable::of_one_link);
        for (const auto& [group, events] : creations_) pairs(events, &MergeTable::of_one_name);
        for (const auto& [directory, removals] : removals_) in_directory(directory, removals);
        if (witness_.skipped_moves() > 0) ++row("move a into b / move b into a");
        for (const auto& [path, entry] : view_.entries) look_for_twins(path);
    }

  private:
    std::uint64_t& row(const std::string& name) { return counters_["merge: " + name]; }

    void sort_in(const Event& event) {
        if (const auto* created = event.as<LinkRecord>()) {
            const auto& name = view_.name.at(created->link).second;
            creations_[{view_.parent.at(created->link).second, name}].push_back(event);
        } else if (const auto* version = event.as<VersionRecord>()) {
            of_file_[version->file].push_back(event);
        } else if (const auto* attribute = event.as<AttributeRecord>()) {
            of_file_[attribute->file].push_back(event);
        } else if (const auto* parent = event.as<ParentRecord>()) {
            if (is_creation(parent->link, parent->stamp))
                arrivals_[parent->directory].push_back(event);
            else
                moved(*parent, event);
        } else if (const auto* name = event.as<NameRecord>()) {
            if (!is_creation(name->link, name->stamp)) of_link(name->link, event);
        } else if (const auto* remove = event.as<DeleteRecord>()) {
            of_link(remove->link, event);
            const LinkRecord& link = view_.links.at(remove->link);
            if (link.type == FileType::Directory) removals_[link.file].push_back(event);
        }
    }

    void moved(const ParentRecord& move, const Event& event) {
        of_link(move.link, event);
        arrivals_[move.directory].push_back(event);
        moves_.push_back(event);
    }

    bool is_creation(const LinkId& link, const Stamp& stamp) const {
        return view_.links.at(link).stamp == stamp;
    }

    void of_link(const LinkId& link, const Event& event) {
        of_link_[link].push_back(event);
        of_file_[view_.links.at(link).file].push_back(event);
    }

    bool is_before(std::size_t a, std::size_t b) const {
        const WitnessedSegment &first = witness_.segments()[a], &second = witness_.segments()[b];
        if (first.ref.log == second.ref.log) return first.ref.number <= second.ref.number;
        const auto seen = second.frontier.find(first.ref.log);
        return seen != second.frontier.end() && seen->second.number >= first.ref.number;
    }
    bool are_concurrent(const Event& a, const Event& b) const {
        return !is_before(a.segment, b.segment) && !is_before(b.segment, a.segment);
    }

    void pairs(const std::vector<Event>& events,
               void (MergeTable::*look)(const Event&, const Event&)) {
        for (const Event& a : events)
            for (const Event& b : events)
                if (a.record != b.record && are_concurrent(a, b)) (this->*look)(a, b);
    }

    // Whether the version took part in a save by rename: something else was deleted with it.
    bool is_replace(const Event& event) const {
        const auto* version = event.as<VersionRecord>();
        if (version == nullptr) return false;
        const auto& records = witness_.segments()[event.segment].records;
        return std::any_of(records.begin(), records.end(), [&](const Record& other) {
            const auto* remove = std::get_if<DeleteRecord>(&other);
            return remove != nullptr && remove->stamp == version->stamp &&
                   view_.links.at(remove->link).file != version->file;
        });
    }

    void of_one_file(const Event& a, const Event& b) {
        const auto* version = a.as<VersionRecord>();
        const bool deletes = b.as<DeleteRecord>() != nullptr;
        if (version != nullptr) {
            if (b.as<VersionRecord>() != nullptr) ++row("write / write");
            if (deletes) ++row("write / delete");
            if (b.as<NameRecord>() != nullptr || b.as<ParentRecord>() != nullptr)
                ++row("write / rename or move");
            if (is_replace(a) && is_replace(b)) ++row("save by rename / the same");
            if (is_replace(a) && deletes) ++row("save by rename / delete");
        }
        if (a.as<AttributeRecord>() != nullptr && deletes) ++row("delete / attributes only");
    }

    void of_one_link(const Event& a, const Event& b) {
        const bool deletes = a.as<DeleteRecord>() != nullptr;
        const bool renames = b.as<NameRecord>() != nullptr, moves = b.as<ParentRecord>() != nullptr;
        if (deletes && b.as<DeleteRecord>() != nullptr) ++row("delete / delete");
        if (deletes && (renames || moves)) ++row("delete / rename or move");
        if (a.as<NameRecord>() != nullptr && renames) ++row("rename / rename");
        if (a.as<ParentRecord>() != nullptr && moves) ++row("move / move");
        if (a.as<NameRecord>() != nullptr && moves) ++row("rename / move");
    }

    void of_one_name(const Event& a, const Event& b) {
        const bool is_directory = a.as<LinkRecord>()->type == FileType::Directory;
        const bool other = b.as<LinkRecord>()->type == FileType::Directory;
        if (!is_directory && !other) ++row("create / create");
        if (is_directory && other) ++row("mkdir / mkdir");
        if (is_directory && !other) ++row("mkdir / create file");
    }

    void in_directory(const FileId& directory, const std::vector<Event>& removals) {
        for (const Event& removal : removals) {
            for (const Event& arrival : arrivals_[directory]) {
                if (!are_concurrent(removal, arrival)) continue;
                const auto* parent = arrival.as<ParentRecord>();
                const bool is_new = is_creation(parent->link, parent->stamp);
                if (is_new) ++row("delete directory / create inside");
                if (!is_new && view_.links.at(parent->link).type == FileType::Directory)
                    ++row("move D into E / delete E");
                if (!is_new) ++row("delete directory / move in");
            }
            for (const Event& move : moves_) {
                const auto* parent = move.as<ParentRecord>();
                if (parent->directory == directory || !are_concurrent(removal, move)) continue;
                if (was_in(parent->link, directory)) ++row("delete directory / move a child out");
            }
        }
    }

    bool was_in(const LinkId& link, const FileId& directory) const {
        const auto at = arrivals_.find(directory);
        if (at == arrivals_.end()) return false;
        return std::any_of(at->second.begin(), at->second.end(), [&](const Event& each) {
            return each.as<ParentRecord>()->link == link;
        });
    }

    void look_for_twins(const std::string& path) {
        const auto has = [&](const std::string& from, const std::string& to) {
            if (!path.ends_with(from)) return false;
            return view_.entries.contains(path.substr(0, path.size() - from.size()) + to);
        };
        if (has("/Doc.txt", "/doc.txt")) ++row("names that differ in case");
        if (has("/caf\xc3\xa9", "/cafe\xcc\x81")) ++row("names that differ in normalization");
    }

    const Witness& witness_;
    const reference::View& view_;
    Counters& counters_;
    std::map<FileId, std::vector<Event>> of_file_, removals_, arrivals_;
    std::map<LinkId, std::vector<Event>> of_link_;
    std::map<std::pair<FileId, std::string>, std::vector<Event>> creations_;
    std::vector<Event> moves_;
};

}  // namespace

void count_merges(const Witness& witness, Counters& counters) {
    MergeTable(witness, counters).count();
}

const std::vector<std::string>& merge_rows() {
    static const std::vector<std::string> rows = {
        "merge: write / write",
        "merge: write / delete",
        "merge: write / rename or move",
        "merge: delete / delete",
        "merge: delete / rename or move",
        "merge: delete / attributes only",
        "merge: rename / rename",
        "merge: move / move",
        "merge: rename / move",
        "merge: move a into b / move b into a",
        "merge: create / create",
        "merge: mkdir / mkdir",
        "merge: mkdir / create file",
        "merge: delete directory / create inside",
        "merge: delete directory / move in",
        "merge: delete directory / move a child out",
        "merge: move D into E / delete E",
        "merge: save by rename / the same",
        "merge: save by rename / delete",
        "merge: names that differ in case",
        "merge: names that differ in normalization",
    };
    return rows;
}

}  // namespace lockstep::sim
