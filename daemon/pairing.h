// Devices joining vaults: the invitations this device hosts and the tickets it uses.
//
// Nothing of it survives the daemon, as a ticket's swarm is hosted by the running daemon only. What
// has ended stays visible for a while, so that whoever waits for it learns how it ended.
//
// THREADS: any. Delegates of the sync engine call in from its threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "daemon/vault_manager.h"

namespace lockstep {

inline constexpr std::size_t kInvitesMax = 64;
inline constexpr std::size_t kJoinsMax = 16;
inline constexpr std::uint64_t kInviteSecondsMax = 30ULL * 24 * 3600;

class Pairing {
  public:
    Pairing(const VaultServices& services, VaultManager& vaults, LongPolls& polls);
    ~Pairing();
    Pairing(const Pairing&) = delete;
    Pairing& operator=(const Pairing&) = delete;

    // Hosts a new ticket. REQUIRES nothing of the vault but that it is unlocked.
    Result<api::InviteInfo> invite(const VaultManager::VaultPtr& vault,
                                   const api::CreateInvite& request);
    std::vector<api::InviteInfo> invites() const;
    // `reference`: the invite's id or its first digits, the id shown by `device list`, or its six
    // digits.
    Result<api::InviteInfo> find_invite(const std::string& reference) const;
    // Conflict when nobody asks.
    Result<api::InviteInfo> answer(const std::string& reference, bool is_accepted);

    Result<api::JoinInfo> join(const api::JoinVault& request);
    Result<api::JoinInfo> find_join(const std::string& id) const;
    Status cancel_join(const std::string& id);

    // Cancels everything under way. The sync engine must go before this object does: until then its
    // delegates may be called.
    void stop();

  private:
    class Invite;
    class Join;

    std::shared_ptr<Invite> find(const std::string& reference) const;
    std::shared_ptr<Join> find_join_object(const std::string& id) const;
    void tell(std::string type, std::string vault, std::string subject, std::string message);

    const VaultServices services_;
    VaultManager& vaults_;
    LongPolls& polls_;
    mutable Mutex mutex_;
    std::vector<std::shared_ptr<Invite>> invites_ GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<Join>> joins_ GUARDED_BY(mutex_);
    bool is_stopped_ GUARDED_BY(mutex_) = false;
};

// Invalid for what is no role.
Result<MemberRole> parse_role(const std::string& text);

}  // namespace lockstep
