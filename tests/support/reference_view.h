// What everybody sees, recomputed from all records: the rules of DESIGN 4 in the plainest form. The
// oracle of the tree's tests.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "vault/log/record.h"
#include "vault/tree/tree.h"

namespace lockstep::reference {

using Records = std::set<Record>;
using Group = std::pair<std::string, std::string>;  // path of the directory, name in the register

struct Twin {
    LinkId link;
    FileId file;
    VersionId version;
    bool main = true;
};

struct Entry {
    std::string path, name;
    Group group;
    FileType type = FileType::Regular;
    std::vector<LinkId> links;  // one, or every alias of a merged directory
    std::vector<FileId> files;
    VersionId version;
    Content content;
    bool main = true;         // false: a sibling, that is another head of the same link
    std::vector<Twin> twins;  // hidden below this entry
    std::vector<std::string> blocked;

    bool is_directory() const { return type == FileType::Directory; }
    bool is_derived() const { return name != group.second; }
    Node node() const { return main ? Node{files[0], std::nullopt} : Node{files[0], version}; }
};

bool identical(const Content& a, const Content& b);

using Attributes = std::map<std::pair<AttributeKey, std::string>, std::optional<Bytes>>;

class View {
  public:
    View(const Records& records, const DerivedIds& ids);

    const Entry* find(const std::string& path) const;
    bool is_alive(const LinkId& link) const { return alive.contains(link); }
    Attributes attributes_of(const FileId& file) const;
    std::vector<VersionId> head_ids(const FileId& file) const;

    std::map<std::string, Entry> entries;  // by path, "/a/b"
    std::map<LinkId, LinkRecord> links;
    std::map<FileId, std::vector<LinkId>> links_of;
    std::map<LinkId, std::pair<Stamp, FileId>> parent;
    std::map<LinkId, std::pair<Stamp, std::string>> name;
    std::map<FileId,
             std::map<std::pair<AttributeKey, std::string>, std::pair<Stamp, std::optional<Bytes>>>>
        attributes;
    std::map<VersionId, VersionRecord> versions;
    std::map<FileId, std::vector<VersionRecord>> heads;  // newest first
    std::set<LinkId> alive, revived, visible;

  private:
    void replay(std::set<std::tuple<Stamp, LinkId, FileId>> moves);
    std::vector<DeleteRecord> effective(const LinkId& link) const;
    bool is_gone(const FileId& file) const;
    void decide_life();
    bool see(const FileId& directory);
    void fill(const std::string& path, const std::vector<FileId>& aliases);
    void show_files(const std::string& path, const std::string& base,
                    const std::vector<LinkId>& of_group, bool name_taken,
                    std::vector<Entry>& waiting);
    void derive(Entry entry, std::set<std::string>& taken);

    const DerivedIds& ids_;
    std::map<LinkId, std::vector<DeleteRecord>> deletes_;
    std::map<FileId, std::vector<LinkId>> children_;
};

}  // namespace lockstep::reference
