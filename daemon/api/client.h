// The daemon as its clients see it: one method for each thing to ask. Blocking; the CLI's and the
// GUI's.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/http/client.h"
#include "base/result.h"
#include "daemon/api/history_messages.h"
#include "daemon/api/messages.h"

namespace lockstep::api {

// Errors are the daemon's own (see error_code.h), or, when it could not be reached, Unavailable
// with is_daemon_missing() set from then on.
//
// A `vault` argument is a name, the vault's id or the first digits of it (6 at least), or its
// directory.
//
// THREADS: one call at a time.
class DaemonClient {
  public:
    // `stop` ends every call with Cancelled, at once, from any thread.
    explicit DaemonClient(std::filesystem::path socket, std::stop_token stop = {});

    bool is_daemon_missing() const { return is_daemon_missing_; }

    Status health();
    Result<StatusReport> status(const std::string& vault = {});
    // What of the machine, the network and the daemon is not as it should be; asks all relays.
    Result<DoctorReport> doctor();
    // What the daemon has logged lately.
    Result<LogLineList> log();
    // As Prometheus reads them.
    Result<std::string> metrics();

    Result<VaultCreated> create_vault(const CreateVault& request);
    Result<VaultInfo> open_vault(const OpenVault& request);
    Result<VaultList> vaults();
    Result<VaultInfo> vault(const std::string& vault);
    Status remove_vault(const std::string& vault, bool delete_data);
    Result<VaultInfo> unlock(const std::string& vault, const UnlockVault& request);
    Result<VaultInfo> lock(const std::string& vault, const LockVault& request);
    Result<VaultInfo> set_auto_lock(const std::string& vault, const SetAutoLock& request);
    Result<VaultInfo> mount(const std::string& vault, const MountVault& request);
    Result<VaultInfo> unmount(const std::string& vault, const UnmountVault& request);
    Result<MirrorList> mirrors();
    Result<MirrorInfo> add_mirror(const std::string& vault, const AddMirror& request);
    Status remove_mirror(const RemoveMirror& request);
    Result<IgnoreAnswer> test_ignore(const TestIgnore& request);
    Result<BrakeAnswer> brake(const std::string& vault);
    Result<BrakeAnswer> release_brake(const std::string& vault);
    Result<UndoAnswer> undo_brake(const std::string& vault, const UndoRewrites& request);
    Result<BrakeAnswer> set_brake(const std::string& vault, const SetBrake& request);
    Result<CheckAnswer> check(const std::string& vault, const CheckVault& request);
    Result<CollectAnswer> collect(const std::string& vault, const CollectVault& request);
    Result<ConflictList> conflicts(const std::string& vault);
    Status resolve_conflict(const std::string& vault, const ResolveConflict& request);
    Result<ExplainAnswer> explain(const std::string& vault, const std::string& path);
    Result<KeepAnswer> keep(const std::string& vault, const std::string& path);
    // Of each other device, within a day.
    Result<SetQuota> member_quota(const std::string& vault);
    Result<SetQuota> set_member_quota(const std::string& vault, const SetQuota& request);
    Result<VaultInfo> set_quota(const std::string& vault, const SetQuota& request);
    Result<ResealAnswer> reseal(const std::string& vault);
    Result<KeepAnswer> set_keep(const std::string& vault, const SetKeep& request);
    Result<EvictAnswer> evict(const std::string& vault, const EvictContent& request);
    Result<WhereisAnswer> whereis(const std::string& vault, const std::string& path);
    Result<HistoryAnswer> history(const std::string& vault, const std::string& path);
    Result<RestoreAnswer> restore(const std::string& vault, const RestorePath& request);
    Result<DifferenceList> difference(const std::string& vault, std::int64_t from_ms,
                                      std::optional<std::int64_t> to_ms);
    Result<UndoAnswer> undo(const std::string& vault, const UndoWish& request);
    Result<SnapshotList> snapshots(const std::string& vault);
    Result<SnapshotInfo> make_snapshot(const std::string& vault, const MakeSnapshot& request);
    Status remove_snapshot(const std::string& vault, const std::string& name);
    Result<RetentionAnswer> retention(const std::string& vault);
    Result<RetentionAnswer> set_retention(const std::string& vault, const SetRetention& request);
    Result<PassphraseList> passphrases(const std::string& vault);
    Result<PassphraseList> set_passphrase(const std::string& vault, const SetPassphrase& request);
    Result<PassphraseList> remove_passphrase(const std::string& vault,
                                             const RemovePassphrase& request);
    Result<RecoveryAnswer> renew_recovery(const std::string& vault, const RenewRecovery& request);
    Status test_recovery(const std::string& vault, const TestRecovery& request);
    Result<VaultInfo> rotate(const std::string& vault);
    Result<DeviceAnswer> set_role(const std::string& device, const SetRole& request);
    // An empty vault: all of them.
    Status pause(const std::string& vault, const PauseSync& request);
    Status resume(const std::string& vault);
    Result<WaitAnswer> wait(const std::string& vault, const WaitForVault& request);

    Result<InviteInfo> create_invite(const std::string& vault, const CreateInvite& request);
    Result<InviteList> invites();
    // Returns when the invite's state is no longer `known_state`, or after `wait`.
    Result<InviteInfo> invite(const std::string& id, const std::string& known_state,
                              std::chrono::milliseconds wait);
    Result<InviteInfo> accept_invite(const std::string& id);
    Result<InviteInfo> reject_invite(const std::string& id);
    Result<JoinInfo> join(const JoinVault& request);
    Result<JoinInfo> join_state(const std::string& id, const std::string& known_state,
                                std::chrono::milliseconds wait);
    Status cancel_join(const std::string& id);

    Result<DeviceList> devices(const std::string& vault = {});
    Result<DeviceInfo> rename_device(const std::string& id, const RenameDevice& request);

    // `action`: revoke, retire or adopt.
    Result<DeviceAnswer> act_on_device(const std::string& id, const std::string& action,
                                       const DeviceWish& request);

    Result<RelayList> relays();
    Result<RelayList> add_relay(const RelayUrl& request);
    Result<RelayList> remove_relay(const std::string& url);
    Result<RelayInfo> test_relay(const RelayUrl& request);

    // A file or folder as it is, as it was at a time, or one version of a file.
    struct Moment {
        std::optional<std::int64_t> at_ms;
        std::string version;
    };
    Result<EntryList> list(const std::string& vault, const std::string& path,
                           const Moment& moment = Moment());
    // Calls `sink` with the file's bytes in order; stops at its first error.
    Status download(const std::string& vault, const std::string& path,
                    const std::function<Status(ByteView block, std::uint64_t total)>& sink,
                    const Moment& moment = Moment());
    // Takes blocks from `source` until it gives an empty one, then puts the file in place whole.
    Status upload(const std::string& vault, const BeginUpload& request,
                  const std::function<Result<Bytes>()>& source);

    Result<ConfigList> config();
    Result<ConfigList> set_config(const ConfigValue& value);

    // Calls `on_event` for every event after `since`, until it returns false. An event of
    // type "resync" says that events were lost: ask for the status anew. Reconnects by itself are
    // the caller's.
    Status events(std::uint64_t since, const std::function<bool(const Event&)>& on_event);

  private:
    struct Call {
        std::string method;
        std::string path;
        HttpFields query;
        std::string body;
        std::chrono::milliseconds timeout{30'000};
    };
    Result<HttpResponse> send(Call call);
    template <typename Answer>
    Result<Answer> ask(Call call);
    Status tell(Call call);

    std::filesystem::path socket_;
    std::stop_token stop_;
    HttpClient http_;
    bool is_daemon_missing_ = false;
};

}  // namespace lockstep::api
