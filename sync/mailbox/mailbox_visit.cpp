#include "sync/mailbox/mailbox_visit.h"

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "sync/relay_url.h"
#include "sync/sync_limits.h"
#include "vault/presence.h"

namespace lockstep {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr seconds kAskTimeout{60};
constexpr minutes kReceiptEvery{1};
constexpr minutes kFullPause{10};
constexpr std::size_t kObjectSizeMax = 18 * kMiB;
constexpr std::uint64_t kSegmentsNamedMax = 20'000;  // of one log, the newest
constexpr std::size_t kPutsMax = 2000;               // in one visit
constexpr int kNotFound = 404, kTooLarge = 413, kTooMany = 429, kFull = 507;

bool has_segment(const Frontier& frontier, const SegmentRef& segment) {
    auto at = frontier.find(segment.log);
    return at != frontier.end() && at->second.number >= segment.number;
}

bool covers(const Frontier& theirs, const Frontier& ours) {
    return std::all_of(ours.begin(), ours.end(), [&](const auto& item) {
        return has_segment(theirs, {item.first, item.second.number});
    });
}

// The steps of one visit, in order, with what they share.
class Steps {
  public:
    Steps(const MailboxVisit& visit, ReplicaWork& work, MailboxMemory& memory, HttpClient client)
        : visit_(visit), work_(work), memory_(memory), client_(std::move(client)) {}

    MailboxVisit::Report run() {
        report_.status = try_all();
        return report_;
    }

  private:
    // Who is not connected, and what each had last. Unknown: nothing was ever heard of it.
    struct Absent {
        DeviceId device;
        std::optional<MemberState> state;
        std::optional<std::vector<KeyObjectId>> keys;
        std::vector<PackId> missing;
    };

    Status try_all() {
        TRY_OK(look_at_replica());
        TRY_OK(list());
        TRY_OK(fetch());
        TRY_OK(look_at_replica());
        find_absent();
        TRY_OK(leave_objects());
        TRY_OK(leave_receipt());
        return take_away();
    }

    // ---- what is here

    Status look_at_replica() {
        return work_.run_here([&](Replica& replica) -> Status {
            if (!keys_) {
                TRY(auto keys, MailboxKeys::of(replica, visit_.epoch));
                keys_.emplace(std::move(keys));
            }
            device_ = replica.device();
            frontier_ = replica.frontier();
            key_ids_ = replica.key_objects();
            members_.clear();
            for (const Member& member : replica.members())
                if (!member.is_revoked && member.device != device_) members_.insert(member.device);
            missing_.clear();
            Presence* presence = replica.presence();
            for (const PackInfo& pack : replica.missing_packs())
                if (presence == nullptr || presence->wants(pack.id)) missing_.insert(pack);
            return {};
        });
    }

    // Names of what is here: so that it is not fetched.
    void name_what_is_here() {
        if (std::exchange(is_here_named_, true)) return;
        for (const KeyObjectId& key : key_ids_) memory_.keys.emplace(keys_->name_of(key), key);
        for (const auto& [log, position] : frontier_) {
            std::uint64_t first =
                position.number > kSegmentsNamedMax ? position.number - kSegmentsNamedMax + 1 : 1;
            for (std::uint64_t number = first; number <= position.number; ++number)
                memory_.segments.emplace(keys_->name_of(SegmentRef{log, number}),
                                         SegmentRef{log, number});
        }
    }

    // ---- HTTP

    Result<HttpResponse> ask(const char* method, const std::string& name, std::string body = {},
                             HttpFields query = {}) {
        query.push_back({"info_hash", std::string(as_text(ByteView(visit_.info_hash)))});
        query.push_back({"ticket", visit_.ticket});
        auto begin = SteadyTime::clock::now();
        auto response =
            client_.request({.method = method,
                             .path = name.empty() ? "/v1/mailbox" : "/v1/mailbox/" + name,
                             .query = std::move(query),
                             .body = std::move(body)},
                            kAskTimeout, visit_.stop);
        note(response, std::chrono::duration_cast<std::chrono::microseconds>(
                           SteadyTime::clock::now() - begin));
        if (response.ok() && response->status == kTooMany) {
            report_.must_come_again = true;
            return Error{ErrorKind::Busy, "the relay's mailbox is busy"};
        }
        return response;
    }

    // Any answer below 500 says that the relay is there, and a full mailbox says so too.
    void note(const Result<HttpResponse>& response, std::chrono::microseconds took) {
        if (visit_.stop.stop_requested()) return report_.asked.reset();
        if (!report_.asked) report_.took = took;
        bool is_there = response.ok() && (response->status < 500 || response->status == kFull);
        if (is_there)
            report_.asked = Status();
        else
            report_.asked = response.ok() ? unexpected(*response) : response.error();
    }

    static Error unexpected(const HttpResponse& response) {
        return {ErrorKind::Refused,
                "the relay's mailbox answered " + std::to_string(response.status)};
    }

    Status list() {
        if (visit_.is_thorough) {
            memory_.since = 0;
            memory_.listed.clear();
        }
        for (;;) {
            TRY(HttpResponse response,
                ask("GET", "", {}, {{"since", std::to_string(memory_.since)}}));
            report_.has_none = response.status == kNotFound;
            if (response.status != 200) return unexpected(response);
            report_.is_there = true;
            TRY(auto items, decode_mailbox_list(response.body));
            for (const MailboxItem& item : items) {
                memory_.listed[item.name] = item;
                memory_.since = std::max(memory_.since, item.sequence);
            }
            if (items.size() < kMailboxListedMax) return {};
        }
    }

    // ---- fetching

    // Listed and of this kind, oldest first, which is also the order they were made in.
    std::vector<std::string> unknown_of(MailboxKind kind) {
        std::vector<std::pair<std::uint64_t, std::string>> found;
        for (const auto& [name, item] : memory_.listed) {
            if (memory_.bad.contains(name) || keys_->kind_of(name) != kind) continue;
            if (kind == MailboxKind::Receipt && memory_.receipts.contains(name)) continue;
            if (kind == MailboxKind::KeyObject && memory_.keys.contains(name)) continue;
            if (kind == MailboxKind::Segment && memory_.segments.contains(name)) continue;
            found.emplace_back(item.sequence, name);
        }
        std::sort(found.begin(), found.end());
        std::vector<std::string> out;
        for (auto& [sequence, name] : found) out.push_back(std::move(name));
        return out;
    }

    // Nothing when it is gone, or not what a member put there.
    Result<std::optional<Bytes>> get(const std::string& name) {
        TRY(HttpResponse response, ask("GET", name));
        if (response.status == kNotFound) {
            memory_.listed.erase(name);
            return std::optional<Bytes>();
        }
        if (response.status != 200) return unexpected(response);
        auto object = keys_->open(name, as_bytes(response.body));
        if (object.ok()) return std::optional(std::move(*object));
        log_info("relay", "an object of the mailbox is refused: {}", object.error().message);
        memory_.bad.insert(name);
        return std::optional<Bytes>();
    }

    Status fetch() {
        for (const std::string& name : unknown_of(MailboxKind::Receipt))
            TRY_OK(fetch_receipt(name));
        bool may_lack_something = !unknown_of(MailboxKind::KeyObject).empty() ||
                                  !unknown_of(MailboxKind::Segment).empty();
        if (may_lack_something) name_what_is_here();
        for (const std::string& name : unknown_of(MailboxKind::KeyObject)) {
            TRY(auto object, get(name));
            if (!object) continue;
            TRY_OK(add(name, [&](Replica& replica) { return replica.add_key_object(*object); }));
        }
        for (const std::string& name : unknown_of(MailboxKind::Segment)) {
            TRY(auto object, get(name));
            if (!object) continue;
            TRY_OK(add(name, [&](Replica& replica) { return replica.add_segment(*object); }));
        }
        TRY_OK(look_at_replica());
        is_here_named_ = false;
        if (may_lack_something) name_what_is_here();
        return fetch_packs();
    }

    Status fetch_receipt(const std::string& name) {
        TRY(auto object, get(name));
        if (!object) return {};
        auto receipt = decode_receipt(*object);
        bool is_good = false;
        TRY_OK(work_.run_here([&](Replica& replica) -> Status {
            if (receipt.ok())
                is_good = replica
                              .verify_signature(receipt->receipt.device, receipt->signed_bytes,
                                                receipt->signature)
                              .ok();
            return {};
        }));
        if (is_good)
            memory_.receipts[name] = receipt->receipt;
        else
            memory_.bad.insert(name);
        return {};
    }

    // A segment after one that is missing stays unknown, and is tried again next time.
    Status add(const std::string& name, const std::function<Result<Added>(Replica&)>& call) {
        return work_.run_here([&](Replica& replica) -> Status {
            auto added = call(replica);
            if (added.ok() && *added == Added::Stored) ++report_.fetched;
            if (!added.ok()) refuse(name, added.error());
            return {};
        });
    }

    // For good when it is not what it should be; else, for instance of a member that is not known
    // yet, it is tried again.
    void refuse(const std::string& name, const Error& why) {
        log_info("relay", "an object of the mailbox is refused: {}", why.message);
        if (why.kind == ErrorKind::Corrupt || why.kind == ErrorKind::Invalid)
            memory_.bad.insert(name);
    }

    Status fetch_packs() {
        for (const PackInfo& pack : missing_) {
            std::string name = keys_->name_of(pack.id);
            memory_.packs[name] = pack.id;
            if (!memory_.listed.contains(name) || memory_.bad.contains(name)) continue;
            TRY(auto object, get(name));
            if (!object) continue;
            TRY_OK(work_.run_here([&](Replica& replica) -> Status {
                if (replica.has_pack(pack.id)) return {};
                Status added = replica.add_pack(pack, *object);
                if (added.ok())
                    ++report_.fetched;
                else
                    refuse(name, added.error());
                return {};
            }));
        }
        return {};
    }

    // ---- leaving

    void find_absent() {
        for (const DeviceId& device : members_) {
            if (visit_.connected.contains(device)) continue;
            Absent absent{device, {}, {}, {}};
            if (auto heads = visit_.heads.find(device); heads != visit_.heads.end())
                absent.state = heads->second;
            if (const MailboxReceipt* receipt = last_receipt_of(device)) {
                // What either tells of it is there: devices only gain.
                MemberState state = absent.state.value_or(MemberState{{}, receipt->missing_count});
                for (const auto& [log, position] : receipt->frontier)
                    if (!has_segment(state.frontier, {log, position.number}))
                        state.frontier[log] = position;
                absent.state = state;
                absent.keys = receipt->keys;
                absent.missing = receipt->missing;
            }
            absent_.push_back(std::move(absent));
        }
    }

    const MailboxReceipt* last_receipt_of(const DeviceId& device) const {
        const MailboxReceipt* out = nullptr;
        for (const auto& [name, receipt] : memory_.receipts)
            if (receipt.device == device && (out == nullptr || receipt.time_ms > out->time_ms))
                out = &receipt;
        return out;
    }

    Status leave_objects() {
        report_.is_full = std::chrono::steady_clock::now() < memory_.full_until;
        if (absent_.empty() || report_.is_full) return {};
        std::set<KeyObjectId> keys;
        std::set<SegmentRef> segments;
        std::set<PackId> packs;
        for (const Absent& absent : absent_) {
            if (absent.keys)
                for (const KeyObjectId& key : key_ids_)
                    if (!std::binary_search(absent.keys->begin(), absent.keys->end(), key))
                        keys.insert(key);
            packs.insert(absent.missing.begin(), absent.missing.end());
            for (const auto& [log, position] : frontier_)
                wanted_of(absent, log, position, segments);
        }
        for (const KeyObjectId& key : keys)
            TRY_OK(leave(keys_->name_of(key), memory_.keys, key,
                         [&](Replica& replica) { return replica.read_key_object(key); }));
        for (const SegmentRef& segment : segments)
            TRY_OK(leave(keys_->name_of(segment), memory_.segments, segment,
                         [&](Replica& replica) { return replica.read_segment(segment); }));
        return leave_packs(segments, packs);
    }

    // Of one log, what an absent member has not got. Of members never heard of only what is new.
    void wanted_of(const Absent& absent, const LogId& log, const LogPosition& position,
                   std::set<SegmentRef>& out) const {
        std::uint64_t has = position.number;
        if (absent.state) {
            auto at = absent.state->frontier.find(log);
            has = at == absent.state->frontier.end() ? 0 : at->second.number;
        }
        bool looks_at_all = absent.state && visit_.is_thorough;
        if (looks_at_all) {
            for (std::uint64_t n = has + 1; n <= position.number && out.size() < kPutsMax; ++n)
                out.insert({log, n});
            return;
        }
        for (const SegmentRef& news : visit_.news)
            if (news.log == log && (!absent.state || news.number > has)) out.insert(news);
    }

    Status leave_packs(const std::set<SegmentRef>& segments, std::set<PackId> packs) {
        TRY_OK(work_.run_here([&](Replica& replica) -> Status {
            for (const SegmentRef& segment : segments)
                for (const PackInfo& pack : replica.packs_of(segment).value_or({}))
                    packs.insert(pack.id);
            std::erase_if(packs, [&](const PackId& pack) { return !replica.has_pack(pack); });
            return {};
        }));
        for (const PackId& pack : packs)
            TRY_OK(leave(keys_->name_of(pack), memory_.packs, pack,
                         [&](Replica& replica) -> Result<Bytes> {
                             TRY(PackInfo info, replica.pack_info(pack));
                             return replica.read_pack(pack, 0, info.length);
                         }));
        return {};
    }

    template <typename Id>
    Status leave(const std::string& name, std::map<std::string, Id>& table, const Id& id,
                 const std::function<Result<Bytes>(Replica&)>& read) {
        table[name] = id;
        bool is_full = std::chrono::steady_clock::now() < memory_.full_until;
        if (memory_.listed.contains(name) || is_full) return {};
        std::optional<Bytes> object;
        TRY_OK(work_.run_here([&](Replica& replica) -> Status {
            auto bytes = read(replica);
            if (bytes.ok()) object = std::move(*bytes);
            return {};
        }));
        return object ? put(name, *object) : Status();
    }

    Status put(const std::string& name, ByteView object) {
        Bytes sealed = keys_->seal(name, object);
        TRY(HttpResponse response, ask("PUT", name, std::string(as_text(sealed))));
        if (response.status == kFull) {
            // What lies there goes when it is fetched, or expires.
            memory_.full_until = std::chrono::steady_clock::now() + kFullPause;
            report_.is_full = true;
            return {};
        }
        if (response.status == kTooLarge) return {};
        if (response.status != 201 && response.status != 204) return unexpected(response);
        memory_.listed[name] = MailboxItem{.name = name, .size_bytes = sealed.size()};
        if (response.status == 201) ++report_.put;
        return {};
    }

    Status leave_receipt() {
        if (members_.empty()) return {};
        MailboxReceipt receipt{.device = device_, .frontier = frontier_, .keys = key_ids_};
        receipt.missing_count = missing_.size();
        for (const PackInfo& pack : missing_)
            if (receipt.missing.size() < kReceiptPacksMax) receipt.missing.push_back(pack.id);
        if (frontier_.size() > kReceiptLogsMax || key_ids_.size() > kReceiptKeysMax) return {};
        receipt.time_ms = memory_.own_receipt.time_ms;
        bool is_known =
            receipt == memory_.own_receipt && memory_.listed.contains(memory_.own_receipt_name);
        auto now = std::chrono::steady_clock::now();
        bool is_soon = now - memory_.receipt_at < kReceiptEvery && report_.fetched == 0 &&
                       memory_.listed.contains(memory_.own_receipt_name);
        if (is_known || is_soon) return {};
        receipt.time_ms =
            std::max(static_cast<std::uint64_t>(system_clock().wall_ms()), receipt.time_ms + 1);
        Bytes bytes = encode_receipt(receipt);
        TRY_OK(work_.run_here([&](Replica& replica) -> Status {
            append(bytes, replica.sign(bytes));
            return {};
        }));
        std::string name = keys_->name_of(receipt);
        TRY_OK(put(name, bytes));
        memory_.own_receipt = receipt;
        memory_.own_receipt_name = name;
        memory_.receipts[name] = receipt;
        memory_.receipt_at = now;
        return {};
    }

    // ---- taking away

    // Everybody's state, and whether it is known of all.
    bool all_have(const std::function<bool(const MemberState&)>& test) const {
        for (const DeviceId& device : members_) {
            auto absent = std::find_if(absent_.begin(), absent_.end(),
                                       [&](const Absent& one) { return one.device == device; });
            auto heads = visit_.heads.find(device);
            const MemberState* state = nullptr;
            if (absent != absent_.end() && absent->state) state = &*absent->state;
            if (absent == absent_.end() && heads != visit_.heads.end()) state = &heads->second;
            if (state == nullptr || !test(*state)) return false;
        }
        return true;
    }

    bool is_done_with(const std::string& name) const {
        if (auto at = memory_.segments.find(name); at != memory_.segments.end())
            return has_segment(frontier_, at->second) && all_have([&](const MemberState& state) {
                       return has_segment(state.frontier, at->second);
                   });
        if (memory_.packs.contains(name))
            return missing_.empty() && all_have([&](const MemberState& state) {
                       return state.missing_count == 0 && covers(state.frontier, frontier_);
                   });
        auto receipt = memory_.receipts.find(name);
        if (receipt == memory_.receipts.end()) return false;
        // A later one of the same device, or of nobody's.
        const MailboxReceipt* last = last_receipt_of(receipt->second.device);
        bool is_nobodys =
            receipt->second.device != device_ && !members_.contains(receipt->second.device);
        return is_nobodys || last->time_ms > receipt->second.time_ms;
    }

    Status take_away() {
        std::vector<std::string> done;
        for (const auto& [name, item] : memory_.listed)
            if (is_done_with(name)) done.push_back(name);
        for (const std::string& name : done) {
            TRY(HttpResponse response, ask("DELETE", name));
            if (response.status != 204 && response.status != kNotFound) return unexpected(response);
            ++report_.taken_away;
            memory_.listed.erase(name);
            memory_.receipts.erase(name);
        }
        return {};
    }

    const MailboxVisit& visit_;
    ReplicaWork& work_;
    MailboxMemory& memory_;
    HttpClient client_;
    MailboxVisit::Report report_;

    std::optional<MailboxKeys> keys_;
    DeviceId device_;
    Frontier frontier_;
    std::vector<KeyObjectId> key_ids_;
    std::set<DeviceId> members_;
    std::set<PackInfo> missing_;
    std::vector<Absent> absent_;
    bool is_here_named_ = false;
};

}  // namespace

MailboxVisit::Report MailboxVisit::run(ReplicaWork& work, MailboxMemory& memory) const {
    auto url = parse_relay_url(relay);
    if (!url.ok()) return {.status = url.error()};
    auto client = relay_http_client(*url, proxy, kObjectSizeMax);
    if (!client.ok()) return {.status = client.error()};
    return Steps(*this, work, memory, std::move(*client)).run();
}

}  // namespace lockstep
