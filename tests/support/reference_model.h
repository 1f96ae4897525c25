// A device of the reference model: turns operations on paths into records and exchanges segments.
// Everything is recomputed at each step. Differs from a plain reading of DESIGN 4 in nothing but
// speed; see reference_model.cpp for what open files do.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "base/random.h"
#include "tests/support/reference_view.h"

namespace lockstep::reference {

struct Segment {
    std::string device;
    std::uint64_t number = 0;
    std::map<std::string, std::uint64_t> frontier;
    std::vector<Record> records;
};

// Every operation returns false when it is refused (the caller would get an errno).
class Device {
  public:
    Device(std::string label, Random& random, const DerivedIds& ids)
        : label_(std::move(label)), random_(random), ids_(ids) {}

    const View& view() { return *snapshot(); }

    bool create(const std::string& path, FileType type, const Content& content, const Stamp& stamp);
    bool make_directory(const std::string& path, const Stamp& stamp);
    bool write(const std::string& path, const Content& content, const Stamp& stamp);
    bool remove_file(const std::string& path, const Stamp& stamp);
    bool remove_directory(const std::string& path, const Stamp& stamp);
    bool make_link(const std::string& source, const std::string& path, const Stamp& stamp);
    bool set_attribute(const std::string& path, const AttributeSetting& setting,
                       const Stamp& stamp);
    bool rename(const std::string& source, const std::string& path, RenameMode mode,
                const Stamp& stamp);
    bool resolve(const std::string& path, const Stamp& stamp);
    bool restore(const LinkId& link, const Stamp& stamp);

    bool open(int handle, const std::string& path, const Stamp& stamp);
    // Returns whether the content is kept.
    bool close(int handle, const Content& content, const Stamp& stamp);

    std::optional<Segment> publish();
    // False when causality does not allow it yet.
    bool deliver(const Segment& segment);

    const std::vector<Record>& pending() const { return pending_; }
    const Records& published() const { return published_; }

  private:
    struct Handle {
        FileId file;
        std::set<VersionId> opened;
        bool severed = false, removed = false;
    };

    void emit(Record record);
    std::shared_ptr<const View> snapshot();
    std::optional<Entry> find(const std::string& path);
    std::optional<FileId> home(const std::string& directory, const Stamp& stamp);
    void touch(const std::set<Group>& seeds, const Stamp& stamp);
    std::set<Group> closure(const View& seen, std::set<Group> groups) const;
    void fork(const View& seen, const FileId& file, const VersionId& version, const Stamp& stamp);
    void remove(const std::vector<LinkId>& links, const Stamp& stamp);
    void note_removed(const std::vector<LinkId>& links);
    FileId put(const std::string& path, FileType type, std::optional<FileId> file,
               const Stamp& stamp);
    VersionId version(const FileId& file, const Content& content, std::set<VersionId> replaces,
                      const Stamp& stamp);
    void restamp(const FileId& file, const Stamp& stamp);
    void settle_for_write(const FileId& file, const Content& content, const Stamp& stamp);
    std::set<Group> groups_of(const Node& node);
    std::set<VersionId> heads_like(const FileId& file, const Content& content);
    bool shares_content(const Entry& source, const Entry& target);
    void replace(const Entry& source, const Entry& target, const Stamp& stamp);
    void retarget(const FileId& from, const FileId& to, const VersionId& opened,
                  const VersionId& seen);
    std::vector<Record> coalesce();
    std::set<VersionId> through(const std::set<VersionId>& ids) const;
    std::vector<VersionId> through(const std::vector<VersionId>& ids) const;

    std::string label_;
    Random& random_;
    const DerivedIds& ids_;
    Records published_;
    std::vector<Record> pending_;
    std::set<FileId> derived_files_;
    std::set<LinkId> derived_links_;
    std::set<VersionId> derived_versions_;
    std::map<std::string, std::uint64_t> frontier_;
    std::map<VersionId, std::vector<VersionId>> coalesced_;
    std::map<int, Handle> handles_;
    std::shared_ptr<const View> view_;
};

}  // namespace lockstep::reference
