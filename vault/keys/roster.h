// Roster: who is a member of a vault, as a pure function of the set of membership facts.
//
// Two devices with the same facts have the same roster. A fact counts when its author was entitled
// to it by facts in its own past, and when it does not come from a revoked author beyond the
// revocation's past. Of two revocations of each other the earlier admitted author's counts; the
// recovery slot's come first; the last owner stays. Rules: vault/FORMAT.md, "Roster". THREADS:
// constant after build(); share it freely.
#pragma once

#include <map>

#include "vault/keys/membership_fact.h"

namespace lockstep {

using FactSet = std::map<FactId, MembershipFact>;

struct RosterMember {
    DeviceCertificate certificate;
    MemberRole role = MemberRole::Writer;
    std::uint32_t admitted = 0;  // order of admission: 0 is the founder
    bool is_revoked = false;
    std::vector<LogCut> cuts;  // when revoked; sorted by log
    bool was_writer = false;   // has had a role that writes, now or before
    bool was_keyed = false;    // has had a role that reads, now or before

    const DeviceId& device() const { return certificate.device; }
    bool is_active() const { return !is_revoked; }
    bool is_keyed() const { return !is_revoked && role != MemberRole::Blind; }
    bool may_write() const { return role == MemberRole::Owner || role == MemberRole::Writer; }
    // Epochs that it was given are not written with any more.
    bool is_kept_out() const { return is_revoked || (was_keyed && role == MemberRole::Blind); }
};

// What a signing key may do to the vault's keys.
enum class Authority { None, Passphrase, Recovery, Owner };

class Roster {
  public:
    // REQUIRES: every fact was verified by decode_fact() (or signed here).
    static Roster build(const DeviceId& founder, const FactSet& facts);

    // All that were ever admitted, in order of admission.
    const std::vector<RosterMember>& members() const { return members_; }
    // Null when never admitted.
    const RosterMember* find(const DeviceId& device) const;
    // Active members' vault signing keys, and slots'.
    Authority authority_of(const SigningPublicKey& key) const;

    const std::vector<AddSlotFact>& slots() const { return slots_; }  // live; sorted by signing key
    const std::vector<LogCut>& retired() const { return retired_; }
    // Counting ROTATE facts, ordered by (sequence, epoch id).
    const std::vector<RotateFact>& epochs() const { return epochs_; }
    const RotateFact* find_epoch(const EpochId& epoch) const;
    // The greatest epoch that no device was given which is revoked, or blind now; null: somebody
    // must rotate before writing.
    const RotateFact* write_epoch() const;

    // Counting facts that no other counting fact has seen: what the next fact names (at most
    // kFactParentsMax of them).
    const std::vector<FactId>& heads() const { return heads_; }
    bool counts(const FactId& fact) const;

  private:
    friend class RosterBuilder;
    std::vector<RosterMember> members_;
    std::vector<AddSlotFact> slots_;
    std::vector<LogCut> retired_;
    std::vector<RotateFact> epochs_;
    std::vector<FactId> heads_;
    std::vector<FactId> counting_;  // sorted
};

}  // namespace lockstep
