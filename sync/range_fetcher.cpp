#include "sync/range_fetcher.h"

#include <algorithm>
#include <map>

#include "base/log.h"

namespace lockstep {

namespace {

constexpr std::chrono::seconds kAnswerTimeout{5};
constexpr std::chrono::seconds kNobodyHasIt{10};
constexpr std::chrono::seconds kTryAgain{1};  // those who had it not
constexpr std::size_t kRangesPerPeerMax = 32;

std::size_t size_of(const RangeRequest& request) {
    std::size_t out = 0;
    for (const PackSpan& span : request.spans) out += span.length;
    return out;
}

}  // namespace

void RangeFetcher::want(const RangeRequest& request) {
    Want& want = wants_.emplace_back();
    want.request = request;
    want.wanted = std::chrono::steady_clock::now();
    want.size = size_of(request);
    plan();
}

RangeFetcher::Wants::iterator RangeFetcher::find(LinkNumber from, std::uint32_t number) {
    return std::find_if(wants_.begin(), wants_.end(), [&](const Want& want) {
        return want.from == from && want.number == number;
    });
}

void RangeFetcher::plan() {
    if (peers_.empty()) return;
    std::map<LinkNumber, std::size_t> load;
    std::size_t asked = 0;
    for (const Want& want : wants_)
        if (want.from != 0) ++load[want.from], ++asked;
    for (Want& want : wants_) {
        if (asked >= kRangesPerPeerMax * peers_.size()) return;
        if (want.from != 0 || want.is_storing) continue;
        Peer* best = nullptr;
        auto rank = [&](const Peer& peer) {
            const bool may_lack = peer.heads.missing_packs + peer.heads.left_out_packs != 0;
            return std::tuple(peer.member.role == MemberRole::Blind, may_lack, load[peer.link]);
        };
        for (auto& [link, peer] : peers_) {
            if (peer->is_spare || !peer->has_heads || want.tried.contains(link) ||
                load[link] >= kRangesPerPeerMax)
                continue;
            if (best == nullptr || rank(*peer) < rank(*best)) best = peer.get();
        }
        if (best == nullptr) continue;
        ++load[best->link];
        ++asked;
        want.from = best->link;
        ask(want);
    }
}

void RangeFetcher::ask(Want& want) {
    want.number = ++last_number_;
    want.asked = std::chrono::steady_clock::now();
    want.bytes.clear();
    peers_.at(want.from)->session.send(WantRangesMessage{want.number, want.request});
}

Status RangeFetcher::on_range(Peer& peer, RangeMessage message) {
    auto at = find(peer.link, message.number);
    if (at == wants_.end() || at->is_storing) return {};  // given up meanwhile
    if (message.offset != at->bytes.size() || message.part.size() > at->size - message.offset)
        return Error{ErrorKind::Corrupt, "ranges out of order"};
    append(at->bytes, message.part);
    at->asked = std::chrono::steady_clock::now();
    if (at->bytes.size() == at->size) store(*at);
    return {};
}

void RangeFetcher::store(Want& want) {
    want.is_storing = true;
    auto bytes = std::make_shared<Bytes>(std::move(want.bytes));
    work_->submit([this, request = want.request, bytes, number = want.number, from = want.from,
                   alive = std::weak_ptr<int>(alive_), &loop = loop_](Replica& replica) {
        Presence* presence = replica.presence();
        auto status =
            std::make_shared<Status>(presence ? presence->take_ranges(request, *bytes) : Status());
        loop.post([this, status, number, from, alive] {
            if (!alive.expired()) on_stored(number, from, *status);
        });
    });
}

void RangeFetcher::on_stored(std::uint32_t number, LinkNumber from, const Status& status) {
    auto at = std::find_if(wants_.begin(), wants_.end(), [&](const Want& want) {
        return want.is_storing && want.number == number;
    });
    if (at == wants_.end()) return;
    if (status.ok() || status.error().kind != ErrorKind::Corrupt) {
        wants_.erase(at);
    } else {
        log_warning("sync", "ranges of pack {} from a peer are not the pack's: {}",
                    at->request.pack.id.to_hex(), status.error().message);
        at->is_storing = false;
        at->from = 0;
        at->tried.insert(from);
        hooks_.blamed(from);
    }
    plan();
}

void RangeFetcher::on_no_ranges(Peer& peer, std::uint32_t number) {
    auto at = find(peer.link, number);
    if (at == wants_.end() || at->is_storing) return;
    at->from = 0;
    at->tried.insert(peer.link);
    plan();
}

void RangeFetcher::on_peer_gone(LinkNumber link) {
    for (Want& want : wants_) {
        want.tried.erase(link);
        if (want.from == link && !want.is_storing) want.from = 0;
    }
    plan();
}

void RangeFetcher::on_news() {
    if (!wants_.empty()) plan();
}

void RangeFetcher::on_tick(Time now) {
    for (auto at = wants_.begin(); at != wants_.end();) {
        const auto next = std::next(at);
        if (!at->is_storing) {
            if (at->from != 0 && now - at->asked > kAnswerTimeout) {
                at->tried.insert(std::exchange(at->from, 0));
            } else if (at->from == 0 && now - at->wanted > kNobodyHasIt) {
                fail(at);
            } else if (at->from == 0 && now - at->asked > kTryAgain) {
                at->tried.clear();
            }
        }
        at = next;
    }
    plan();
}

void RangeFetcher::fail(Wants::iterator want) {
    work_->submit([request = want->request](Replica& replica) {
        if (Presence* presence = replica.presence()) presence->ranges_failed(request);
    });
    wants_.erase(want);
}

std::vector<RangeRequest> RangeFetcher::take_all() {
    std::vector<RangeRequest> out;
    for (const Want& want : wants_) out.push_back(want.request);
    wants_.clear();
    return out;
}

}  // namespace lockstep
