// The lists of fields of what the daemon answers; only json_codec.cpp includes this.
#pragma once

#include "daemon/api/json_fields.h"
#include "daemon/api/messages.h"

namespace lockstep::api {

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

template <typename F, Is<FileUnderWay> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
    f("size", v.size);
    f("absentBytes", v.absent_bytes);
    f("rate", v.rate);
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
    f("filesUnderWay", v.files_under_way);
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

template <typename F, Is<CheckedRange> T>
void fields(F& f, T& v) {
    f("offset", v.offset);
    f("length", v.length);
}

template <typename F, Is<CheckedVersion> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("file", v.file);
    f("version", v.version);
    f("timeMs", v.time_ms);
    f("shown", v.is_shown);
}

template <typename F, Is<CheckedObject> T>
void fields(F& f, T& v) {
    f("kind", v.kind);
    f("name", v.name);
    f("state", v.state);
    f("reason", v.reason);
    f("isError", v.is_error);
    f("affects", v.affects);
    f("affected", v.affected);
    f("affectedKnown", v.is_affected_known);
    f("missing", v.missing);
    f("missingRanges", v.missing_ranges);
    f("missingBytes", v.missing_bytes);
    f("repair", v.repair);
    f("from", v.from);
}

template <typename F, Is<CheckAnswer> T>
void fields(F& f, T& v) {
    f("keyObjects", v.key_objects);
    f("segments", v.segments);
    f("packs", v.packs);
    f("chunks", v.chunks);
    f("files", v.files);
    f("findings", v.findings);
    f("found", v.found);
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
    f("pastQuotaBytes", v.past_quota_bytes);
    f("pastBytes", v.past_bytes);
    f("freedVersions", v.freed_versions);
    f("freedPastBytes", v.freed_past_bytes);
    f("pastCutMs", v.past_cut_ms);
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

template <typename F, Is<ChangedFile> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
}

template <typename F, Is<Event> T>
void fields(F& f, T& v) {
    f("sequence", v.sequence);
    f("timeMs", v.time_ms);
    f("type", v.type);
    f("vault", v.vault);
    f("subject", v.subject);
    f("message", v.message);
    f("deviceLabel", v.device_label);
    f("kind", v.kind);
    f("files", v.files);
    f("more", v.more);
}

template <typename F, Is<ErrorBody> T>
void fields(F& f, T& v) {
    f("code", v.code);
    f("message", v.message);
    f("requestId", v.request_id);
    f("resource", v.resource);
    f("timestamp", v.timestamp);
}

}  // namespace lockstep::api
