// Whom to ask for a pack that several members lack: decisions alone, no effects.
//
// Shared packs (larger than kPushedPackBytesMax) are spread: each member that lacks them gets
// others from a holder first, and the rest from each other, so that a holder sends about one copy
// in all. Who comes first for a pack is decided alike by everybody, from ids; what somebody says it
// is getting already is waited for.
#pragma once

#include <vector>

#include "sync/torrent_session.h"
#include "vault/types.h"

namespace lockstep {

// One peer in view of one pack. Peers that said they lack the pack are left out.
struct HolderView {
    enum class Holding {
        Complete,  // it misses nothing of what we know
        Named,     // it misses others, but has said that this one has come, or all that it misses
        Unknown    // it misses something, or is behind or ahead of us
    };
    LinkNumber link = 0;
    Holding holding = Holding::Unknown;
    bool has_room = false;
    std::uint64_t load = 0;  // the less the sooner it will answer
};

struct PackView {
    bool is_urgent = false;           // a reader waits
    bool is_shared = false;           // spread over those that lack it
    bool is_fetched_by_peer = false;  // somebody who keeps its word is getting it
    bool is_ours_first = false;       // of those that lack it we come first
    bool has_waited_for_first = false;
    bool has_waited_for_room = false;
    std::vector<HolderView> holders;
};

struct FetchDecision {
    enum class Step { Ask, AskOutOfTurn, WaitForRoom, WaitForOther, NobodyHasIt };
    Step step = Step::NobodyHasIt;
    LinkNumber from = 0;  // of Ask and AskOutOfTurn
};

// AskOutOfTurn: nobody is at it, but another comes first: ask when there is nothing better to do.
FetchDecision decide_fetch(const PackView& view);

// The member with the greatest rank comes first for the pack. Equal on all members.
std::uint64_t fetch_rank(const DeviceId& device, const PackId& pack);

}  // namespace lockstep
