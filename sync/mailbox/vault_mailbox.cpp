#include "sync/mailbox/vault_mailbox.h"

#include <algorithm>

#include "base/log.h"
#include "base/random.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kNewsDelay{300};  // several changes go together
constexpr seconds kGoneDelay{5};         // it may be back at once
constexpr minutes kThoroughEvery{5};
constexpr seconds kBusyWait{2};
constexpr seconds kUnansweredRetry{5};  // as long as the relay's circuit lets us
constexpr minutes kRefusedRetry{1};
constexpr minutes kNoneRetry{10};  // a relay without a mailbox may be given one
constexpr std::size_t kNewsMax = 4096;

milliseconds jittered(milliseconds time) {
    auto part = static_cast<std::int64_t>(system_random().u64() % 512);
    return time * 3 / 4 + milliseconds(time.count() * part / 1024);
}

}  // namespace

void VaultMailbox::admit(const EpochId& epoch, const std::string& relay,
                         const std::array<std::byte, 20>& info_hash, const std::string& ticket) {
    auto known = places_.find(relay);
    if (known != places_.end() && known->second.epoch != epoch) {
        known->second.stop.request_stop();
        places_.erase(known);
    }
    auto [at, is_new] = places_.try_emplace(relay);
    Place& place = at->second;
    place.epoch = epoch;
    place.info_hash = info_hash;
    place.ticket = ticket;
    auto now = std::chrono::steady_clock::now();
    // With another ticket the relay may answer otherwise than it did.
    if (is_new || !place.problem.empty()) place.next = now;
    if (is_due(relay, place, now)) visit(relay, place, now);
}

void VaultMailbox::retain(const std::vector<std::string>& relays) {
    for (auto at = places_.begin(); at != places_.end();) {
        if (std::count(relays.begin(), relays.end(), at->first) != 0) {
            ++at;
            continue;
        }
        at->second.stop.request_stop();
        at = places_.erase(at);
    }
}

void VaultMailbox::close() {
    for (auto& [relay, place] : places_) place.stop.request_stop();
    places_.clear();
}

void VaultMailbox::on_news(const SegmentRef& segment) {
    bool is_wanted = env_.members().is_anybody_absent;
    for (auto& [relay, place] : places_)
        if (place.news.size() < kNewsMax) place.news.insert(segment);
    if (is_wanted) hurry(kNewsDelay, false);
}

void VaultMailbox::leave_now(std::function<void()> done) {
    left_ = std::move(done);
    auto now = std::chrono::steady_clock::now();
    bool is_wanted = env_.members().is_anybody_absent;
    for (auto& [relay, place] : places_)
        if (is_wanted && place.is_there && !place.news.empty()) place.next = now;
    tell_when_left();
}

void VaultMailbox::tell_when_left() {
    if (!left_) return;
    auto now = std::chrono::steady_clock::now();
    on_tick(now);
    bool is_busy = std::any_of(places_.begin(), places_.end(),
                               [](const auto& place) { return place.second.is_visiting; });
    if (!is_busy) std::exchange(left_, nullptr)();
}

void VaultMailbox::on_members_changed() {
    hurry(kGoneDelay, true);
}

void VaultMailbox::hurry(milliseconds delay, bool is_thorough) {
    auto at = std::chrono::steady_clock::now() + delay;
    for (auto& [relay, place] : places_) {
        if (!place.is_there) continue;
        place.next = std::min(place.next, at);
        if (is_thorough) place.next_thorough = std::min(place.next_thorough, at);
    }
    env_.loop.post_after(delay + milliseconds(1), [this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) on_tick(std::chrono::steady_clock::now());
    });
}

void VaultMailbox::on_tick(SyncLoop::Time now) {
    for (auto& [relay, place] : places_)
        if (is_due(relay, place, now)) visit(relay, place, now);
}

bool VaultMailbox::is_due(const std::string& relay, const Place& place, SyncLoop::Time now) const {
    return !place.is_visiting && now >= place.next && env_.may_ask(relay);
}

void VaultMailbox::visit(const std::string& relay, Place& place, SyncLoop::Time now) {
    place.is_visiting = true;
    Members members = env_.members();
    auto task = std::make_shared<MailboxVisit>();
    task->relay = relay;
    task->info_hash = place.info_hash;
    task->ticket = place.ticket;
    task->epoch = place.epoch;
    task->is_thorough = now >= place.next_thorough;
    task->news = place.news;
    task->connected = std::move(members.connected);
    task->heads = std::move(members.heads);
    task->stop = place.stop.get_token();
    task->proxy = env_.proxy();
    if (task->is_thorough) place.next_thorough = now + jittered(kThoroughEvery);
    place.next = SyncLoop::Time::max();
    env_.workers.submit([this, task, memory = place.memory, work = env_.work, &loop = env_.loop,
                         alive = std::weak_ptr<int>(alive_)] {
        auto report = std::make_shared<MailboxVisit::Report>();
        if (!task->stop.stop_requested()) *report = task->run(*work, *memory);
        loop.post([this, task, memory, report, alive] {
            if (!alive.expired()) on_visited(task->relay, memory, task->news, *report);
        });
    });
}

void VaultMailbox::on_visited(const std::string& relay,
                              const std::shared_ptr<MailboxMemory>& memory,
                              const std::set<SegmentRef>& news,
                              const MailboxVisit::Report& report) {
    auto at = places_.find(relay);
    if (at == places_.end() || at->second.memory != memory) return;
    Place& place = at->second;
    place.is_visiting = false;
    place.is_there = report.is_there;
    place.is_full = report.is_full;
    auto now = std::chrono::steady_clock::now();
    if (report.asked) env_.asked(relay, *report.asked, report.took);
    if (report.status.ok() && !report.must_come_again) {
        place.problem.clear();
        for (const SegmentRef& segment : news) place.news.erase(segment);
        place.next = place.next_thorough;
        if (!place.news.empty() && env_.members().is_anybody_absent) place.next = now;
        if (report.fetched + report.put + report.taken_away != 0)
            log_debug("relay", "mailbox: {} fetched, {} put, {} taken away", report.fetched,
                      report.put, report.taken_away);
    } else if (report.must_come_again) {
        place.next = now + jittered(kBusyWait);
        place.next_thorough = std::min(place.next_thorough, place.next);
    } else if (report.has_none) {
        place.next = place.next_thorough = now + jittered(kNoneRetry);
    } else {
        place.problem = report.status.error().message;
        log_debug("relay", "mailbox: {}", place.problem);
        bool is_answered = !report.asked || report.asked->ok();
        place.next = now + jittered(is_answered ? milliseconds(kRefusedRetry)
                                                : milliseconds(kUnansweredRetry));
        place.next_thorough = place.next;
    }
    env_.changed(relay);
    tell_when_left();
}

bool VaultMailbox::is_there(const std::string& relay) const {
    auto at = places_.find(relay);
    return at != places_.end() && at->second.is_there;
}

std::string VaultMailbox::problem(const std::string& relay) const {
    auto at = places_.find(relay);
    if (at == places_.end()) return "";
    return at->second.is_full ? "it is full" : at->second.problem;
}

}  // namespace lockstep
