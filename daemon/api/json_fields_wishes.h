// The lists of fields of what is asked of the daemon; only json_codec.cpp includes this.
#pragma once

#include "daemon/api/json_fields.h"
#include "daemon/api/messages.h"

namespace lockstep::api {

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

}  // namespace lockstep::api
