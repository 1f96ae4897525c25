#include "vault/core/segment_files.h"

#include <algorithm>

namespace lockstep {

std::vector<SegmentHash> OpenedSegments::hashes() const {
    std::vector<SegmentHash> out;
    out.reserve(segments.size());
    for (const SegmentOuter& segment : segments) out.push_back(segment.hash);
    return out;
}

Result<OpenedSegments> open_segments(ByteView bytes, const SegmentLookup& lookup) {
    OpenedSegments out;
    TRY(out.outer, open_outer(bytes, lookup));
    TRY(out.segments, segments_in(out.outer));
    return out;
}

Result<OpenedSegments> SegmentFiles::open(const LogId& log, const LogStore::Name& name) {
    TRY(Bytes bytes, logs_.read(log, name));
    TRY(OpenedSegments out, open_segments(bytes, lookup_));
    LogStore::Name said = out.name();
    if (name.fork) said.fork = out.outer.hash;
    if (out.outer.header.log != log || said != name)
        return Error{ErrorKind::Corrupt, "it is not the segment that its name says"};
    if (name.is_compacted()) logs_.note_contents(log, name, out.hashes());
    return out;
}

void SegmentFiles::find_compacted(const LogId& log) {
    for (const LogStore::File& file : logs_.files(log))
        if (file.name.is_compacted() && logs_.contents_of(log, file.name).empty())
            static_cast<void>(open(log, file.name));
}

// A file may go while it is looked for, because another one has come that stands for it.
template <typename Out, typename Read>
Result<Out> SegmentFiles::try_files(const SegmentRef& header, const SegmentHash& hash, Read read) {
    std::optional<Error> failure;
    for (const bool is_again : {false, true}) {
        if (is_again) find_compacted(header.log);
        for (const LogStore::Name& name : logs_.names_of(header, hash)) {
            Result<Out> out = read(name);
            if (out.ok()) return out;
            if (!failure || failure->kind == ErrorKind::NotFound) failure = std::move(out).error();
        }
    }
    if (failure) return *std::move(failure);
    return Error{ErrorKind::NotFound, "the segment is not here"};
}

Result<Bytes> SegmentFiles::file_of(const SegmentRef& header, const SegmentHash& hash) {
    return try_files<Bytes>(header, hash, [&](const LogStore::Name& name) -> Result<Bytes> {
        TRY(Bytes bytes, logs_.read(header.log, name));
        bool is_whole = !name.is_compacted() && segment_hash(bytes) == hash;
        if (name.is_compacted()) {
            TRY(const OpenedSegments opened, open_segments(bytes, lookup_));
            is_whole = opened.hashes() == logs_.contents_of(header.log, name);
        }
        if (is_whole) return bytes;
        return Error{ErrorKind::Corrupt, "it is damaged, or another segment"};
    });
}

Result<SegmentOuter> SegmentFiles::outer_of(const SegmentRef& header, const SegmentHash& hash) {
    return try_files<SegmentOuter>(
        header, hash, [&](const LogStore::Name& name) -> Result<SegmentOuter> {
            TRY(OpenedSegments opened, open(header.log, name));
            for (SegmentOuter& segment : opened.segments)
                if (segment.header.number == header.number && segment.hash == hash)
                    return std::move(segment);
            return Error{ErrorKind::Corrupt, "another segment lies in its place"};
        });
}

Result<Bytes> SegmentFiles::original(const SegmentRef& header, const SegmentHash& hash,
                                     const RecordKeys& keys) {
    return try_files<Bytes>(header, hash, [&](const LogStore::Name& name) -> Result<Bytes> {
        if (!name.is_compacted()) {
            TRY(Bytes bytes, logs_.read(header.log, name));
            if (segment_hash(bytes) == hash) return bytes;
            return Error{ErrorKind::Corrupt, "it is damaged, or another segment"};
        }
        TRY(Originals originals, originals_of(header.log, name, keys));
        return (*originals)[header.number - name.first];
    });
}

Result<std::vector<Bytes>> SegmentFiles::restore(ByteView bytes, const OpenedSegments& opened,
                                                 const RecordKeys& keys) const {
    const EpochId& epoch = opened.outer.header.epoch;
    const RecordKey* records = keys(epoch);
    const SegmentOuterKey* outer = lookup_.outer_key_of(epoch);
    if (records == nullptr || outer == nullptr)
        return Error{ErrorKind::WrongKey, "the segment's epoch is not known"};
    return restore_segments(bytes, opened.outer, lookup_.vault, *records, *outer);
}

Result<SegmentFiles::Originals> SegmentFiles::originals_of(const LogId& log,
                                                           const LogStore::Name& name,
                                                           const RecordKeys& keys) {
    // A file may have come under the name of one that is gone (of a forked log, with others).
    const std::vector<SegmentHash> contents = logs_.contents_of(log, name);
    {
        MutexLock lock(mutex_);
        if (restored_ && restored_log_ == log && restored_contents_ == contents) return restored_;
    }
    TRY(Bytes bytes, logs_.read(log, name));
    TRY(OpenedSegments opened, open_segments(bytes, lookup_));
    if (opened.hashes() != contents)
        return Error{ErrorKind::Corrupt, "the file is not what it was"};
    TRY(std::vector<Bytes> segments, restore(bytes, opened, keys));
    Originals out = std::make_shared<const std::vector<Bytes>>(std::move(segments));
    MutexLock lock(mutex_);
    restored_log_ = log;
    restored_contents_ = contents;
    restored_ = out;
    return out;
}

}  // namespace lockstep
