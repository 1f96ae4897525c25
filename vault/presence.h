// Presence: which packs of a vault are to be on this device, how bytes of the others are got, and
// what this device has promised to others to keep. What sync/ knows of on-demand content.
//
// THREADS: every method from any thread; those that say so block on the disk. The listener is
// called without a lock held and must return at once.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "vault/replica.h"

namespace lockstep {

inline constexpr std::size_t kRangeSpansMax = 16;        // of one request
inline constexpr std::size_t kRangeBytesMax = 1U << 20;  // of all its spans
inline constexpr std::size_t kPacksAskedMax = 4096;      // in one question about packs
// How long a promise binds its giver.
inline constexpr std::chrono::seconds kPromiseTime{3600};

// What this device keeps of a file's content, or of the files in a directory.
enum class Keep : std::uint8_t {
    Full = 1,      // all of it, as soon as it can be had
    OnDemand = 2,  // what has been read, as long as there is room for it
    Pinned = 3,    // all of it, whatever the directory above says
};

std::string_view keep_text(Keep keep);  // "full", "on-demand", "pinned"

struct PackSpan {
    std::uint32_t offset = 0, length = 0;
    auto operator<=>(const PackSpan&) const = default;
};

// Bytes of a pack that is not here. Spans ascend, do not overlap and are not empty.
struct RangeRequest {
    PackInfo pack;
    std::vector<PackSpan> spans;
    auto operator<=>(const RangeRequest&) const = default;
};

// One block of a pack that a member is asked to show (sync/PROTOCOL.md, "Audits").
struct BlockAudit {
    PackInfo pack;
    std::uint32_t block = 0;
    auto operator<=>(const BlockAudit&) const = default;
};
inline constexpr std::size_t kAuditedAtOnce = 64;

enum class AuditResult {
    Shown,    // it was the right one
    NotHere,  // the member says that it has not got the pack
    Failed,   // another one, or none in time
};

// What is known of a blind member's possession of the vault.
struct AuditReport {
    DeviceId device;
    std::int64_t last_ms = 0;                  // when it was last asked to show blocks; 0: never
    bool has_passed = false;                   // then
    std::uint64_t shown_packs = 0, packs = 0;  // of which it has shown blocks; of the vault
    // Whether it counts as a copy of everything.
    bool is_copy() const { return has_passed && shown_packs == packs; }
};

class PresenceListener {
  public:
    virtual ~PresenceListener() = default;
    // To be answered by take_ranges() or, when nobody has it for some seconds, ranges_failed().
    virtual void ranges_wanted(const RangeRequest& request) = 0;
    // Which of these packs do the other members hold? With `keep` not zero: will they promise to
    // keep them for that long? Each answer goes to answer(), the end of it to answers_end().
    virtual void packs_asked(std::uint64_t number, const std::vector<PackId>& packs,
                             std::chrono::seconds keep) = 0;
    // wants() answers otherwise than before.
    virtual void selection_changed() = 0;
};

class Presence {
  public:
    virtual ~Presence() = default;

    // How many packs are not here by choice.
    virtual std::uint64_t left_out() = 0;

    // Whether a pack that is not here is to be fetched whole. Cheap.
    virtual bool wants(const PackId& pack) = 0;

    // The bytes of the request's spans, one after the other, as a peer sent them. Corrupt when they
    // are not what the pack holds; the request stands then. Blocks on the disk.
    virtual Status take_ranges(const RangeRequest& request, ByteView bytes) = 0;
    virtual void ranges_failed(const RangeRequest& request) = 0;

    // Those of the packs that are here, durably; with `keep` not zero: that this device promises to
    // `to` not to evict for that long (kPromiseTime at most). Durable on return. Blocks on the
    // disk.
    virtual std::vector<PackId> hold(const DeviceId& to, const std::vector<PackId>& packs,
                                     std::chrono::seconds keep) = 0;
    virtual void answer(std::uint64_t number, const Member& by,
                        const std::vector<PackId>& packs) = 0;
    // Everybody who was asked has answered, or is too late. May block on the disk.
    virtual void answers_end(std::uint64_t number) = 0;

    // Audits of blind members by this device; none on one that is blind itself. What a member is to
    // show now: with `packs`, blocks of all of these that it has not shown within the hour, else
    // what is due. Empty: nothing. kAuditedAtOnce at most.
    virtual std::vector<BlockAudit> audits_due(const DeviceId& member,
                                               const std::vector<PackId>& packs) {
        static_cast<void>(member);
        static_cast<void>(packs);
        return {};
    }
    // How it ended. `says_all`: the member says that it holds everything that is known here. Who
    // fails counts for nothing until it has shown blocks of every pack again.
    virtual void audited(const DeviceId& member,
                         const std::vector<std::pair<BlockAudit, AuditResult>>& results,
                         bool says_all) {
        static_cast<void>(member);
        static_cast<void>(results);
        static_cast<void>(says_all);
    }
    virtual std::optional<AuditReport> audit_report(const DeviceId& member) {
        static_cast<void>(member);
        return std::nullopt;
    }

    // Null: none. Waits for calls under way.
    virtual void set_listener(PresenceListener* listener) = 0;
};

}  // namespace lockstep
