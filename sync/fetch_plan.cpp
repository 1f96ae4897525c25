#include "sync/fetch_plan.h"

namespace lockstep {

namespace {

using Holding = HolderView::Holding;
using Step = FetchDecision::Step;

constexpr std::uint64_t kUnknownLoad = 1024 * 1024;  // asking in vain costs a round trip

struct Best {
    const HolderView* with_room = nullptr;
    bool is_any = false;
};

template <typename F>
Best least_loaded(const std::vector<HolderView>& holders, F counts) {
    Best best;
    auto load = [](const HolderView& holder) {
        return holder.load + (holder.holding == Holding::Unknown ? kUnknownLoad : 0);
    };
    for (const HolderView& holder : holders) {
        if (!counts(holder)) continue;
        best.is_any = true;
        if (!holder.has_room) continue;
        if (best.with_room == nullptr || load(holder) < load(*best.with_room))
            best.with_room = &holder;
    }
    return best;
}

FetchDecision ask(const Best& best) {
    if (best.with_room != nullptr) return {Step::Ask, best.with_room->link};
    return {best.is_any ? Step::WaitForRoom : Step::NobodyHasIt, 0};
}

FetchDecision decide_shared(const PackView& view) {
    auto of = [&](Holding holding) {
        return least_loaded(view.holders,
                            [&](const HolderView& holder) { return holder.holding == holding; });
    };
    // Whoever lacks others takes work off those that lack nothing, as long as it keeps up.
    Best named = of(Holding::Named), complete = of(Holding::Complete);
    if (named.with_room != nullptr || (named.is_any && !view.has_waited_for_room))
        return ask(named);
    if (named.is_any && complete.with_room != nullptr) return ask(complete);
    if (named.is_any) return {Step::WaitForRoom, 0};
    if (view.is_fetched_by_peer) return {Step::WaitForOther, 0};
    Best source = complete.is_any ? complete : of(Holding::Unknown);
    // Of several that may not have it one may soon say what it holds.
    bool is_our_turn = complete.is_any ? view.is_ours_first : view.holders.size() == 1;
    if (source.is_any && !is_our_turn && !view.has_waited_for_first) return {Step::WaitForOther, 0};
    FetchDecision decision = ask(source);
    if (decision.step == Step::Ask && !view.is_ours_first) decision.step = Step::AskOutOfTurn;
    return decision;
}

}  // namespace

FetchDecision decide_fetch(const PackView& view) {
    if (view.is_shared && !view.is_urgent) return decide_shared(view);
    return ask(least_loaded(view.holders, [](const HolderView&) { return true; }));
}

std::uint64_t fetch_rank(const DeviceId& device, const PackId& pack) {
    auto head = [](const auto& id) {
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < 8; ++i)
            out |= std::to_integer<std::uint64_t>(id.bytes[i]) << (8 * i);
        return out;
    };
    // The finishing steps of splitmix64; ids are hashes and keys, so equally spread already.
    std::uint64_t x = head(device) ^ (head(pack) * 0x9e3779b97f4a7c15U);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

}  // namespace lockstep
