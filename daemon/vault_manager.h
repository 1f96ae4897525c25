// All vaults of this daemon: made, opened, joined, found, removed.
//
// THREADS: any. One thread, "ls-care", looks after timers and tells clients about changes.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/managed_vault.h"

namespace lockstep {

class LongPolls;
class SleepWatch;

class VaultManager {
  public:
    VaultManager(const VaultServices& services, LongPolls& polls);
    // REQUIRES: shut_down() was called
    ~VaultManager();
    VaultManager(const VaultManager&) = delete;
    VaultManager& operator=(const VaultManager&) = delete;

    using VaultPtr = std::shared_ptr<ManagedVault>;

    // Opens what the configuration names, then unlocks and mounts what is to be so from the start.
    // What fails is a problem of that vault, shown in its status.
    void open_all();
    // Everything published, unmounted, locked and out of the swarms, by about `deadline`. Nothing
    // can be made afterwards, and the sync engine is not used any more.
    void shut_down(std::chrono::steady_clock::time_point deadline);

    struct Created {
        VaultPtr vault;
        std::string recovery_code;
    };
    Result<Created> create(const api::CreateVault& request);
    Result<VaultPtr> open(const api::OpenVault& request);

    // The end of a join: `pending` becomes a vault of ours. Names and places not chosen by the user
    // are made up from the inviter's name.
    struct Joined {
        std::string name;
        std::string directory;
        std::string mount;
        bool unlock_at_start = false;
        bool on_demand = false;
        std::optional<std::uint64_t> quota_bytes = {};  // of a blind member
        std::vector<std::string> addresses;
    };
    Result<VaultPtr> finish_join(PendingJoin& pending, ByteView admission, const Joined& chosen);

    // By name, id (or its first 6 digits or more) or directory.
    Result<VaultPtr> find(const std::string& reference) const;
    std::vector<VaultPtr> all() const;
    // Takes the vault out of the daemon's hands; the directory and this device's state of it stay
    // unless `delete_data`.
    Status remove(const std::string& reference, bool delete_data);

    // Remembered over restarts. `seconds` 0: until resumed.
    Status pause(const VaultPtr& vault, std::uint64_t seconds);
    Status resume(const VaultPtr& vault);

    // Tells the sync engine the limits that count now: whenever they were set, and as time goes by.
    void apply_limits();

    // A name that is free, made from what somebody else calls the vault.
    std::string free_name(const std::string& wish) const;

  private:
    static void unlock_at_start(ManagedVault& vault, const api::VaultConfig& config);
    using SteadyTime = std::chrono::steady_clock::time_point;

    Status check_free(const api::VaultConfig& config) const;
    Result<api::VaultConfig> plan(std::string name, const std::string& directory,
                                  const std::string& mount, bool unlock_at_start) const;
    void watch_sleep(std::unique_ptr<SleepWatch>& sleep);
    Result<VaultPtr> take_over(std::unique_ptr<Vault> vault, const api::VaultConfig& config);
    void mount_if_wanted(ManagedVault& vault);
    void care();
    void report_changes();

    const VaultServices services_;
    LongPolls& polls_;

    // Held while a vault is being made, opened or removed: names stay free until taken.
    Mutex making_;
    mutable Mutex mutex_;
    std::vector<VaultPtr> vaults_ GUARDED_BY(mutex_);
    std::set<VaultId> changed_ GUARDED_BY(mutex_);
    bool is_stopping_ GUARDED_BY(mutex_) = false;
    Mutex limiting_;
    std::optional<SyncLimits> limits_ GUARDED_BY(limiting_);  // as last told
    bool is_alternative_ GUARDED_BY(limiting_) = false;       // those are the alternative ones
    CondVar wake_;
    std::thread carer_;
};

}  // namespace lockstep
