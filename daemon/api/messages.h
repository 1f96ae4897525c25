// What is said to and by the daemon: one plain struct for each JSON object of the control API.
//
// The meaning of every field is in daemon/API.md; names are the same there with camelCase. Sizes
// are bytes, times are milliseconds since 1970 UTC unless the name says otherwise, ids are
// lower-case hexadecimal, and text is UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "daemon/api/check_messages.h"
#include "daemon/api/messages_keys.h"
#include "daemon/api/secret_text.h"

namespace lockstep::api {

// Largest body of one upload or download request.
inline constexpr std::size_t kContentBlockSize = 1 << 20;

// What a person is told about a vault in two words.
enum class SyncWord { UpToDate, Syncing, Paused, Disconnected, OutOfSync, Locked, Conflict };
std::string_view sync_word_text(SyncWord word);

enum class VaultState { Locked, Unlocked, Mounted };
std::string_view vault_state_text(VaultState state);

// ---- answers ------------------------------------------------------------------------------------

struct PeerInfo {
    std::string device;
    std::string label;
    std::string role;
    std::string address;  // empty while not connected, or reached through a relay
    std::string relay;    // whose tunnel it is reached through; empty: directly
    bool is_connected = false;
    bool is_in_step = false;  // has every segment and pack that is here, and nothing that is not
    std::uint64_t missing_packs = 0;   // packs here that it lacks, as far as known
    std::uint64_t left_out_packs = 0;  // that it has not by choice
    std::uint64_t last_seen_ms = 0;    // when it was last connected; 0: never here
    // Of a blind member: how it did when it was last asked to show blocks of packs.
    std::string audit;                // passed, failed; empty: it was not asked yet
    std::uint64_t last_audit_ms = 0;  // 0: never
    std::uint64_t audited_packs = 0;  // of which it has shown blocks
    // Its last sign of life, whoever passed it on, by its own clock (0: none in this run); and how
    // many segments it had then that are not here.
    std::uint64_t last_sign_ms = 0;
    std::uint64_t unseen_segments = 0;
};

// A folder of this machine that shows a vault, or is to show it.
struct MountInfo {
    std::string directory;
    std::string path;  // the folder of the vault that is shown; empty: all of it
    bool is_read_only = false;
    bool has_owners = false;  // files show and keep the owners of their own
    std::int64_t at_ms = 0;   // the time of the past that is shown; 0: now
    bool is_mounted = false;
    std::string problem;  // why it is not mounted; empty: no problem
};

// A plain folder of this machine that is kept equal to a vault while that is unlocked.
struct MirrorInfo {
    std::string vault;  // its name
    std::string directory;
    std::string path;     // the folder of the vault; empty: all of it
    std::string state;    // scanning, syncing, up to date, held, stopped, locked
    std::string problem;  // why it has stopped, or is slow; empty: no problem
    bool has_brake = true;
    std::uint64_t files = 0, pending = 0;  // that both sides have; still to be looked at
    // Since it was started.
    std::uint64_t imported = 0, exported = 0, renamed = 0, deleted = 0, conflicts = 0;
    // Files that wait for `brake release` before they are deleted there.
    std::uint64_t held_in_vault = 0, held_in_folder = 0;
    std::vector<std::string> held_examples;  // a few of their paths
    std::vector<std::string> problems;       // of single paths, as sentences; a few
};

// A device that the brake for rewrites holds.
struct HeldRewritesInfo {
    std::string device;  // id
    std::string label;
    bool is_own = false;         // of this device nothing is published; of others nothing applied
    std::uint64_t since_ms = 0;  // wall clock, just before the first of the rewrites
    std::uint64_t files = 0;     // rewritten when it was stopped
    std::uint64_t segments = 0;  // of another device: that wait
    std::vector<std::string> examples;  // paths; a few
};

struct FileUnderWay {
    std::string path;
    std::string path_hex;  // the exact bytes, when they are no UTF-8
    std::uint64_t size = 0, absent_bytes = 0;
    std::uint64_t rate = 0;  // bytes a second; 0: not known
};

struct VaultInfo {
    std::string id;
    std::string name;
    std::string directory;
    std::string mount;  // the first of `mounts`; may be empty
    std::vector<MountInfo> mounts;
    std::vector<MirrorInfo> mirrors;
    std::string state;              // vault_state_text
    std::string status;             // sync_word_text; "Conflict (n)" with the number
    std::string role;               // of this device; empty: it has never been in the vault
    std::uint64_t quota_bytes = 0;  // as SetQuota has it
    std::string problem;            // why it could not be opened or mounted; empty: no problem
    bool unlock_at_start = false;
    bool is_paused = false;
    bool is_metered = false;              // does not sync while the network is
    std::uint64_t paused_until_ms = 0;    // wall clock; 0: until somebody resumes it
    std::uint64_t idle_lock_seconds = 0;  // unused for so long it is locked; 0: never
    bool locks_on_suspend = false;        // before the machine sleeps
    std::uint64_t files = 0, directories = 0;
    std::uint64_t packs = 0, pack_bytes = 0;
    std::uint64_t missing_packs = 0, missing_pack_bytes = 0;
    std::uint64_t left_out_packs = 0, left_out_pack_bytes = 0;  // not here by choice
    std::uint64_t pending_records = 0;
    std::uint64_t unmerged_segments = 0;
    std::uint64_t receive_rate = 0, send_rate = 0;  // bytes per second, from and to other devices
    std::uint64_t last_synced_ms = 0;               // since the daemon's start; 0: not yet
    std::uint64_t conflicts = 0;
    std::vector<std::string> alarms;
    std::vector<std::string> notes;          // files in the directory that are left alone, and why
    std::vector<PeerInfo> peers;             // the other members
    std::vector<HeldRewritesInfo> rewrites;  // that the brake holds
    // On their way to this device; a few, and only where one vault is asked for.
    std::vector<FileUnderWay> files_under_way;
};

struct RelayInfo {
    std::string url;
    bool is_reachable = false;
    std::string detail;  // what the last announce or test said
    std::uint64_t round_trip_ms = 0;
    bool has_tunnels = false;  // others can reach this device through it now
    bool has_mailbox = false;  // it keeps what waits for members that are not there
    bool has_token = false;    // a token is shown to it
    std::string pin{};         // the key it must have; empty: one that an authority vouches for
    // unknown: not asked yet; up; down: left alone for a while; trying: asked whether it is back
    std::string state = "unknown";
    std::uint64_t failures = 0;  // in a row
    std::uint64_t retry_in_ms = 0;
    std::string domain{};  // the srv: entry that names it; empty: the list itself
    std::uint64_t priority = 0, weight = 1;
};

struct DeviceInfo {
    std::string id;
    std::string label;
    std::string vault;  // name of the vault it is a member of; empty for this device itself
    std::string role;
    bool is_this_device = false;
    bool is_connected = false;
    bool is_revoked = false;
    bool is_pending = false;          // asks to be admitted: `id` is an invite's
    std::string digits;               // of a pending device
    std::uint64_t last_seen_ms = 0;   // when it was last connected; 0: never
    bool is_held_back = false;        // it has brought in too much within a day
    std::uint64_t held_segments = 0;  // what it wrote after its removal, to be adopted or not
    // As in PeerInfo.
    std::string audit;
    std::uint64_t last_audit_ms = 0;
    std::uint64_t audited_packs = 0;
};

struct StatusReport {
    std::string version;
    DeviceInfo device;
    std::uint16_t listen_port = 0;
    std::uint64_t limit_up = 0, limit_down = 0;  // bytes per second, in force now; 0: none
    bool has_alternative_limits = false;         // those are the alternative ones
    std::uint64_t alternative_up = 0, alternative_down = 0;  // as above
    std::vector<std::string> addresses;
    std::vector<RelayInfo> relays;
    std::vector<VaultInfo> vaults;
    std::uint64_t sequence = 0;  // of the last event when this was made
};

struct VaultList {
    std::vector<VaultInfo> vaults;
};

// Something that is not as it should be.
struct FindingInfo {
    std::string id;        // of the kind of thing, "fuse.device"
    std::string severity;  // alarm, problem, note
    std::string where;     // a vault, a relay, or empty
    std::string what;      // a sentence
    std::string advice;    // what it means
    std::string fix;       // one line to type; may be empty
};

struct DoctorReport {
    std::vector<FindingInfo> findings;
};

struct LogLineInfo {
    std::int64_t time_ms = 0;
    std::string level;
    std::string area;
    std::string message;
};

struct LogLineList {
    std::vector<LogLineInfo> lines;  // oldest first
};

struct BrakeAnswer {
    std::vector<MirrorInfo> mirrors;         // with the deletes that wait
    std::vector<HeldRewritesInfo> rewrites;  // that wait
    bool has_rewrite_brake = true;
};

struct MirrorList {
    std::vector<MirrorInfo> mirrors;
};

// What the ignore rules of a mirror say of a path.
struct IgnoreAnswer {
    std::string directory;  // of the mirror
    std::string path;       // in it
    bool is_ignored = false;
    bool is_deletable = false;
    std::string rule;  // the line that decides; empty: none fits
};

struct VaultCreated {
    VaultInfo vault;
    SecretText recovery_code;
};

struct CollectAnswer {
    std::uint64_t packs = 0, bytes = 0;  // that nothing needs
    std::uint64_t rewritten_packs = 0, kept_bytes = 0;
    std::uint64_t waiting_packs = 0;  // until every device has agreed
    // Of content that only the past needs, and what its quota lets go of that.
    std::optional<std::uint64_t> past_quota_bytes = {};
    std::uint64_t past_bytes = 0;  // known where there is a quota
    std::uint64_t freed_versions = 0, freed_past_bytes = 0;
    std::int64_t past_cut_ms = 0;  // what ended before goes; 0: nothing for the quota
};

// How far sealing anew has come what a removed device has the keys of.
struct ResealAnswer {
    std::string state;  // none, running, done
    std::string device;
    std::uint64_t files = 0, file_bytes = 0;  // of the vault when it was removed: all it could read
    std::uint64_t segments = 0;               // names and history, which stay under its keys
    std::uint64_t packs = 0, bytes = 0;       // sealed anew
    std::uint64_t left_packs = 0, left_bytes = 0;
    std::uint64_t absent_packs = 0;                      // under its keys, and not on this device
    std::uint64_t waiting_packs = 0, waiting_bytes = 0;  // old ones, until every device agrees
    std::string problem;
};

// In how many vaults something was done about a device.
struct DeviceAnswer {
    std::vector<std::string> vaults;
    std::uint64_t segments = 0;  // adopted
};

struct ConflictInfo {
    std::string path;
    std::string sibling;
    std::string device_label;
    std::int64_t wall_ms = 0;
    std::uint64_t size = 0;
};

struct ConflictList {
    std::vector<ConflictInfo> conflicts;
};

// Why a file is not the same on all devices.
struct ExplainReason {
    std::string code;  // "unpublished", see API.md
    std::string message;
};

// What is known of a file on another device.
struct ExplainPeer {
    std::string device;
    std::string label;
    bool is_connected = false;
    std::string state;  // "in step", "behind", "lacks packs", "waits for us", "not connected"
    std::uint64_t missing_packs = 0;
};

struct ExplainAnswer {
    std::string path;
    std::string type;
    std::uint64_t size = 0;
    std::string written_by;
    std::uint64_t written_ms = 0;
    std::uint64_t absent_bytes = 0;
    std::uint64_t absent_packs = 0;
    bool is_in_step = false;
    std::vector<ExplainReason> reasons;
    std::vector<ExplainPeer> peers;
};

// What this device keeps of the content at a path.
struct KeepInfo {
    std::string path;
    std::string keep;  // full, on-demand, pinned
    std::string from;  // the path whose rule says so; empty: the vault's
};

struct KeepAnswer {
    KeepInfo here;
    std::vector<KeepInfo> rules;  // all of the vault
};

struct EvictKept {
    std::string reason;
    std::uint64_t count = 0;  // of packs, or files
};

struct EvictAnswer {
    std::uint64_t packs = 0, bytes = 0;  // freed
    std::vector<EvictKept> kept;
};

struct WhereisDevice {
    std::string device;
    std::string label;
    std::string role;
    bool is_this_device = false;
    bool is_connected = false;
    std::string holds;  // "all", "a part", "nothing", "not known"
};

struct WhereisAnswer {
    std::string path;
    std::string keep;
    std::uint64_t size = 0, absent_bytes = 0;
    std::vector<WhereisDevice> devices;
};

struct WaitAnswer {
    bool is_done = false;
    std::vector<std::string> missing;  // sentences, when not done
};

// An invitation that this device hosts.
struct InviteInfo {
    std::string id;
    std::string vault;
    std::string role;
    std::string state;         // waiting, asking, admitted, rejected, expired, failed
    std::string digits;        // six, once somebody asks
    std::string device_label;  // who asks
    std::string message;       // why it failed
    std::int64_t expires_ms = 0;
    SecretText ticket;  // in the answer to its creation only
};

struct InviteList {
    std::vector<InviteInfo> invites;
};

// A ticket that this device is using.
struct JoinInfo {
    std::string id;
    std::string state;  // connecting, waiting, joined, rejected, failed
    std::string digits;
    std::string message;
    std::string vault_label;         // the inviter's name of the vault
    std::optional<VaultInfo> vault;  // once joined
};

struct DeviceList {
    std::vector<DeviceInfo> devices;
};

struct RelayList {
    std::vector<RelayInfo> relays;
    std::string strategy{};
};

struct EntryInfo {
    std::string name;      // UTF-8; other bytes shown as U+FFFD
    std::string name_hex;  // the exact bytes, when they are no UTF-8
    std::string type;      // file, directory, symlink, fifo, socket
    std::string target;    // of a symlink
    std::uint32_t mode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
};

struct EntryList {
    EntryInfo self;
    std::vector<EntryInfo> entries;  // of a directory
};

struct UploadInfo {
    std::string id;
};

struct ConfigValue {
    std::string key;
    std::string value;
};

struct ConfigList {
    std::string path;
    std::vector<ConfigValue> values;
};

struct ChangedFile {
    std::string path;
    std::string path_hex;  // the exact bytes, when they are no UTF-8
};

struct Event {
    std::uint64_t sequence = 0;
    std::int64_t time_ms = 0;
    std::string type;
    std::string vault;    // name; empty when it concerns none
    std::string subject;  // id of the device, invite or join concerned; may be empty
    std::string message;  // a sentence for a person
    // Of "vault.files" alone: who changed what (by the kinds of DifferenceInfo), a few by name.
    std::string device_label;
    std::string kind;
    std::vector<ChangedFile> files;
    std::uint64_t more = 0;  // further changes of this kind
};

// ---- requests -----------------------------------------------------------------------------------

struct CreateVault {
    std::string name;
    std::string directory;  // empty: in the data directory
    std::string mount;
    SecretText passphrase;
    bool unlock_at_start = false;
    std::uint64_t kdf_memory_bytes = 0;  // 0: the default
    bool passphrase_stays_here = false;  // it opens the vault on this device only
};

struct OpenVault {
    std::string directory;
    std::string name;  // empty: the directory's name without ".vault"
    std::string mount;
    SecretText passphrase;  // empty: stays locked, if this device has been in the vault before
    bool unlock_at_start = false;
};

struct UnlockVault {
    SecretText passphrase;  // empty: by the key that this device keeps
    bool at_start = false;  // keep the key, so that it unlocks at every start
};

// What is left out stays as it is.
struct SetAutoLock {
    std::optional<std::uint64_t> idle_seconds;  // 0: never
    std::optional<bool> on_suspend;
    std::optional<bool> unlock_at_start;  // true: it must be unlocked; false: no key is kept
};

struct LockVault {
    bool is_forced = false;
};

struct CheckVault {
    bool rebuilds_index = false;  // throw the index away after the check
    bool repairs = false;         // have damaged packs fetched again from other devices
};

struct CollectVault {
    bool is_dry_run = false;
};

struct DeviceWish {
    std::string vault;     // empty: every vault that it is a member of
    bool is_full = false;  // revoke: seal anew what it has the keys of
};

struct MountVault {
    std::string directory;  // empty: everywhere it was mounted last
    std::string path;       // a folder of the vault; empty: all of it
    bool is_read_only = false;
    bool has_owners = false;
    std::int64_t at_ms = 0;  // as it was then, read-only; 0: as it is
};

struct UnmountVault {
    std::string directory;  // empty: all mounts of the vault
    bool is_forced = false;
    bool is_forgotten = false;  // it is not to be mounted there again
};

struct AddMirror {
    std::string directory;
    std::string path;       // a folder of the vault; empty: all of it
    bool has_brake = true;  // masses of deletes ask first
};

struct RemoveMirror {
    std::string directory;
};

struct TestIgnore {
    std::string path;  // absolute, in the folder of a mirror
};

struct SetBrake {
    bool is_on = true;  // the brake for rewrites
};

struct UndoRewrites {
    bool is_dry_run = false;
};

struct PauseSync {
    std::uint64_t seconds = 0;  // 0: until resumed
};

// `keep`: mine, theirs, this or both.
struct ResolveConflict {
    std::string path;
    std::string path_hex;  // instead of `path`, when that is no UTF-8
    std::string keep;
};

// `keep`: full, on-demand, pinned or inherited.
struct SetKeep {
    std::string path;
    std::string path_hex;  // instead of `path`, when that is no UTF-8
    std::string keep;
};

struct EvictContent {
    std::string path;
    std::string path_hex;
};

struct WaitForVault {
    std::uint64_t copies = 0;  // other devices that must hold everything
    std::uint64_t timeout_ms = 60'000;
    bool is_published_only = false;  // done as soon as nothing is unpublished
};

struct CreateInvite {
    std::string role = "writer";
    std::uint64_t expires_seconds = 86'400;
    bool is_approved_unseen = false;  // admit the first comer
};

struct JoinVault {
    SecretText ticket;
    std::string name;  // empty: the inviter's name
    std::string directory;
    std::string mount;
    bool unlock_at_start = false;
    bool on_demand = false;         // content comes when it is read
    std::uint64_t quota_bytes = 0;  // of a blind member; 0: no limit
};

struct SetQuota {
    std::uint64_t bytes = 0;  // 0: no limit, or as cache.on_demand_mib says for all vaults
};

struct RenameDevice {
    std::string label;
};

struct RelayUrl {
    std::string url;
    SecretText token{};        // for a relay that wants one; empty: none
    std::string pin{};         // 64 hexadecimal digits, or "first": whatever key it shows now
    std::uint64_t weight = 0;  // 1 to 1000; 0: not said
};

struct BeginUpload {
    std::string path;  // UTF-8; else `path_hex`
    std::string path_hex;
    std::uint32_t mode = 0644;
    std::optional<std::int64_t> modified_ns;
};

}  // namespace lockstep::api
