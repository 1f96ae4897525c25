// TunnelPlan: whom to reach through a relay, and when. It decides; VaultSync acts.
//
// Direct connections are tried first: a tunnel is asked for when somebody has been at a relay and
// not connected for some seconds, by the lesser device before the greater.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "relay/protocol/admission.h"
#include "vault/types.h"

namespace lockstep {

// A member's name at a relay, which differs from epoch to epoch and from relay to relay.
struct RelayPlace {
    EpochId epoch{};
    std::string relay{};
    MemberName member{};
    auto operator<=>(const RelayPlace&) const = default;
};

class TunnelPlan {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit TunnelPlan(const DeviceId& own) : own_(own) {}

    // Who is called what: of all members and relays that are known.
    void set_names(std::map<RelayPlace, DeviceId> names) { names_ = std::move(names); }
    // Somebody has proved who is behind a name. (Two who write one relay's address differently do
    // not know each other's names.)
    void learn(const RelayPlace& place, const DeviceId& device) { learnt_[place] = device; }
    // Everybody else who is at the relay.
    void set_present(const EpochId& epoch, const std::string& relay,
                     const std::vector<MemberName>& members);
    void forget(const EpochId& epoch);

    // Relays at which somebody is, into the order in which they are to be tried.
    using InOrder =
        std::function<std::vector<std::string>(const EpochId&, std::vector<std::string>)>;
    // Whom to ask tunnels to, now. Nobody is due again before the attempt has had its time.
    std::vector<RelayPlace> due(Time now, const std::function<bool(const DeviceId&)>& is_connected,
                                const InOrder& in_order);

  private:
    struct Wish {
        Time next{};
        unsigned attempts = 0;
        std::vector<RelayPlace> places;  // to try in this order, then anew
    };
    const DeviceId* device_of(const RelayPlace& place) const;

    DeviceId own_;
    std::map<RelayPlace, DeviceId> names_, learnt_;
    std::map<std::pair<EpochId, std::string>, std::vector<MemberName>> present_;
    std::map<Bytes, Wish> wishes_;  // by device; by name where that is not known
};

}  // namespace lockstep
