// Which records of the journal a segment of this device's holds already: what replay passes over.
#pragma once

#include <map>
#include <set>
#include <span>

#include "vault/journal/journal_entry.h"
#include "vault/log/record.h"
#include "vault/tree/tree.h"

namespace lockstep {

// A log goes on in the order of stamps, so a record was published if its stamp is not above the
// greatest that the log's last segment holds. The records of a fork have the stamps of what was
// forked, however old: they were published if the resolve was that their operation ends with.
class AlreadyPublished {
  public:
    // `last`: the greatest stamp that was published of each log of this device.
    AlreadyPublished(std::map<LogId, Stamp> last, std::span<const ReplayedEntry> entries,
                     const DerivedIds& ids);

    bool contains(const Record& record) const;

  private:
    bool is_published(const Stamp& stamp) const;

    std::map<LogId, Stamp> last_;
    // Made by a resolve that is not published.
    std::set<FileId> files_;
    std::set<LinkId> links_;
};

}  // namespace lockstep
