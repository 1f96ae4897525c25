// What has changed in what a vault shows, for people: by whom, which kind of change, and a few of
// the paths. It holds a few kilobytes for each member, however much changes.
//
// THREADS: none of its own; the caller locks.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "vault/log/record.h"
#include "vault/vault.h"

namespace lockstep {

// What the records of one segment did to one file: its name matters where `link` is set.
struct RecordedChange {
    DifferenceKind kind = DifferenceKind::Changed;
    FileId file;  // zeros when only the link is known
    std::optional<LinkId> link;
};

// One for each file or link that the records touch; in their order. What came and went within them
// is not told, nor are the attributes of the vault's root.
std::vector<RecordedChange> changes_of(std::span<const Record> records);

class ChangeNotes {
  public:
    // An empty path: it cannot be named, or is only to be counted.
    void add(const DeviceId& device, DifferenceKind kind, std::string path);
    // Whether one more path would be kept.
    bool names_more(const DeviceId& device, DifferenceKind kind) const;
    // All since the last call, by device and kind.
    std::vector<ChangeNews> take();

  private:
    struct Note {
        std::vector<std::string> paths;
        std::size_t path_bytes = 0;
        std::uint64_t more = 0;
    };
    std::map<std::pair<DeviceId, DifferenceKind>, Note> notes_;
};

}  // namespace lockstep
