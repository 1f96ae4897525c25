// The lists of fields of messages_keys.h; only json_codec.cpp includes this.
#pragma once

#include "daemon/api/json_fields.h"
#include "daemon/api/messages_keys.h"

namespace lockstep::api {

template <typename F, Is<PassphraseInfo> T>
void fields(F& f, T& v) {
    f("kind", v.kind);
    f("id", v.id);
    f("memoryBytes", v.memory_bytes);
    f("operations", v.operations);
    f("addedMs", v.added_ms);
    f("addedBy", v.added_by);
}

template <typename F, Is<PassphraseList> T>
void fields(F& f, T& v) {
    f("passphrases", v.passphrases);
}

template <typename F, Is<SetPassphrase> T>
void fields(F& f, T& v) {
    f("current", v.current);
    f("byDevice", v.by_device);
    f("passphrase", v.passphrase);
    f("add", v.is_added);
    f("staysHere", v.stays_here);
    f("kdfMemoryBytes", v.kdf_memory_bytes);
}

template <typename F, Is<RemovePassphrase> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("current", v.current);
    f("byDevice", v.by_device);
}

template <typename F, Is<RenewRecovery> T>
void fields(F& f, T& v) {
    f("current", v.current);
    f("byDevice", v.by_device);
}

template <typename F, Is<RecoveryAnswer> T>
void fields(F& f, T& v) {
    f("code", v.code);
    f("sheet", v.sheet);
}

template <typename F, Is<TestRecovery> T>
void fields(F& f, T& v) {
    f("code", v.code);
}

template <typename F, Is<SetRole> T>
void fields(F& f, T& v) {
    f("vault", v.vault);
    f("role", v.role);
}

}  // namespace lockstep::api
