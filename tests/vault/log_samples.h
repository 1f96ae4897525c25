// Records and segments for tests: one of each kind, random ones, and a device that writes a log.
#pragma once

#include <map>
#include <vector>

#include "tests/support/seeded_random.h"
#include "vault/log/log_store.h"
#include "vault/log/segment.h"

namespace lockstep {

// An id whose bytes are all `fill`.
template <typename IdType>
IdType id_of(std::uint8_t fill) {
    IdType id;
    id.bytes.fill(static_cast<std::byte>(fill));
    return id;
}

inline const LogId kOwnLog = id_of<LogId>(0x0a);
inline const LogId kOtherLog = id_of<LogId>(0x0b);

// Each kind of record once, some with stamps of kOtherLog.
std::vector<Record> one_of_each();
// Records of random kinds with random, allowed values, in clusters as operations write them.
std::vector<Record> random_records(SeededRandom& random, std::size_t count);

// A device with the keys of one epoch, writing one log.
struct LogWriter {
    explicit LogWriter(std::uint8_t name, const LogId& own_log = kOwnLog);

    SegmentKeys keys() const { return {vault, records_key, outer_key, signing}; }
    SegmentLookup lookup() const;
    // The next segment of the log, on top of what was written before.
    SegmentDraft draft(std::vector<Record> records = {});
    Bytes write(std::vector<Record> records = {});
    Bytes write(const SegmentDraft& draft);  // remembers it as the last one
    SegmentRef ref() const { return {log, last.number}; }

    VaultId vault = id_of<VaultId>(1);
    EpochId epoch = id_of<EpochId>(2);
    DeviceId device;
    LogId log;
    RecordKey records_key = RecordKey::from(id_of<Id<void, 32>>(3).view());
    SegmentOuterKey outer_key = SegmentOuterKey::from(id_of<Id<void, 32>>(4).view());
    SigningKey signing;
    SeededRandom random;
    LogPosition last;
};

}  // namespace lockstep
