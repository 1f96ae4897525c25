#include "sync/tunnel_plan.h"

#include <algorithm>

namespace lockstep {
namespace {

using std::chrono::seconds;

constexpr seconds kDirectFirst{3};
constexpr seconds kGreaterWaits{4};  // the lesser's tunnel is under way by then
constexpr seconds kUnknownWaits{8};  // whoever it is knows us, most likely
constexpr seconds kRetryFirst{10};
constexpr seconds kRetryMax{120};

// Each epoch's places in the order that its relays are to be tried in.
std::vector<RelayPlace> ordered(const std::vector<RelayPlace>& places,
                                const TunnelPlan::InOrder& in_order) {
    std::map<EpochId, std::vector<std::string>> relays;
    for (const RelayPlace& place : places) relays[place.epoch].push_back(place.relay);
    std::vector<RelayPlace> out;
    for (const auto& [epoch, of_epoch] : relays)
        for (const std::string& relay : in_order(epoch, of_epoch))
            std::copy_if(places.begin(), places.end(), std::back_inserter(out),
                         [&](const RelayPlace& place) {
                             return place.epoch == epoch && place.relay == relay;
                         });
    return out.empty() ? places : out;
}

}  // namespace

const DeviceId* TunnelPlan::device_of(const RelayPlace& place) const {
    for (const auto* table : {&names_, &learnt_})
        if (auto at = table->find(place); at != table->end()) return &at->second;
    return nullptr;
}

void TunnelPlan::set_present(const EpochId& epoch, const std::string& relay,
                             const std::vector<MemberName>& members) {
    if (members.empty())
        present_.erase({epoch, relay});
    else
        present_[{epoch, relay}] = members;
}

void TunnelPlan::forget(const EpochId& epoch) {
    std::erase_if(present_, [&](const auto& at) { return at.first.first == epoch; });
    std::erase_if(learnt_, [&](const auto& at) { return at.first.epoch == epoch; });
}

std::vector<RelayPlace> TunnelPlan::due(Time now,
                                        const std::function<bool(const DeviceId&)>& is_connected,
                                        const InOrder& in_order) {
    struct Candidate {
        seconds wait;
        std::vector<RelayPlace> places;
    };
    std::map<Bytes, Candidate> candidates;
    for (const auto& [where, members] : present_) {
        for (const MemberName& member : members) {
            RelayPlace place{where.first, where.second, member};
            const DeviceId* device = device_of(place);
            if (device != nullptr && (*device == own_ || is_connected(*device))) continue;
            seconds wait = kDirectFirst;
            if (device == nullptr) wait += kUnknownWaits;
            if (device != nullptr && *device < own_) wait += kGreaterWaits;
            Candidate& candidate = candidates[to_bytes(device ? device->view() : member.view())];
            candidate.wait = wait;
            candidate.places.push_back(place);
        }
    }
    std::erase_if(wishes_, [&](const auto& wish) { return !candidates.contains(wish.first); });
    std::vector<RelayPlace> out;
    for (const auto& [whom, candidate] : candidates) {
        auto [at, is_new] = wishes_.try_emplace(whom, Wish{now + candidate.wait, 0, {}});
        Wish& wish = at->second;
        if (is_new || now < wish.next) continue;
        std::erase_if(wish.places, [&](const RelayPlace& place) {
            return std::find(candidate.places.begin(), candidate.places.end(), place) ==
                   candidate.places.end();
        });
        if (wish.places.empty()) wish.places = ordered(candidate.places, in_order);
        out.push_back(wish.places.front());
        wish.places.erase(wish.places.begin());
        wish.next =
            now + std::min<seconds>(kRetryMax, kRetryFirst * (1 << std::min(wish.attempts, 5U)));
        ++wish.attempts;
    }
    return out;
}

}  // namespace lockstep
