#include "vault/keys/roster.h"

#include <algorithm>
#include <set>

#include "vault/limits.h"

namespace lockstep {
namespace {

using Index = std::size_t;

// A set of facts, by index.
class Bits {
  public:
    explicit Bits(std::size_t size) : words_((size + 63) / 64) {}
    void set(Index i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
    bool test(Index i) const { return ((words_[i / 64] >> (i % 64)) & 1) != 0; }
    void unite(const Bits& other) {
        for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
    }

  private:
    std::vector<std::uint64_t> words_;
};

const DeviceCertificate* certificate_in(const FactBody& body) {
    if (const auto* add = std::get_if<AddFact>(&body)) return &add->certificate;
    if (const auto* recover = std::get_if<RecoverFact>(&body)) return &recover->certificate;
    return nullptr;
}

// Which device a fact is about, if any.
const DeviceId* device_in(const FactBody& body) {
    if (const auto* certificate = certificate_in(body)) return &certificate->device;
    if (const auto* revoke = std::get_if<RevokeFact>(&body)) return &revoke->device;
    if (const auto* retire = std::get_if<RetireFact>(&body)) return &retire->device;
    if (const auto* role = std::get_if<RoleFact>(&body)) return &role->device;
    return nullptr;
}

Authority authority_of_slot(SlotType type) {
    switch (type) {
        case SlotType::Passphrase:
            return Authority::Passphrase;
        case SlotType::Recovery:
            return Authority::Recovery;
        case SlotType::Device:
        case SlotType::Fido2:
        case SlotType::PostQuantum:
            return Authority::None;
    }
    return Authority::None;
}

void keep_greater_cut(std::vector<LogCut>& cuts, const LogCut& cut) {
    auto at = std::lower_bound(cuts.begin(), cuts.end(), cut,
                               [](const LogCut& a, const LogCut& b) { return a.log < b.log; });
    if (at == cuts.end() || at->log != cut.log)
        cuts.insert(at, cut);
    else
        *at = std::max(*at, cut);
}

}  // namespace

// Evaluates a set of facts; lives for one build().
class RosterBuilder {
  public:
    RosterBuilder(const DeviceId& founder, const FactSet& facts) : founder_(founder) {
        order(facts);
        index();
    }

    Roster build() {
        confirm_revocations();
        evaluate();
        Roster roster = assemble();
        // A demotion that would leave no owner does not count; without it others may, so look
        // again.
        while (!demotions_refused_.empty()) {
            for (Index i : demotions_refused_) is_refused_[i] = true;
            evaluate();
            roster = assemble();
        }
        list_admitted_too_late(roster);
        return roster;
    }

  private:
    // Facts in an order that has every fact after those it has seen, and is the same everywhere: of
    // those that could come next the one with the smallest id. Facts that name unknown ones are
    // left out.
    void order(const FactSet& facts) {
        std::map<FactId, std::size_t> missing;
        std::map<FactId, std::vector<FactId>> followers;
        std::set<FactId> ready;
        for (const auto& [id, fact] : facts) {
            missing[id] = fact.seen.size();
            for (const FactId& seen : fact.seen) followers[seen].push_back(id);
            if (fact.seen.empty()) ready.insert(id);
        }
        std::map<FactId, Index> index_of;
        while (!ready.empty()) {
            FactId id = *ready.begin();
            ready.erase(ready.begin());
            index_of[id] = facts_.size();
            ids_.push_back(id);
            facts_.push_back(&facts.at(id));
            for (const FactId& follower : followers[id])
                if (--missing[follower] == 0) ready.insert(follower);
        }
        for (Index i = 0; i < facts_.size(); ++i) {
            Bits past(facts_.size());
            for (const FactId& seen : facts_[i]->seen) {
                past.set(index_of.at(seen));
                past.unite(past_[index_of.at(seen)]);
            }
            past_.push_back(std::move(past));
        }
        is_refused_.resize(facts_.size());
        is_confirmed_.resize(facts_.size());
    }

    void index() {
        for (Index i = 0; i < facts_.size(); ++i) {
            const FactBody& body = facts_[i]->body;
            if (const auto* certificate = certificate_in(body))
                about_key_[certificate->signing].push_back(i);
            if (const auto* add = std::get_if<AddSlotFact>(&body))
                about_key_[add->signing].push_back(i);
            if (const auto* remove = std::get_if<RemoveSlotFact>(&body))
                about_key_[remove->signing].push_back(i);
            if (const DeviceId* device = device_in(body)) about_device_[*device].push_back(i);
        }
    }

    bool was_seen_by(Index fact, Index by) const { return past_[by].test(fact); }

    // Facts about a device that count and that `by` had seen, in order.
    template <typename Visit>
    void for_seen(const std::vector<Index>& candidates, Index by, Visit visit) const {
        for (Index i : candidates)
            if (counts_[i] && was_seen_by(i, by)) visit(*facts_[i]);
    }

    struct Author {
        Authority authority = Authority::None;
        std::vector<DeviceId> devices;  // active members with this key
    };

    // Whether `device` is an active member in the past of `by`, and with what role.
    std::optional<MemberRole> role_at(const DeviceId& device, Index by) const {
        std::optional<MemberRole> role;
        bool is_revoked = false;
        for_seen(about_device_.at(device), by, [&](const MembershipFact& fact) {
            if (const auto* add = std::get_if<AddFact>(&fact.body)) role = role.value_or(add->role);
            if (std::holds_alternative<RecoverFact>(fact.body)) role = MemberRole::Owner;
            if (const auto* change = std::get_if<RoleFact>(&fact.body)) role = change->role;
            if (std::holds_alternative<RevokeFact>(fact.body)) is_revoked = true;
        });
        return is_revoked ? std::nullopt : role;
    }

    Author author_at(Index by) const {
        Author out;
        auto about = about_key_.find(facts_[by]->author);
        if (about == about_key_.end()) return out;
        std::set<DeviceId> devices;
        Authority slot = Authority::None;
        bool is_removed = false;
        for_seen(about->second, by, [&](const MembershipFact& fact) {
            if (const auto* certificate = certificate_in(fact.body))
                devices.insert(certificate->device);
            if (const auto* add = std::get_if<AddSlotFact>(&fact.body))
                slot = authority_of_slot(add->type);
            if (std::holds_alternative<RemoveSlotFact>(fact.body)) is_removed = true;
        });
        if (!is_removed) out.authority = slot;
        for (const DeviceId& device : devices) {
            auto role = role_at(device, by);
            if (!role) continue;
            out.devices.push_back(device);
            if (*role == MemberRole::Owner) out.authority = Authority::Owner;
        }
        return out;
    }

    bool is_founding(Index i) const {
        const auto* add = std::get_if<AddFact>(&facts_[i]->body);
        return add != nullptr && facts_[i]->seen.empty() && add->certificate.device == founder_ &&
               add->certificate.signing == facts_[i]->author && add->role == MemberRole::Owner;
    }

    bool was_revoked_before(const DeviceId& device, Index by) const {
        bool is_revoked = false;
        for_seen(about_device_.at(device), by, [&](const MembershipFact& fact) {
            is_revoked |= std::holds_alternative<RevokeFact>(fact.body);
        });
        return is_revoked;
    }

    bool may_state(const Author& author, const FactBody& body) const {
        switch (author.authority) {
            case Authority::Owner:
                return !std::holds_alternative<RecoverFact>(body);
            case Authority::Recovery:
                return std::holds_alternative<AddFact>(body) ||
                       std::holds_alternative<RevokeFact>(body) ||
                       std::holds_alternative<RoleFact>(body) ||
                       std::holds_alternative<RecoverFact>(body);
            case Authority::Passphrase:
                return std::holds_alternative<AddFact>(body);
            case Authority::None:
                break;
        }
        // Any member may close a log of its own.
        const auto* retire = std::get_if<RetireFact>(&body);
        return retire != nullptr && std::find(author.devices.begin(), author.devices.end(),
                                              retire->device) != author.devices.end();
    }

    bool makes_sense(Index i) const {
        const FactBody& body = facts_[i]->body;
        if (const auto* certificate = certificate_in(body))
            return !was_revoked_before(certificate->device, i);
        if (const auto* slot = std::get_if<AddSlotFact>(&body))
            return slot->type != SlotType::Device;
        const DeviceId* device = device_in(body);
        return device == nullptr || role_at(*device, i).has_value();
    }

    bool is_entitled(Index i) const {
        return is_founding(i) || (may_state(author_at(i), facts_[i]->body) && makes_sense(i));
    }

    // Facts of a revoked author outside the past of its revocation.
    bool is_beyond_a_revocation(Index i) const {
        for (Index r : confirmed_) {
            if (r == i || was_seen_by(i, r)) continue;
            const DeviceId& revoked = std::get<RevokeFact>(facts_[r]->body).device;
            auto about = about_key_.find(facts_[i]->author);
            if (about == about_key_.end()) continue;
            for (Index a : about->second) {
                const auto* certificate = certificate_in(facts_[a]->body);
                if (certificate != nullptr && certificate->device == revoked) return true;
            }
        }
        return false;
    }

    void evaluate(bool with_what_came_too_late = false) {
        counts_.assign(facts_.size(), false);
        for (Index i = 0; i < facts_.size(); ++i) {
            bool is_revocation = std::holds_alternative<RevokeFact>(facts_[i]->body);
            if (is_refused_[i] || (is_revocation && !is_confirmed_[i])) continue;
            counts_[i] = (with_what_came_too_late || !is_beyond_a_revocation(i)) && is_entitled(i);
        }
    }

    // Who was admitted by somebody whose revocation was not known yet was taken for a member by
    // others, too: as if it had been revoked as well.
    void list_admitted_too_late(Roster& roster) {
        if (confirmed_.empty()) return;
        const auto counts = counts_;
        evaluate(true);
        for (Index i = 0; i < facts_.size(); ++i) {
            const auto* add = std::get_if<AddFact>(&facts_[i]->body);
            if (add == nullptr || !counts_[i] ||
                find_member(roster, add->certificate.device) != nullptr)
                continue;
            admit(roster, add->certificate, add->role);
            roster.members_.back().is_revoked = true;
        }
        counts_ = counts;
    }

    // Who decides first when two revoke each other: the recovery slot, then the earlier admitted.
    std::pair<int, Index> precedence(Index revocation) const {
        auto about = about_key_.find(facts_[revocation]->author);
        if (about == about_key_.end()) return {2, 0};
        for (Index i : about->second) {
            if (std::holds_alternative<AddSlotFact>(facts_[i]->body)) return {0, i};
            if (certificate_in(facts_[i]->body) != nullptr) return {1, i};
        }
        return {2, 0};
    }

    // Takes revocations in an order that respects what they had seen, the greater precedence first,
    // and keeps those whose author is still entitled after those kept before.
    void confirm_revocations() {
        std::vector<Index> waiting;
        for (Index i = 0; i < facts_.size(); ++i)
            if (std::holds_alternative<RevokeFact>(facts_[i]->body)) waiting.push_back(i);
        while (!waiting.empty()) {
            Index best = waiting.front();
            for (Index i : waiting) {
                bool is_ready = std::none_of(waiting.begin(), waiting.end(),
                                             [&](Index w) { return was_seen_by(w, i); });
                bool best_ready = std::none_of(waiting.begin(), waiting.end(),
                                               [&](Index w) { return was_seen_by(w, best); });
                if (is_ready && (!best_ready || precedence(i) < precedence(best))) best = i;
            }
            waiting.erase(std::find(waiting.begin(), waiting.end(), best));
            confirm(best);
        }
    }

    // A revocation kept before may lose its author to this one: then it goes, and the rest is
    // looked at again.
    void confirm(Index revocation) {
        std::vector<Index> before = confirmed_;
        confirmed_.push_back(revocation);
        for (;;) {
            mark_confirmed();
            evaluate();
            if (!counts_[revocation] || assemble_owner_count() == 0) break;
            if (std::erase_if(confirmed_, [&](Index i) { return !counts_[i]; }) == 0) return;
        }
        confirmed_ = std::move(before);
        mark_confirmed();
    }

    void mark_confirmed() {
        is_confirmed_.assign(facts_.size(), false);
        for (Index i : confirmed_) is_confirmed_[i] = true;
    }

    std::size_t assemble_owner_count() {
        Roster roster = assemble();
        return owner_count(roster);
    }

    static std::size_t owner_count(const Roster& roster) {
        return static_cast<std::size_t>(
            std::count_if(roster.members_.begin(), roster.members_.end(), [](const auto& member) {
                return member.is_active() && member.role == MemberRole::Owner;
            }));
    }

    static RosterMember* find_member(Roster& roster, const DeviceId& device) {
        for (RosterMember& member : roster.members_)
            if (member.device() == device) return &member;
        return nullptr;
    }

    static void give_role(RosterMember& member, MemberRole role) {
        member.role = role;
        member.was_writer |= member.may_write();
        member.was_keyed |= role != MemberRole::Blind;
    }

    void admit(Roster& roster, const DeviceCertificate& certificate, MemberRole role) const {
        if (RosterMember* known = find_member(roster, certificate.device)) {
            known->certificate = certificate;
            return;
        }
        roster.members_.push_back({.certificate = certificate,
                                   .role = MemberRole::Blind,
                                   .admitted = static_cast<std::uint32_t>(roster.members_.size()),
                                   .is_revoked = false,
                                   .cuts = {}});
        give_role(roster.members_.back(), role);
    }

    void apply_role(Roster& roster, Index i, const RoleFact& fact) {
        RosterMember* member = find_member(roster, fact.device);
        if (member == nullptr) return;
        bool is_last_owner = member->is_active() && member->role == MemberRole::Owner &&
                             fact.role != MemberRole::Owner && owner_count(roster) == 1;
        if (is_last_owner)
            demotions_refused_.push_back(i);
        else
            give_role(*member, fact.role);
    }

    void apply(Roster& roster, Index i) {
        const FactBody& body = facts_[i]->body;
        if (const auto* add = std::get_if<AddFact>(&body))
            admit(roster, add->certificate, add->role);
        if (const auto* recover = std::get_if<RecoverFact>(&body)) {
            admit(roster, recover->certificate, MemberRole::Owner);
            give_role(*find_member(roster, recover->certificate.device), MemberRole::Owner);
        }
        if (const auto* retire = std::get_if<RetireFact>(&body))
            keep_greater_cut(roster.retired_, retire->cut);
        if (const auto* slot = std::get_if<AddSlotFact>(&body)) roster.slots_.push_back(*slot);
        if (const auto* rotate = std::get_if<RotateFact>(&body))
            if (roster.find_epoch(rotate->epoch) == nullptr) roster.epochs_.push_back(*rotate);
    }

    // Revocations last: they hold whatever order the rest comes in.
    Roster assemble() {
        demotions_refused_.clear();
        Roster roster;
        std::vector<SigningPublicKey> removed;
        for (Index i = 0; i < facts_.size(); ++i) {
            if (!counts_[i]) continue;
            roster.counting_.push_back(ids_[i]);
            apply(roster, i);
            if (const auto* slot = std::get_if<RemoveSlotFact>(&facts_[i]->body))
                removed.push_back(slot->signing);
        }
        revoke_members(roster);
        for (Index i = 0; i < facts_.size(); ++i)
            if (const auto* role = std::get_if<RoleFact>(&facts_[i]->body); role && counts_[i])
                apply_role(roster, i, *role);
        finish(roster, removed);
        return roster;
    }

    void revoke_members(Roster& roster) const {
        for (Index r : confirmed_) {
            const auto& fact = std::get<RevokeFact>(facts_[r]->body);
            RosterMember* member = find_member(roster, fact.device);
            if (!counts_[r] || member == nullptr) continue;
            member->is_revoked = true;
            for (const LogCut& cut : fact.cuts) keep_greater_cut(member->cuts, cut);
        }
    }

    void finish(Roster& roster, const std::vector<SigningPublicKey>& removed) const {
        std::erase_if(roster.slots_, [&](const AddSlotFact& slot) {
            return std::find(removed.begin(), removed.end(), slot.signing) != removed.end();
        });
        std::sort(roster.slots_.begin(), roster.slots_.end(),
                  [](const auto& a, const auto& b) { return a.signing < b.signing; });
        std::sort(roster.epochs_.begin(), roster.epochs_.end(), [](const auto& a, const auto& b) {
            return std::pair(a.sequence, a.epoch) < std::pair(b.sequence, b.epoch);
        });
        Bits seen(facts_.size());
        for (Index i = 0; i < facts_.size(); ++i)
            if (counts_[i]) seen.unite(past_[i]);
        for (Index i = 0; i < facts_.size(); ++i)
            if (counts_[i] && !seen.test(i)) roster.heads_.push_back(ids_[i]);
        std::sort(roster.heads_.begin(), roster.heads_.end());
        if (roster.heads_.size() > kFactParentsMax) roster.heads_.resize(kFactParentsMax);
        std::sort(roster.counting_.begin(), roster.counting_.end());
    }

    const DeviceId& founder_;
    std::vector<const MembershipFact*> facts_;  // in order
    std::vector<FactId> ids_;
    std::vector<Bits> past_;
    std::map<SigningPublicKey, std::vector<Index>> about_key_;
    std::map<DeviceId, std::vector<Index>> about_device_;
    std::vector<bool> counts_, is_refused_, is_confirmed_;
    std::vector<Index> confirmed_;
    std::vector<Index> demotions_refused_;
};

Roster Roster::build(const DeviceId& founder, const FactSet& facts) {
    return RosterBuilder(founder, facts).build();
}

const RosterMember* Roster::find(const DeviceId& device) const {
    for (const RosterMember& member : members_)
        if (member.device() == device) return &member;
    return nullptr;
}

Authority Roster::authority_of(const SigningPublicKey& key) const {
    for (const RosterMember& member : members_)
        if (member.is_active() && member.role == MemberRole::Owner &&
            member.certificate.signing == key)
            return Authority::Owner;
    for (const AddSlotFact& slot : slots_)
        if (slot.signing == key) return authority_of_slot(slot.type);
    return Authority::None;
}

const RotateFact* Roster::find_epoch(const EpochId& epoch) const {
    for (const RotateFact& rotate : epochs_)
        if (rotate.epoch == epoch) return &rotate;
    return nullptr;
}

const RotateFact* Roster::write_epoch() const {
    for (auto epoch = epochs_.rbegin(); epoch != epochs_.rend(); ++epoch) {
        bool is_clean = std::all_of(members_.begin(), members_.end(), [&](const auto& member) {
            return !member.is_kept_out() ||
                   std::binary_search(epoch->excluded.begin(), epoch->excluded.end(),
                                      member.device());
        });
        if (is_clean) return &*epoch;
    }
    return nullptr;
}

bool Roster::counts(const FactId& fact) const {
    return std::binary_search(counting_.begin(), counting_.end(), fact);
}

}  // namespace lockstep
