// One visit to a vault's mailbox at one relay: fetches what is not here, leaves what absent members
// have not got, and takes away what everybody has.
//
// It blocks: on HTTP, and for moments on the replica. What is known of a mailbox is kept from one
// visit to the next.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/http/client.h"
#include "relay/protocol/mailbox.h"
#include "sync/mailbox/mailbox_codec.h"
#include "sync/replica_work.h"

namespace lockstep {

// What a member had, as its heads or a receipt said.
struct MemberState {
    Frontier frontier{};
    std::uint64_t missing_count = 0;
};

struct MailboxMemory {
    // Objects at the relay, as far as we know, by name.
    std::map<std::string, MailboxItem> listed{};
    // What they are: those here, those we have put, those we have fetched.
    std::map<std::string, MailboxReceipt> receipts{};
    std::map<std::string, SegmentRef> segments{};
    std::map<std::string, PackId> packs{};
    std::map<std::string, KeyObjectId> keys{};
    std::set<std::string> bad{};  // that do not open, or that the replica refuses
    std::uint64_t since = 0;
    MailboxReceipt own_receipt{};
    std::string own_receipt_name{};
    std::chrono::steady_clock::time_point receipt_at{}, full_until{};
};

struct MailboxVisit {
    std::string relay{};  // a URL
    std::array<std::byte, 20> info_hash{};
    std::string ticket{};
    EpochId epoch{};
    // Looks at everything; else only what is new is put.
    bool is_thorough = true;
    std::set<SegmentRef> news{};
    std::set<DeviceId> connected{};
    std::map<DeviceId, MemberState> heads{};  // of members that were connected in this run
    std::stop_token stop{};
    std::shared_ptr<const Proxy> proxy{};

    struct Report {
        Status status{};
        bool is_there = false;  // the relay has a mailbox and lets us use it
        bool has_none = false;
        bool must_come_again = false;  // it has told us to wait
        bool is_full = false;          // something could not be left
        std::uint64_t fetched = 0, put = 0, taken_away = 0;
        // Whether the relay has answered: of the last request; the time is the first one's. Absent:
        // nothing was asked, or we gave up.
        std::optional<Status> asked{};
        std::chrono::microseconds took{};
    };
    Report run(ReplicaWork& work, MailboxMemory& memory) const;
};

}  // namespace lockstep
