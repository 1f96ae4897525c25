#include "daemon/pairing.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/addresses.h"
#include "daemon/long_polls.h"
#include "daemon/relay_probe.h"
#include "vault/keys/device_identity.h"
#include "vault/keys/ticket.h"

namespace lockstep {

Result<MemberRole> parse_role(const std::string& text) {
    for (MemberRole role :
         {MemberRole::Owner, MemberRole::Writer, MemberRole::Reader, MemberRole::Blind}) {
        if (role_text(role) == text) return role;
    }
    return Error{ErrorKind::Invalid, "a role is owner, writer, reader or blind"};
}

namespace {

// Before the other device admits anybody.
Status check_wishes(const api::JoinVault& request, MemberRole role) {
    if (role != MemberRole::Blind) {
        if (request.quota_bytes == 0) return {};
        return Error{ErrorKind::Invalid,
                     "the ticket is not for a blind member: only that has a quota"};
    }
    if (request.mount.empty() && !request.on_demand && !request.unlock_at_start) return {};
    return Error{ErrorKind::Invalid,
                 "the ticket is for a blind member, which cannot open the vault: it is neither "
                 "mounted nor unlocked, nor kept on demand"};
}

std::string new_id(Random& random) {
    return hex(random.id<Id<struct PairingIdTag, 8>>().bytes);
}

}  // namespace

// ---- the host's side ----------------------------------------------------------------------------

class Pairing::Invite : public JoinHostDelegate {
  public:
    Invite(Pairing& owner, VaultManager::VaultPtr vault, MemberRole role, bool is_approved_unseen)
        : owner_(owner),
          vault_(std::move(vault)),
          role_(role),
          is_approved_unseen_(is_approved_unseen) {
        info_.id = new_id(owner.services_.random);
        info_.vault = vault_->name();
        info_.role = role_text(role);
        info_.state = "waiting";
    }

    // A copy without the ticket.
    api::InviteInfo info() const {
        MutexLock lock(mutex_);
        api::InviteInfo copy;
        copy.id = info_.id;
        copy.vault = info_.vault;
        copy.role = info_.role;
        copy.state = info_.state;
        copy.digits = info_.digits;
        copy.device_label = info_.device_label;
        copy.message = info_.message;
        copy.expires_ms = info_.expires_ms;
        return copy;
    }

    void set_expiry(std::int64_t expires_ms) {
        MutexLock lock(mutex_);
        info_.expires_ms = expires_ms;
    }

    // The engine may have called us before it told us our number.
    void started(JoinNumber join) {
        std::optional<std::uint64_t> approve;
        {
            MutexLock lock(mutex_);
            join_ = join;
            if (guest_ && is_approved_unseen_) approve = guest_;
        }
        if (approve) owner_.services_.sync.answer_guest(join, *approve, true);
    }

    std::optional<JoinNumber> number() const {
        MutexLock lock(mutex_);
        return join_;
    }

    bool has_ended() const {
        MutexLock lock(mutex_);
        return has_ended_;
    }

    Status answer(bool is_accepted) {
        std::uint64_t guest = 0;
        JoinNumber join = 0;
        {
            MutexLock lock(mutex_);
            if (!guest_ || !join_ || info_.state != "asking") {
                return Error{ErrorKind::Conflict, "nobody asks to be admitted by this invite"};
            }
            guest = *guest_;
            join = *join_;
            info_.state = is_accepted ? "admitting" : "waiting";
            if (!is_accepted) {
                guest_.reset();
                info_.digits.clear();
                info_.device_label.clear();
            }
        }
        owner_.services_.sync.answer_guest(join, guest, is_accepted);
        tell(is_accepted ? "accepted" : "rejected");
        return {};
    }

    void guest_waits(std::uint64_t guest, const std::string& digits,
                     const std::string& label) override {
        std::optional<JoinNumber> join;
        {
            MutexLock lock(mutex_);
            guest_ = guest;
            info_.digits = digits;
            info_.device_label = label;
            info_.state = is_approved_unseen_ ? "admitting" : "asking";
            if (is_approved_unseen_) join = join_;
        }
        if (join) owner_.services_.sync.answer_guest(*join, guest, true);
        tell(fmt::format("{} asks to be admitted; digits {}", label, digits));
    }

    Result<Bytes> offer() override { return vault_->make_offer(); }
    Result<Bytes> admit(ByteView request) override { return vault_->admit(request, role_); }

    void finished(const Status& status) override {
        {
            MutexLock lock(mutex_);
            has_ended_ = true;
            if (status.ok()) {
                info_.state = "admitted";
            } else {
                info_.state = status.error().kind == ErrorKind::Timeout ? "expired" : "failed";
                info_.message = status.error().message;
            }
        }
        tell(status.ok() ? "admitted" : "ended: " + status.error().message);
    }

  private:
    void tell(std::string message) {
        owner_.tell("invite.changed", vault_->name(), info().id, std::move(message));
    }

    Pairing& owner_;
    const VaultManager::VaultPtr vault_;
    const MemberRole role_;
    const bool is_approved_unseen_;
    mutable Mutex mutex_;
    api::InviteInfo info_ GUARDED_BY(mutex_);
    std::optional<JoinNumber> join_ GUARDED_BY(mutex_);
    std::optional<std::uint64_t> guest_ GUARDED_BY(mutex_);
    bool has_ended_ GUARDED_BY(mutex_) = false;
};

// ---- the guest's side ---------------------------------------------------------------------------

class Pairing::Join : public JoinGuestDelegate {
  public:
    Join(Pairing& owner, VaultManager::Joined chosen, std::vector<std::string> relays)
        : owner_(owner), chosen_(std::move(chosen)), relays_(std::move(relays)) {
        info_.id = new_id(owner.services_.random);
        info_.state = "connecting";
    }

    api::JoinInfo info() const {
        VaultManager::VaultPtr vault;
        api::JoinInfo copy;
        {
            MutexLock lock(mutex_);
            copy = info_;
            vault = vault_;
        }
        if (vault && copy.state == "joined") copy.vault = vault->info();
        return copy;
    }

    void started(JoinNumber join) {
        MutexLock lock(mutex_);
        join_ = join;
    }
    std::optional<JoinNumber> number() const {
        MutexLock lock(mutex_);
        return join_;
    }
    bool has_ended() const {
        MutexLock lock(mutex_);
        return info_.state == "joined" || info_.state == "failed" || info_.state == "rejected";
    }

    void waits_for_approval(const std::string& digits, const std::string& host_label) override {
        {
            MutexLock lock(mutex_);
            info_.state = "waiting";
            info_.digits = digits;
        }
        tell(fmt::format("{} is asked to approve; digits {}", host_label, digits));
    }

    Result<Bytes> request(ByteView offer) override {
        TRY(auto pending, PendingJoin::begin(owner_.services_.environment(), offer));
        Bytes request = pending->request();
        MutexLock lock(mutex_);
        info_.vault_label = pending->vault_label();
        pending_ = std::move(pending);
        return request;
    }

    Status admitted(ByteView admission) override {
        std::unique_ptr<PendingJoin> pending;
        {
            MutexLock lock(mutex_);
            pending = std::move(pending_);
        }
        if (!pending) return Error{ErrorKind::Invalid, "admitted before an offer was made"};
        TRY(auto vault, owner_.vaults_.finish_join(*pending, admission, chosen_));
        // The vault is here: that counts, also where its relays cannot be noted.
        Status noted = use_relays_of_ticket(owner_.services_, relays_);
        if (!noted.ok()) log_warning("daemon", "the ticket's relays: {}", noted.error().message);
        MutexLock lock(mutex_);
        vault_ = std::move(vault);
        return {};
    }

    void finished(const Status& status) override {
        {
            MutexLock lock(mutex_);
            if (status.ok()) {
                info_.state = "joined";
            } else {
                const bool is_refused = status.error().kind == ErrorKind::Refused;
                info_.state = is_refused ? "rejected" : "failed";
                info_.message = status.error().message;
            }
        }
        tell(status.ok() ? "joined" : "ended: " + status.error().message);
    }

  private:
    void tell(std::string message) {
        std::string id, vault;
        {
            MutexLock lock(mutex_);
            id = info_.id;
            vault = info_.vault_label;
        }
        owner_.tell("join.changed", std::move(vault), std::move(id), std::move(message));
    }

    Pairing& owner_;
    const VaultManager::Joined chosen_;
    const std::vector<std::string> relays_;  // of the ticket
    mutable Mutex mutex_;
    api::JoinInfo info_ GUARDED_BY(mutex_);
    std::optional<JoinNumber> join_ GUARDED_BY(mutex_);
    std::unique_ptr<PendingJoin> pending_ GUARDED_BY(mutex_);
    VaultManager::VaultPtr vault_ GUARDED_BY(mutex_);
};

// ---- the verbs ----------------------------------------------------------------------------------

Pairing::Pairing(const VaultServices& services, VaultManager& vaults, LongPolls& polls)
    : services_(services), vaults_(vaults), polls_(polls) {}

Pairing::~Pairing() = default;

void Pairing::tell(std::string type, std::string vault, std::string subject, std::string message) {
    services_.events.add(
        {std::move(type), std::move(vault), std::move(subject), std::move(message)});
    polls_.wake();
}

Result<api::InviteInfo> Pairing::invite(const VaultManager::VaultPtr& vault,
                                        const api::CreateInvite& request) {
    TRY(MemberRole role, parse_role(request.role));
    if (request.expires_seconds == 0 || request.expires_seconds > kInviteSecondsMax) {
        return Error{ErrorKind::Invalid, "an invite lives between a second and 30 days"};
    }
    TRY(FileSystem * files, vault->files());  // Locked while the vault is: it could admit nobody
    static_cast<void>(files);
    const std::vector<api::DeviceInfo> members = vault->members();
    const auto self =
        std::ranges::find(members, services_.device.id().to_hex(), &api::DeviceInfo::id);
    if (self == members.end() || self->role != "owner") {
        return Error{
            ErrorKind::Refused,
            "only an owner of the vault can invite: do this on a device whose role is owner"};
    }

    Ticket ticket;
    services_.random.fill(ticket.secret);
    ticket.inviter = fingerprint_of(services_.device.id());
    ticket.role = role;
    ticket.expires_at =
        services_.clock.wall_ms() / 1000 + static_cast<std::int64_t>(request.expires_seconds);
    ticket.vault_label = vault->name();
    ticket.relays = relays_for_ticket(services_.config.get());
    for (const PeerAddress& address : own_addresses(services_.sync.listen_port())) {
        ticket.addresses.push_back(format_address(address));
    }
    TRY_OK(check_ticket(ticket));

    auto invite = std::make_shared<Invite>(*this, vault, role, request.is_approved_unseen);
    invite->set_expiry(ticket.expires_at * 1000);
    {
        MutexLock lock(mutex_);
        if (is_stopped_) return Error{ErrorKind::Cancelled, "the daemon stops"};
        if (invites_.size() >= kInvitesMax) {
            auto ended = std::ranges::find_if(invites_, [](auto& one) { return one->has_ended(); });
            if (ended == invites_.end()) return Error{ErrorKind::Busy, "too many open invites"};
            invites_.erase(ended);
        }
        invites_.push_back(invite);
    }
    JoinHostOptions options;
    options.expires_in = std::chrono::seconds(request.expires_seconds);
    invite->started(services_.sync.host_join(ticket.secret, options, invite));
    api::InviteInfo info = invite->info();
    info.ticket = api::SecretText(encode_ticket(ticket));
    tell("invite.changed", vault->name(), info.id, "waiting for a device");
    return info;
}

std::vector<api::InviteInfo> Pairing::invites() const {
    std::vector<std::shared_ptr<Invite>> all;
    {
        MutexLock lock(mutex_);
        all = invites_;
    }
    std::vector<api::InviteInfo> infos;
    for (const auto& invite : all) infos.push_back(invite->info());
    return infos;
}

std::shared_ptr<Pairing::Invite> Pairing::find(const std::string& reference) const {
    std::vector<std::shared_ptr<Invite>> all;
    {
        MutexLock lock(mutex_);
        all = invites_;
    }
    std::shared_ptr<Invite> found;
    for (const auto& invite : all) {
        const api::InviteInfo info = invite->info();
        if (info.id == reference) return invite;
        const bool is_it = (info.state == "asking" && info.digits == reference) ||
                           (reference.size() >= 4 && info.id.starts_with(reference));
        if (!is_it) continue;
        if (found) return nullptr;  // ambiguous: the whole id is needed
        found = invite;
    }
    return found;
}

Result<api::InviteInfo> Pairing::find_invite(const std::string& reference) const {
    std::shared_ptr<Invite> invite = find(reference);
    if (!invite) return Error{ErrorKind::NotFound, fmt::format("no invite '{}'", reference)};
    return invite->info();
}

Result<api::InviteInfo> Pairing::answer(const std::string& reference, bool is_accepted) {
    std::shared_ptr<Invite> invite = find(reference);
    if (!invite) {
        return Error{ErrorKind::NotFound, fmt::format("no device waits as '{}'", reference)};
    }
    TRY_OK(invite->answer(is_accepted));
    return invite->info();
}

Result<api::JoinInfo> Pairing::join(const api::JoinVault& request) {
    TRY(Ticket ticket,
        parse_live_ticket(request.ticket.reveal(), services_.clock.wall_ms() / 1000));
    if (!request.name.empty()) TRY_OK(api::check_vault_name(request.name));
    TRY_OK(check_wishes(request, ticket.role));
    VaultManager::Joined chosen;
    chosen.name = request.name;
    chosen.directory = request.directory;
    chosen.mount = request.mount;
    chosen.unlock_at_start = request.unlock_at_start;
    chosen.on_demand = request.on_demand;
    if (request.quota_bytes != 0) chosen.quota_bytes = request.quota_bytes;
    JoinTicket meeting;
    meeting.secret = ticket.secret;
    meeting.relays = ticket.relays;
    meeting.guest_label = device_label(services_.config.get());
    for (const std::string& text : ticket.addresses) {
        Result<PeerAddress> address = parse_address(text);
        if (!address.ok()) continue;  // a ticket of a newer version may name hosts
        meeting.addresses.push_back(*address);
        chosen.addresses.push_back(text);
    }
    const std::int64_t left_ms = ticket.expires_at * 1000 - services_.clock.wall_ms();
    meeting.timeout = std::min<std::chrono::milliseconds>(
        std::chrono::minutes(10), std::chrono::milliseconds(std::max<std::int64_t>(left_ms, 1)));

    auto join = std::make_shared<Join>(*this, std::move(chosen), ticket.relays);
    {
        MutexLock lock(mutex_);
        if (is_stopped_) return Error{ErrorKind::Cancelled, "the daemon stops"};
        if (joins_.size() >= kJoinsMax) {
            auto ended = std::ranges::find_if(joins_, [](auto& one) { return one->has_ended(); });
            if (ended == joins_.end())
                return Error{ErrorKind::Busy, "too many joins are under way"};
            joins_.erase(ended);
        }
        joins_.push_back(join);
    }
    join->started(services_.sync.join(meeting, join));
    return join->info();
}

std::shared_ptr<Pairing::Join> Pairing::find_join_object(const std::string& id) const {
    MutexLock lock(mutex_);
    auto found = std::ranges::find_if(joins_, [&](auto& join) { return join->info().id == id; });
    return found == joins_.end() ? nullptr : *found;
}

Result<api::JoinInfo> Pairing::find_join(const std::string& id) const {
    std::shared_ptr<Join> join = find_join_object(id);
    if (!join) return Error{ErrorKind::NotFound, fmt::format("no join '{}'", id)};
    return join->info();
}

Status Pairing::cancel_join(const std::string& id) {
    std::shared_ptr<Join> join = find_join_object(id);
    if (!join) return Error{ErrorKind::NotFound, fmt::format("no join '{}'", id)};
    if (auto number = join->number(); number && !join->has_ended()) {
        services_.sync.cancel_join(*number);
    }
    return {};
}

void Pairing::stop() {
    std::vector<JoinNumber> numbers;
    {
        MutexLock lock(mutex_);
        is_stopped_ = true;
        auto collect = [&](const auto& list) {
            for (const auto& one : list) {
                if (auto number = one->number(); number && !one->has_ended())
                    numbers.push_back(*number);
            }
        };
        collect(invites_);
        collect(joins_);
    }
    for (JoinNumber number : numbers) services_.sync.cancel_join(number);
}

}  // namespace lockstep
