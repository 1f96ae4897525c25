#include "vault/core/change_notes.h"

#include <algorithm>
#include <unordered_set>

namespace lockstep {
namespace {

// Several records of one operation, or of one file, are one change.
class ChangeFinder {
  public:
    explicit ChangeFinder(std::span<const Record> records) {
        for (const Record& record : records) {
            if (const auto* link = std::get_if<LinkRecord>(&record)) {
                added_links_.insert(link->link);
                added_files_.insert(link->file);
            } else if (const auto* gone = std::get_if<DeleteRecord>(&record)) {
                removed_links_.insert(gone->link);
            } else if (const auto* version = std::get_if<VersionRecord>(&record)) {
                written_.insert(version->file);
            }
        }
    }

    std::vector<RecordedChange> find(std::span<const Record> records) {
        for (const Record& record : records)
            std::visit([this](const auto& one) { take(one); }, record);
        return std::move(out_);
    }

  private:
    void take(const LinkRecord& record) {
        if (!removed_links_.contains(record.link))
            out_.push_back({DifferenceKind::Added, record.file, record.link});
    }
    void take(const ParentRecord& record) { moved(record.link); }
    void take(const NameRecord& record) { moved(record.link); }
    void take(const VersionRecord& record) { changed(DifferenceKind::Changed, record.file); }
    void take(const ResolveRecord& record) {
        if (!written_.contains(record.file)) changed(DifferenceKind::Changed, record.file);
    }
    void take(const AttributeRecord& record) {
        if (record.file != kRootFile && !written_.contains(record.file))
            changed(DifferenceKind::Attributes, record.file);
    }
    void take(const DeleteRecord& record) {
        if (!added_links_.contains(record.link))
            out_.push_back({DifferenceKind::Removed, {}, record.link});
    }

    void moved(const LinkId& link) {
        if (added_links_.contains(link) || removed_links_.contains(link)) return;
        if (moved_.insert(link).second) out_.push_back({DifferenceKind::Renamed, {}, link});
    }
    void changed(DifferenceKind kind, const FileId& file) {
        if (!added_files_.contains(file) && changed_.insert(file).second)
            out_.push_back({kind, file, std::nullopt});
    }

    std::unordered_set<LinkId> added_links_, removed_links_, moved_;
    std::unordered_set<FileId> added_files_, written_, changed_;
    std::vector<RecordedChange> out_;
};

}  // namespace

std::vector<RecordedChange> changes_of(std::span<const Record> records) {
    return ChangeFinder(records).find(records);
}

void ChangeNotes::add(const DeviceId& device, DifferenceKind kind, std::string path) {
    Note& note = notes_[{device, kind}];
    // The same file twice in a short time is one change of it.
    if (!path.empty() && std::ranges::find(note.paths, path) != note.paths.end()) return;
    if (path.empty() || note.paths.size() >= kNewsPathsMax ||
        note.path_bytes + path.size() > kNewsPathBytesMax) {
        ++note.more;
        return;
    }
    note.path_bytes += path.size();
    note.paths.push_back(std::move(path));
}

bool ChangeNotes::names_more(const DeviceId& device, DifferenceKind kind) const {
    const auto at = notes_.find({device, kind});
    return at == notes_.end() || at->second.paths.size() < kNewsPathsMax;
}

std::vector<ChangeNews> ChangeNotes::take() {
    std::vector<ChangeNews> out;
    for (auto& [key, note] : std::exchange(notes_, {}))
        out.push_back({key.first, key.second, std::move(note.paths), note.more});
    return out;
}

}  // namespace lockstep
