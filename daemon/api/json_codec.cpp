#include "daemon/api/json_codec.h"

#include <set>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api/history_messages.h"
#include "daemon/api/json_fields_keys.h"

namespace lockstep::api {

namespace {

using Json = nlohmann::json;

// ---- the one list of fields of each struct ------------------------------------------------------

template <typename T, typename U>
concept Is = std::is_same_v<std::remove_const_t<T>, U>;

template <typename F, Is<PeerInfo> T>
void fields(F& f, T& v) {
    f("device", v.device);
    f("label", v.label);
    f("role", v.role);
    f("address", v.address);
    f("relay", v.relay);
    f("connected", v.is_connected);
    f("inStep", v.is_in_step);
    f("missingPacks", v.missing_packs);
    f("leftOutPacks", v.left_out_packs);
    f("lastSeenMs", v.last_seen_ms);
    f("audit", v.audit);
    f("lastAuditMs", v.last_audit_ms);
    f("auditedPacks", v.audited_packs);
    f("lastSignMs", v.last_sign_ms);
    f("unseenSegments", v.unseen_segments);
}

template <typename F, Is<MountInfo> T>
void fields(F& f, T& v) {
    f("directory", v.directory);
    f("path", v.path);
    f("readOnly", v.is_read_only);
    f("ownership", v.has_owners);
    f("atMs", v.at_ms);
    f("mounted", v.is_mounted);
    f("problem", v.problem);
}

template <typename F, Is<MirrorInfo> T>
void fields(F& f, T& v) {
    f("vault", v.vault);
    f("directory", v.directory);
    f("path", v.path);
    f("state", v.state);
    f("problem", v.problem);
    f("brake", v.has_brake);
    f("files", v.files);
    f("pending", v.pending);
    f("imported", v.imported);
    f("exported", v.exported);
    f("renamed", v.renamed);
    f("deleted", v.deleted);
    f("conflicts", v.conflicts);
    f("heldInVault", v.held_in_vault);
    f("heldInFolder", v.held_in_folder);
    f("heldExamples", v.held_examples);
    f("problems", v.problems);
}

template <typename F, Is<HeldRewritesInfo> T>
void fields(F& f, T& v) {
    f("device", v.device);
    f("label", v.label);
    f("own", v.is_own);
    f("sinceMs", v.since_ms);
    f("files", v.files);
    f("segments", v.segments);
    f("examples", v.examples);
}

template <typename F, Is<BrakeAnswer> T>
void fields(F& f, T& v) {
    f("mirrors", v.mirrors);
    f("rewrites", v.rewrites);
    f("rewriteBrake", v.has_rewrite_brake);
}

template <typename F, Is<SetBrake> T>
void fields(F& f, T& v) {
    f("on", v.is_on);
}

template <typename F, Is<UndoRewrites> T>
void fields(F& f, T& v) {
    f("dryRun", v.is_dry_run);
}

template <typename F, Is<MirrorList> T>
void fields(F& f, T& v) {
    f("mirrors", v.mirrors);
}

template <typename F, Is<IgnoreAnswer> T>
void fields(F& f, T& v) {
    f("directory", v.directory);
    f("path", v.path);
    f("ignored", v.is_ignored);
    f("deletable", v.is_deletable);
    f("rule", v.rule);
}

template <typename F, Is<AddMirror> T>
void fields(F& f, T& v) {
    f("directory", v.directory);
    f("path", v.path);
    f("brake", v.has_brake);
}

template <typename F, Is<RemoveMirror> T>
void fields(F& f, T& v) {
    f("directory", v.directory);
}

template <typename F, Is<TestIgnore> T>
void fields(F& f, T& v) {
    f("path", v.path);
}

template <typename F, Is<VaultInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("name", v.name);
    f("directory", v.directory);
    f("mount", v.mount);
    f("mounts", v.mounts);
    f("mirrors", v.mirrors);
    f("state", v.state);
    f("status", v.status);
    f("role", v.role);
    f("quotaBytes", v.quota_bytes);
    f("problem", v.problem);
    f("unlockAtStart", v.unlock_at_start);
    f("paused", v.is_paused);
    f("metered", v.is_metered);
    f("pausedUntilMs", v.paused_until_ms);
    f("idleLockSeconds", v.idle_lock_seconds);
    f("lockOnSuspend", v.locks_on_suspend);
    f("files", v.files);
    f("directories", v.directories);
    f("packs", v.packs);
    f("packBytes", v.pack_bytes);
    f("missingPacks", v.missing_packs);
    f("missingPackBytes", v.missing_pack_bytes);
    f("leftOutPacks", v.left_out_packs);
    f("leftOutPackBytes", v.left_out_pack_bytes);
    f("pendingRecords", v.pending_records);
    f("unmergedSegments", v.unmerged_segments);
    f("receiveRate", v.receive_rate);
    f("sendRate", v.send_rate);
    f("lastSyncedMs", v.last_synced_ms);
    f("conflicts", v.conflicts);
    f("alarms", v.alarms);
    f("notes", v.notes);
    f("peers", v.peers);
    f("rewrites", v.rewrites);
}

template <typename F, Is<RelayInfo> T>
void fields(F& f, T& v) {
    f("url", v.url);
    f("reachable", v.is_reachable);
    f("detail", v.detail);
    f("roundTripMs", v.round_trip_ms);
    f("tunnels", v.has_tunnels);
    f("mailbox", v.has_mailbox);
    f("token", v.has_token);
    f("pin", v.pin);
    f("state", v.state);
    f("failures", v.failures);
    f("retryInMs", v.retry_in_ms);
    f("domain", v.domain);
    f("priority", v.priority);
    f("weight", v.weight);
}

template <typename F, Is<DeviceInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("label", v.label);
    f("vault", v.vault);
    f("role", v.role);
    f("thisDevice", v.is_this_device);
    f("connected", v.is_connected);
    f("revoked", v.is_revoked);
    f("pending", v.is_pending);
    f("digits", v.digits);
    f("heldBack", v.is_held_back);
    f("heldSegments", v.held_segments);
    f("lastSeenMs", v.last_seen_ms);
    f("audit", v.audit);
    f("lastAuditMs", v.last_audit_ms);
    f("auditedPacks", v.audited_packs);
}

template <typename F, Is<StatusReport> T>
void fields(F& f, T& v) {
    f("version", v.version);
    f("device", v.device);
    f("listenPort", v.listen_port);
    f("limitUp", v.limit_up);
    f("limitDown", v.limit_down);
    f("alternativeLimits", v.has_alternative_limits);
    f("alternativeUp", v.alternative_up);
    f("alternativeDown", v.alternative_down);
    f("addresses", v.addresses);
    f("relays", v.relays);
    f("vaults", v.vaults);
    f("sequence", v.sequence);
}

template <typename F, Is<VaultList> T>
void fields(F& f, T& v) {
    f("vaults", v.vaults);
}

template <typename F, Is<VaultCreated> T>
void fields(F& f, T& v) {
    f("vault", v.vault);
    f("recoveryCode", v.recovery_code);
}

template <typename F, Is<CheckAnswer> T>
void fields(F& f, T& v) {
    f("keyObjects", v.key_objects);
    f("segments", v.segments);
    f("packs", v.packs);
    f("chunks", v.chunks);
    f("files", v.files);
    f("errors", v.errors);
    f("notes", v.notes);
    f("fetchedAgain", v.fetched_again);
    f("mendedKeys", v.mended_keys);
}

template <typename F, Is<CollectAnswer> T>
void fields(F& f, T& v) {
    f("packs", v.packs);
    f("bytes", v.bytes);
    f("rewrittenPacks", v.rewritten_packs);
    f("keptBytes", v.kept_bytes);
    f("waitingPacks", v.waiting_packs);
}

template <typename F, Is<ResealAnswer> T>
void fields(F& f, T& v) {
    f("state", v.state);
    f("device", v.device);
    f("files", v.files);
    f("fileBytes", v.file_bytes);
    f("segments", v.segments);
    f("packs", v.packs);
    f("bytes", v.bytes);
    f("leftPacks", v.left_packs);
    f("leftBytes", v.left_bytes);
    f("absentPacks", v.absent_packs);
    f("waitingPacks", v.waiting_packs);
    f("waitingBytes", v.waiting_bytes);
    f("problem", v.problem);
}

template <typename F, Is<DeviceAnswer> T>
void fields(F& f, T& v) {
    f("vaults", v.vaults);
    f("segments", v.segments);
}

template <typename F, Is<ConflictInfo> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("sibling", v.sibling);
    f("deviceLabel", v.device_label);
    f("wallMs", v.wall_ms);
    f("size", v.size);
}

template <typename F, Is<ConflictList> T>
void fields(F& f, T& v) {
    f("conflicts", v.conflicts);
}

template <typename F, Is<ExplainReason> T>
void fields(F& f, T& v) {
    f("code", v.code);
    f("message", v.message);
}

template <typename F, Is<ExplainPeer> T>
void fields(F& f, T& v) {
    f("device", v.device);
    f("label", v.label);
    f("connected", v.is_connected);
    f("state", v.state);
    f("missingPacks", v.missing_packs);
}

template <typename F, Is<ExplainAnswer> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("type", v.type);
    f("size", v.size);
    f("writtenBy", v.written_by);
    f("writtenMs", v.written_ms);
    f("absentBytes", v.absent_bytes);
    f("absentPacks", v.absent_packs);
    f("inStep", v.is_in_step);
    f("reasons", v.reasons);
    f("peers", v.peers);
}

template <typename F, Is<KeepInfo> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("keep", v.keep);
    f("from", v.from);
}

template <typename F, Is<KeepAnswer> T>
void fields(F& f, T& v) {
    f("here", v.here);
    f("rules", v.rules);
}

template <typename F, Is<EvictKept> T>
void fields(F& f, T& v) {
    f("reason", v.reason);
    f("count", v.count);
}

template <typename F, Is<EvictAnswer> T>
void fields(F& f, T& v) {
    f("packs", v.packs);
    f("bytes", v.bytes);
    f("kept", v.kept);
}

template <typename F, Is<WhereisDevice> T>
void fields(F& f, T& v) {
    f("device", v.device);
    f("label", v.label);
    f("role", v.role);
    f("thisDevice", v.is_this_device);
    f("connected", v.is_connected);
    f("holds", v.holds);
}

template <typename F, Is<WhereisAnswer> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("keep", v.keep);
    f("size", v.size);
    f("absentBytes", v.absent_bytes);
    f("devices", v.devices);
}

template <typename F, Is<SetKeep> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
    f("keep", v.keep);
}

template <typename F, Is<EvictContent> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
}

template <typename F, Is<WaitAnswer> T>
void fields(F& f, T& v) {
    f("done", v.is_done);
    f("missing", v.missing);
}

template <typename F, Is<InviteInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("vault", v.vault);
    f("role", v.role);
    f("state", v.state);
    f("digits", v.digits);
    f("deviceLabel", v.device_label);
    f("message", v.message);
    f("expiresMs", v.expires_ms);
    f("ticket", v.ticket);
}

template <typename F, Is<InviteList> T>
void fields(F& f, T& v) {
    f("invites", v.invites);
}

template <typename F, Is<JoinInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("state", v.state);
    f("digits", v.digits);
    f("message", v.message);
    f("vaultLabel", v.vault_label);
    f("vault", v.vault);
}

template <typename F, Is<DeviceList> T>
void fields(F& f, T& v) {
    f("devices", v.devices);
}

template <typename F, Is<FindingInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("severity", v.severity);
    f("where", v.where);
    f("what", v.what);
    f("advice", v.advice);
    f("fix", v.fix);
}

template <typename F, Is<DoctorReport> T>
void fields(F& f, T& v) {
    f("findings", v.findings);
}

template <typename F, Is<LogLineInfo> T>
void fields(F& f, T& v) {
    f("timeMs", v.time_ms);
    f("level", v.level);
    f("area", v.area);
    f("message", v.message);
}

template <typename F, Is<LogLineList> T>
void fields(F& f, T& v) {
    f("lines", v.lines);
}

template <typename F, Is<RelayList> T>
void fields(F& f, T& v) {
    f("relays", v.relays);
    f("strategy", v.strategy);
}

template <typename F, Is<EntryInfo> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("nameHex", v.name_hex);
    f("type", v.type);
    f("target", v.target);
    f("mode", v.mode);
    f("size", v.size);
    f("modifiedNs", v.modified_ns);
}

template <typename F, Is<EntryList> T>
void fields(F& f, T& v) {
    f("self", v.self);
    f("entries", v.entries);
}

template <typename F, Is<UploadInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
}

template <typename F, Is<ConfigValue> T>
void fields(F& f, T& v) {
    f("key", v.key);
    f("value", v.value);
}

template <typename F, Is<ConfigList> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("values", v.values);
}

template <typename F, Is<Event> T>
void fields(F& f, T& v) {
    f("sequence", v.sequence);
    f("timeMs", v.time_ms);
    f("type", v.type);
    f("vault", v.vault);
    f("subject", v.subject);
    f("message", v.message);
}

template <typename F, Is<CreateVault> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("directory", v.directory);
    f("mount", v.mount);
    f("passphrase", v.passphrase);
    f("unlockAtStart", v.unlock_at_start);
    f("kdfMemoryBytes", v.kdf_memory_bytes);
    f("passphraseStaysHere", v.passphrase_stays_here);
}

template <typename F, Is<OpenVault> T>
void fields(F& f, T& v) {
    f("directory", v.directory);
    f("name", v.name);
    f("mount", v.mount);
    f("passphrase", v.passphrase);
    f("unlockAtStart", v.unlock_at_start);
}

template <typename F, Is<UnlockVault> T>
void fields(F& f, T& v) {
    f("passphrase", v.passphrase);
    f("atStart", v.at_start);
}

template <typename F, Is<SetAutoLock> T>
void fields(F& f, T& v) {
    f("idleSeconds", v.idle_seconds);
    f("onSuspend", v.on_suspend);
    f("unlockAtStart", v.unlock_at_start);
}

template <typename F, Is<CheckVault> T>
void fields(F& f, T& v) {
    f("rebuildIndex", v.rebuilds_index);
    f("repair", v.repairs);
}

template <typename F, Is<CollectVault> T>
void fields(F& f, T& v) {
    f("dryRun", v.is_dry_run);
}

template <typename F, Is<DeviceWish> T>
void fields(F& f, T& v) {
    f("vault", v.vault);
    f("full", v.is_full);
}

template <typename F, Is<LockVault> T>
void fields(F& f, T& v) {
    f("force", v.is_forced);
}

template <typename F, Is<MountVault> T>
void fields(F& f, T& v) {
    f("directory", v.directory);
    f("path", v.path);
    f("readOnly", v.is_read_only);
    f("ownership", v.has_owners);
    f("atMs", v.at_ms);
}

template <typename F, Is<UnmountVault> T>
void fields(F& f, T& v) {
    f("directory", v.directory);
    f("force", v.is_forced);
    f("forget", v.is_forgotten);
}

template <typename F, Is<PauseSync> T>
void fields(F& f, T& v) {
    f("seconds", v.seconds);
}

template <typename F, Is<ResolveConflict> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
    f("keep", v.keep);
}

template <typename F, Is<WaitForVault> T>
void fields(F& f, T& v) {
    f("copies", v.copies);
    f("timeoutMs", v.timeout_ms);
    f("publishedOnly", v.is_published_only);
}

template <typename F, Is<CreateInvite> T>
void fields(F& f, T& v) {
    f("role", v.role);
    f("expiresSeconds", v.expires_seconds);
    f("approveUnseen", v.is_approved_unseen);
}

template <typename F, Is<JoinVault> T>
void fields(F& f, T& v) {
    f("ticket", v.ticket);
    f("name", v.name);
    f("directory", v.directory);
    f("mount", v.mount);
    f("unlockAtStart", v.unlock_at_start);
    f("onDemand", v.on_demand);
    f("quotaBytes", v.quota_bytes);
}

template <typename F, Is<SetQuota> T>
void fields(F& f, T& v) {
    f("bytes", v.bytes);
}

template <typename F, Is<RenameDevice> T>
void fields(F& f, T& v) {
    f("label", v.label);
}

template <typename F, Is<RelayUrl> T>
void fields(F& f, T& v) {
    f("url", v.url);
    f("token", v.token);
    f("pin", v.pin);
    f("weight", v.weight);
}

template <typename F, Is<BeginUpload> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
    f("mode", v.mode);
    f("modifiedNs", v.modified_ns);
}

template <typename F, Is<ErrorBody> T>
void fields(F& f, T& v) {
    f("code", v.code);
    f("message", v.message);
    f("requestId", v.request_id);
    f("resource", v.resource);
    f("timestamp", v.timestamp);
}

template <typename F, Is<VersionInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("timeMs", v.time_ms);
    f("writtenBy", v.written_by);
    f("device", v.device);
    f("size", v.size);
    f("end", v.end);
    f("endMs", v.end_ms);
    f("endedBy", v.ended_by);
    f("kept", v.is_kept);
}

template <typename F, Is<DeletedInfo> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("nameHex", v.name_hex);
    f("type", v.type);
    f("size", v.size);
    f("deletedMs", v.deleted_ms);
    f("deletedBy", v.deleted_by);
}

template <typename F, Is<HistoryAnswer> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("type", v.type);
    f("there", v.is_there);
    f("versions", v.versions);
    f("deleted", v.deleted);
}

template <typename F, Is<RestorePath> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
    f("version", v.version);
    f("atMs", v.at_ms);
    f("to", v.to);
    f("toHex", v.to_hex);
}

template <typename F, Is<RestoreAnswer> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("files", v.files);
    f("directories", v.directories);
    f("unchanged", v.unchanged);
    f("problems", v.problems);
}

template <typename F, Is<DifferenceInfo> T>
void fields(F& f, T& v) {
    f("kind", v.kind);
    f("type", v.type);
    f("path", v.path);
    f("before", v.before);
    f("size", v.size);
    f("sizeBefore", v.size_before);
}

template <typename F, Is<DifferenceList> T>
void fields(F& f, T& v) {
    f("differences", v.differences);
}

template <typename F, Is<UndoWish> T>
void fields(F& f, T& v) {
    f("device", v.device);
    f("sinceMs", v.since_ms);
    f("dryRun", v.is_dry_run);
}

template <typename F, Is<UndoStepInfo> T>
void fields(F& f, T& v) {
    f("action", v.action);
    f("path", v.path);
    f("before", v.before);
}

template <typename F, Is<UndoAnswer> T>
void fields(F& f, T& v) {
    f("done", v.done);
    f("left", v.left);
}

template <typename F, Is<SnapshotInfo> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("timeMs", v.time_ms);
}

template <typename F, Is<SnapshotList> T>
void fields(F& f, T& v) {
    f("snapshots", v.snapshots);
}

template <typename F, Is<MakeSnapshot> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("atMs", v.at_ms);
}

template <typename F, Is<RetentionAnswer> T>
void fields(F& f, T& v) {
    f("policy", v.policy);
    f("own", v.is_own);
}

template <typename F, Is<SetRetention> T>
void fields(F& f, T& v) {
    f("policy", v.policy);
}

// ---- encoding -----------------------------------------------------------------------------------

template <typename T>
Json to_json(const T& value);

struct Writer {
    Json& object;

    template <typename T>
    void operator()(const char* key, const T& value) {
        object[key] = to_json(value);
    }
    void operator()(const char* key, const SecretText& value) {
        if (!value.empty()) object[key] = value.reveal();
    }
    template <typename T>
    void operator()(const char* key, const std::optional<T>& value) {
        if (value) object[key] = to_json(*value);
    }
    template <typename T>
    void operator()(const char* key, const std::vector<T>& values) {
        Json list = Json::array();
        for (const T& value : values) list.push_back(to_json(value));
        object[key] = std::move(list);
    }
};

template <typename T>
Json to_json(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
        return Json(value);
    } else {
        Json object = Json::object();
        Writer writer{object};
        fields(writer, value);
        return object;
    }
}

// ---- decoding -----------------------------------------------------------------------------------

template <typename T>
bool from_json(Json& json, T& out, std::string& fault);

struct Reader {
    Json& object;
    std::string fault;
    std::set<std::string> known;

    template <typename T>
    void operator()(const char* key, T& out) {
        known.insert(key);
        auto found = object.find(key);
        if (found == object.end() || found->is_null() || !fault.empty()) return;
        std::string inner;
        if (!read(*found, out, inner)) {
            fault =
                fmt::format("'{}'{}{}", key, inner.empty() ? " has the wrong type" : ": ", inner);
        }
    }

    template <typename T>
    static bool read(Json& json, T& out, std::string& inner) {
        return from_json(json, out, inner);
    }
    static bool read(Json& json, SecretText& out, std::string&) {
        if (!json.is_string()) return false;
        auto& text = json.get_ref<std::string&>();
        out = SecretText(text);
        wipe(text);
        return true;
    }
    template <typename T>
    static bool read(Json& json, std::optional<T>& out, std::string& inner) {
        return from_json(json, out.emplace(), inner);
    }
    template <typename T>
    static bool read(Json& json, std::vector<T>& out, std::string& inner) {
        if (!json.is_array()) return false;
        out.clear();
        for (Json& item : json) {
            if (!from_json(item, out.emplace_back(), inner)) return false;
        }
        return true;
    }
};

template <typename T>
bool read_number(const Json& json, T& out, std::string& fault) {
    if (!json.is_number_integer()) return false;
    if constexpr (std::is_unsigned_v<T>) {
        if (json.is_number_unsigned() &&
            json.get<std::uint64_t>() <= std::numeric_limits<T>::max()) {
            out = static_cast<T>(json.get<std::uint64_t>());
            return true;
        }
    } else {
        const bool fits =
            !json.is_number_unsigned() ||
            json.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
        if (fits) {
            out = static_cast<T>(json.get<std::int64_t>());
            return true;
        }
    }
    fault = "is out of range";
    return false;
}

template <typename T>
bool from_json(Json& json, T& out, std::string& fault) {
    if constexpr (std::is_same_v<T, bool>) {
        if (!json.is_boolean()) return false;
        out = json.get<bool>();
        return true;
    } else if constexpr (std::is_arithmetic_v<T>) {
        return read_number(json, out, fault);
    } else if constexpr (std::is_same_v<T, std::string>) {
        if (!json.is_string()) return false;
        out = json.get<std::string>();
        return true;
    } else {
        if (!json.is_object()) return false;
        Reader reader{json, {}, {}};
        fields(reader, out);
        fault = std::move(reader.fault);
        return fault.empty();
    }
}

// Objects nest three deep at most here: deeper text is refused before it is built.
constexpr int kDepthMax = 16;

Json parse(std::string_view text) {
    return Json::parse(
        text.begin(), text.end(),
        [](int depth, Json::parse_event_t, Json&) { return depth <= kDepthMax; }, false);
}

template <typename T>
Result<T> decode_text(std::string_view text, bool is_strict) {
    Json json = text.empty() ? Json::object() : parse(text);
    if (!json.is_object()) return Error{ErrorKind::Invalid, "the body is no JSON object"};
    T out;
    Reader reader{json, {}, {}};
    fields(reader, out);
    if (!reader.fault.empty()) return Error{ErrorKind::Invalid, reader.fault};
    if (is_strict) {
        for (auto& [key, value] : json.items()) {
            if (!reader.known.contains(key)) {
                return Error{ErrorKind::Invalid, fmt::format("unknown key '{}'", key)};
            }
        }
    }
    return out;
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

template <typename T>
std::string encode(const T& value) {
    return dump(to_json(value));
}

template <typename T>
Result<T> decode(std::string_view text) {
    return decode_text<T>(text, false);
}

template <typename T>
Result<T> decode_request(std::string_view text) {
    return decode_text<T>(text, true);
}

std::string encode_error(const ErrorBody& error) {
    return dump(Json{{"error", to_json(error)}});
}

Error decode_error(int status, std::string_view body) {
    Json json = parse(body);
    if (json.is_object() && json.contains("error") && json["error"].is_object()) {
        ErrorBody error;
        Reader reader{json["error"], {}, {}};
        fields(reader, error);
        if (reader.fault.empty()) {
            return {error_kind(error.code).value_or(ErrorKind::Io), error.message};
        }
    }
    return {ErrorKind::Io, fmt::format("the daemon answered {} without saying why", status)};
}

#define LOCKSTEP_API_STRUCT(T)                           \
    template std::string encode<T>(const T&);            \
    template Result<T> decode<T>(std::string_view text); \
    template Result<T> decode_request<T>(std::string_view text);

LOCKSTEP_API_STRUCT(PeerInfo)
LOCKSTEP_API_STRUCT(MountInfo)
LOCKSTEP_API_STRUCT(MirrorInfo)
LOCKSTEP_API_STRUCT(HeldRewritesInfo)
LOCKSTEP_API_STRUCT(BrakeAnswer)
LOCKSTEP_API_STRUCT(SetBrake)
LOCKSTEP_API_STRUCT(UndoRewrites)
LOCKSTEP_API_STRUCT(MirrorList)
LOCKSTEP_API_STRUCT(IgnoreAnswer)
LOCKSTEP_API_STRUCT(AddMirror)
LOCKSTEP_API_STRUCT(RemoveMirror)
LOCKSTEP_API_STRUCT(TestIgnore)
LOCKSTEP_API_STRUCT(VaultInfo)
LOCKSTEP_API_STRUCT(RelayInfo)
LOCKSTEP_API_STRUCT(DeviceInfo)
LOCKSTEP_API_STRUCT(StatusReport)
LOCKSTEP_API_STRUCT(VaultList)
LOCKSTEP_API_STRUCT(VaultCreated)
LOCKSTEP_API_STRUCT(CheckAnswer)
LOCKSTEP_API_STRUCT(CollectAnswer)
LOCKSTEP_API_STRUCT(DeviceAnswer)
LOCKSTEP_API_STRUCT(ConflictList)
LOCKSTEP_API_STRUCT(ExplainAnswer)
LOCKSTEP_API_STRUCT(WaitAnswer)
LOCKSTEP_API_STRUCT(InviteInfo)
LOCKSTEP_API_STRUCT(InviteList)
LOCKSTEP_API_STRUCT(JoinInfo)
LOCKSTEP_API_STRUCT(DeviceList)
LOCKSTEP_API_STRUCT(RelayList)
LOCKSTEP_API_STRUCT(DoctorReport)
LOCKSTEP_API_STRUCT(LogLineList)
LOCKSTEP_API_STRUCT(EntryList)
LOCKSTEP_API_STRUCT(UploadInfo)
LOCKSTEP_API_STRUCT(ConfigValue)
LOCKSTEP_API_STRUCT(ConfigList)
LOCKSTEP_API_STRUCT(Event)
LOCKSTEP_API_STRUCT(CreateVault)
LOCKSTEP_API_STRUCT(OpenVault)
LOCKSTEP_API_STRUCT(UnlockVault)
LOCKSTEP_API_STRUCT(CheckVault)
LOCKSTEP_API_STRUCT(CollectVault)
LOCKSTEP_API_STRUCT(DeviceWish)
LOCKSTEP_API_STRUCT(LockVault)
LOCKSTEP_API_STRUCT(SetAutoLock)
LOCKSTEP_API_STRUCT(MountVault)
LOCKSTEP_API_STRUCT(UnmountVault)
LOCKSTEP_API_STRUCT(PauseSync)
LOCKSTEP_API_STRUCT(ResolveConflict)
LOCKSTEP_API_STRUCT(SetKeep)
LOCKSTEP_API_STRUCT(SetQuota)
LOCKSTEP_API_STRUCT(ResealAnswer)
LOCKSTEP_API_STRUCT(EvictContent)
LOCKSTEP_API_STRUCT(KeepAnswer)
LOCKSTEP_API_STRUCT(EvictAnswer)
LOCKSTEP_API_STRUCT(WhereisAnswer)
LOCKSTEP_API_STRUCT(HistoryAnswer)
LOCKSTEP_API_STRUCT(RestorePath)
LOCKSTEP_API_STRUCT(RestoreAnswer)
LOCKSTEP_API_STRUCT(DifferenceList)
LOCKSTEP_API_STRUCT(UndoWish)
LOCKSTEP_API_STRUCT(UndoAnswer)
LOCKSTEP_API_STRUCT(SnapshotInfo)
LOCKSTEP_API_STRUCT(SnapshotList)
LOCKSTEP_API_STRUCT(MakeSnapshot)
LOCKSTEP_API_STRUCT(RetentionAnswer)
LOCKSTEP_API_STRUCT(SetRetention)
LOCKSTEP_API_STRUCT(WaitForVault)
LOCKSTEP_API_STRUCT(CreateInvite)
LOCKSTEP_API_STRUCT(JoinVault)
LOCKSTEP_API_STRUCT(RenameDevice)
LOCKSTEP_API_STRUCT(RelayUrl)
LOCKSTEP_API_STRUCT(BeginUpload)
LOCKSTEP_API_STRUCT(PassphraseList)
LOCKSTEP_API_STRUCT(SetPassphrase)
LOCKSTEP_API_STRUCT(RemovePassphrase)
LOCKSTEP_API_STRUCT(RenewRecovery)
LOCKSTEP_API_STRUCT(RecoveryAnswer)
LOCKSTEP_API_STRUCT(TestRecovery)
LOCKSTEP_API_STRUCT(SetRole)
LOCKSTEP_API_STRUCT(ErrorBody)

#undef LOCKSTEP_API_STRUCT

}  // namespace lockstep::api
