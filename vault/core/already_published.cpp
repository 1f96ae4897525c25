#include "vault/core/already_published.h"

namespace lockstep {
namespace {

template <class Work>
void each_record(std::span<const ReplayedEntry> entries, const Work& work) {
    for (const ReplayedEntry& replayed : entries)
        if (const auto* records = std::get_if<JournalRecords>(&replayed.entry))
            for (const Record& record : records->records) work(record);
}

}  // namespace

AlreadyPublished::AlreadyPublished(std::map<LogId, Stamp> last,
                                   std::span<const ReplayedEntry> entries, const DerivedIds& ids)
    : last_(std::move(last)) {
    each_record(entries, [&](const Record& record) {
        const auto* resolve = std::get_if<ResolveRecord>(&record);
        if (resolve == nullptr || is_published(resolve->stamp)) return;
        for (const VersionId& version : resolve->drops)
            files_.insert(ids.file(resolve->file, version));
    });
    each_record(entries, [&](const Record& record) {
        if (const auto* link = std::get_if<LinkRecord>(&record);
            link != nullptr && files_.contains(link->file))
            links_.insert(link->link);
    });
}

bool AlreadyPublished::contains(const Record& record) const {
    if (!is_published(stamp_of(record))) return false;
    if (const auto* link = std::get_if<LinkRecord>(&record)) return !files_.contains(link->file);
    if (const auto* parent = std::get_if<ParentRecord>(&record))
        return !links_.contains(parent->link);
    if (const auto* name = std::get_if<NameRecord>(&record)) return !links_.contains(name->link);
    if (const auto* attribute = std::get_if<AttributeRecord>(&record))
        return !files_.contains(attribute->file);
    if (const auto* version = std::get_if<VersionRecord>(&record))
        return !files_.contains(version->file);
    return true;
}

bool AlreadyPublished::is_published(const Stamp& stamp) const {
    const auto last = last_.find(stamp.log);
    return last != last_.end() && stamp <= last->second;
}

}  // namespace lockstep
