// SimulatedWorld: devices that are removed, whose logs are closed, and whose role changes.
#include <algorithm>

#include "tests/sim/simulated_world.h"

namespace lockstep::sim {
namespace {

// At least so many devices stay.
constexpr std::size_t kMembersMin = 2;

LogPosition position_in(const std::vector<LogCut>& cuts, const LogId& log) {
    for (const LogCut& cut : cuts)
        if (cut.log == log) return {cut.number, cut.hash};
    return {};
}

}  // namespace

void SimulatedWorld::revoke(SimDevice& device) {
    SimDevice& victim = random_device();
    if (removed_.size() + kMembersMin >= devices_.size()) return;
    static_cast<void>(revoke_by(device, victim));
}

// Two owners who know nothing of each other's decision; sometimes they mean each other.
void SimulatedWorld::revoke_two(SimDevice& device) {
    SimDevice& other = random_device();
    if (removed_.size() + kMembersMin + 1 >= devices_.size()) return;
    const bool is_duel = random_.chance(40);
    SimDevice& first = is_duel ? other : random_device();
    SimDevice& second = is_duel ? device : random_device();
    const bool is_done = revoke_by(device, first);
    if (revoke_by(other, second) && is_done)
        count(is_duel ? "membership: two revoke each other" : "membership: two revocations");
}

bool SimulatedWorld::revoke_by(SimDevice& device, SimDevice& victim) {
    if (device.id() == victim.id() || device.has_rot) return false;
    const Status revoked = device.vault->vault().revoke(victim.id());
    note(device.label() + " removes " + victim.label() +
         (revoked.ok() ? "" : ": " + revoked.error().message));
    if (revoked.ok()) {
        count("membership: revocation");
        had_trouble_ = true;
        removed_.insert(victim.number);
        return true;
    }
    // A power cut may come when it is durable already.
    if (device.has_disk_trouble) removed_.insert(victim.number);
    const ErrorKind kind = revoked.error().kind;
    if (kind != ErrorKind::Refused && kind != ErrorKind::Invalid && kind != ErrorKind::NotFound &&
        !device.has_disk_trouble && !removed_.contains(device.number))
        fail(device.label() + ": revoke: " + revoked.error().message);
    return false;
}

void SimulatedWorld::retire(SimDevice& device) {
    SimDevice& whom = random_.chance(30) ? device : random_device();
    if (device.has_rot) return;
    const Status retired = device.vault->vault().retire(whom.id());
    note(device.label() + " retires " + whom.label() +
         (retired.ok() ? "" : ": " + retired.error().message));
    if (retired.ok()) {
        had_trouble_ = true;
        return count(&whom == &device ? "membership: retires itself" : "membership: retirement");
    }
    const ErrorKind kind = retired.error().kind;
    if (kind != ErrorKind::Refused && kind != ErrorKind::Invalid && kind != ErrorKind::NotFound &&
        !device.has_disk_trouble && !removed_.contains(device.number))
        fail(device.label() + ": retire: " + retired.error().message);
}

// Another role for some device; often for one that may write, to read only.
void SimulatedWorld::change_role(SimDevice& device) {
    SimDevice& whom = random_device();
    const MemberRole role = random_.chance(50)   ? MemberRole::Reader
                            : random_.chance(50) ? MemberRole::Writer
                                                 : MemberRole::Owner;
    if (device.has_rot) return;
    const Status changed = device.vault->vault().set_role(whom.id(), role);
    note(device.label() + " makes " + whom.label() +
         (role == MemberRole::Reader   ? " a reader"
          : role == MemberRole::Writer ? " a writer"
                                       : " an owner") +
         (changed.ok() ? "" : ": " + changed.error().message));
    if (changed.ok()) {
        had_trouble_ = true;
        had_readers_ = had_readers_ || role == MemberRole::Reader;
        return count(role == MemberRole::Reader ? "membership: may only read"
                                                : "membership: may write");
    }
    const ErrorKind kind = changed.error().kind;
    if (kind != ErrorKind::Refused && kind != ErrorKind::Invalid && kind != ErrorKind::NotFound &&
        !device.has_disk_trouble && !removed_.contains(device.number))
        fail(device.label() + ": role: " + changed.error().message);
}

// What a device has kept aside of another one becomes its own.
void SimulatedWorld::adopt(SimDevice& device) {
    if (device.has_disk_trouble || device.has_rot) return;
    const std::vector<HeldLog> held = device.replica().held();
    if (held.empty()) return;
    const DeviceId whom = held[random_.below(held.size())].device;
    auto adopted = device.vault->vault().adopt(whom);
    note(device.label() + " adopts " +
         (adopted.ok() ? std::to_string(*adopted) + " segments" : ": " + adopted.error().message));
    if (!adopted.ok()) {
        const ErrorKind kind = adopted.error().kind;
        if (kind != ErrorKind::Refused && kind != ErrorKind::WrongKey &&
            kind != ErrorKind::Conflict && kind != ErrorKind::Unavailable &&
            kind != ErrorKind::ReadOnly && !removed_.contains(device.number) && !is_cloned_)
            fail(device.label() + ": adopt: " + adopted.error().message);
        return;
    }
    count("membership: adoption");
    std::set<SegmentRef> left;
    for (const HeldLog& log : device.replica().held())
        for (std::uint64_t number : log.numbers) left.insert({log.log, number});
    for (const HeldLog& log : held)
        for (std::uint64_t number : log.numbers)
            if (log.device == whom && !left.contains({log.log, number}))
                adopted_[{device.number, log.log}] =
                    std::max(adopted_[{device.number, log.log}], number);
}

// ---- the end

// What members have kept aside of each other: whoever wrote it is a member still, and may have lost
// it. Whether there was any.
bool SimulatedWorld::adopt_leftovers() {
    if (!options_.with_membership) return false;
    for (SimDevice* device : members_) {
        for (const HeldLog& log : device->replica().held()) {
            const RosterMember* writer = roster_->find(log.device);
            if (writer == nullptr || !writer->is_active() || log.numbers.empty()) continue;
            adopt(*device);
            return true;
        }
    }
    return false;
}

// Whoever may only read in the end may write again: then nothing that it wrote before is missing.
void SimulatedWorld::give_rights_back() {
    if (!options_.with_membership) return;
    const auto owner = std::find_if(members_.begin(), members_.end(), [&](SimDevice* device) {
        return roster_->find(device->id())->role == MemberRole::Owner;
    });
    if (owner == members_.end()) return;
    bool is_changed = false;
    for (SimDevice* device : members_) {
        if (roster_->find(device->id())->role != MemberRole::Reader) continue;
        const Status changed = (*owner)->vault->vault().set_role(device->id(), MemberRole::Writer);
        note((*owner)->label() + " lets " + device->label() + " write again" +
             (changed.ok() ? "" : ": " + changed.error().message));
        if (!changed.ok()) return fail("role: " + changed.error().message);
        is_changed = true;
        count("membership: may write again");
    }
    if (is_changed) count_members();
}

// All key objects there are, as whoever has the passphrase reads them.
Result<KeyState> SimulatedWorld::all_keys() {
    std::map<KeyObjectId, Bytes> objects;
    for (auto& device : devices_) {
        TRY(auto here, read_all_key_objects(device->vault->disk(), kTestVaultDirectory));
        for (Bytes& object : here) objects.emplace(key_object_id(object), std::move(object));
    }
    std::vector<Bytes> all;
    for (auto& [id, object] : objects) all.push_back(std::move(object));
    TRY(VaultHeader header, read_vault_header(devices_[0]->vault->disk(), kTestVaultDirectory));
    const SecretBytes passphrase = SecretBytes::from_text(kTestPassphrase);
    KeyCredentials credentials{.stretcher = quick_stretcher()};
    credentials.passphrase = &passphrase;
    return KeyState::open(header, all, credentials);
}

// Who is a member in the end: what everybody must agree on once all have heard of everything.
void SimulatedWorld::count_members() {
    auto keys = all_keys();
    if (!keys.ok()) return fail("the key objects: " + keys.error().message);
    roster_ = keys->roster();
    members_.clear();
    for (auto& device : devices_) {
        const RosterMember* member = roster_->find(device->id());
        if (member != nullptr && member->is_active()) members_.push_back(device.get());
    }
    if (members_.empty()) fail("nobody is a member any more");
}

bool SimulatedWorld::is_member(const SimDevice& device) const {
    return std::find(members_.begin(), members_.end(), &device) != members_.end();
}

// What the device knows of logs that others had not heard the end of counts for everybody.
void SimulatedWorld::note_applied(SimDevice& device) {
    if (!options_.with_membership) return;
    std::map<DeviceId, bool> is_revoked;
    for (const Member& member : device.replica().members())
        is_revoked[member.device] = member.is_revoked;
    for (const auto& [log, last] : device.replica().frontier()) {
        const auto writer = device.replica().writer_of(log);
        if (!writer || is_revoked[*writer]) continue;
        std::uint64_t& seen = applied_[log];
        seen = std::max(seen, last.number);
    }
}

// All agree on who is a member, and nothing of others lies behind the end of their logs.
void SimulatedWorld::check_members() {
    for (SimDevice* device : members_) {
        for (const Member& member : device->replica().members()) {
            const RosterMember* truth = roster_->find(member.device);
            if (truth == nullptr || truth->is_revoked != member.is_revoked ||
                truth->role != member.role)
                return fail(device->label() + " has another opinion of who is a member");
        }
        for (const auto& [log, last] : device->replica().frontier_to_merge()) {
            const auto writer = device->replica().writer_of(log);
            const RosterMember* member = writer ? roster_->find(*writer) : nullptr;
            if (member == nullptr)
                return fail(device->label() + " has applied the log of somebody who was no member");
            if (!member->is_revoked) continue;
            const std::uint64_t end =
                std::max(position_in(member->cuts, log).number, applied_[log]);
            if (last.number > end)
                return fail(device->label() + " has applied segment " +
                            std::to_string(last.number) +
                            " of a removed device's log that ends at " + std::to_string(end));
            count("membership: a log ends");
        }
    }
}

// What is accepted of a removed device's logs, and what a member adopted of them.
bool SimulatedWorld::counts(std::size_t device,
                            const std::optional<std::vector<LogCut>>& published) {
    if (is_member(*devices_[device])) return true;
    if (!published) return false;
    const Frontier accepted = members_[0]->replica().frontier_to_merge();
    return std::all_of(published->begin(), published->end(), [&](const LogCut& cut) {
        const auto at = accepted.find(cut.log);
        if (at != accepted.end() && at->second.number >= cut.number) return true;
        return std::any_of(members_.begin(), members_.end(), [&](const SimDevice* member) {
            const auto adopted = adopted_.find({member->number, cut.log});
            return adopted != adopted_.end() && adopted->second >= cut.number;
        });
    });
}

}  // namespace lockstep::sim
