// The lists of fields of messages_keys.h; only json_codec.cpp includes this.
#pragma once

#include <concepts>
#include <type_traits>

#include "daemon/api/messages_keys.h"

namespace lockstep::api {

template <typename T, typename U>
concept IsKeys = std::same_as<std::remove_const_t<T>, U>;

template <typename F, IsKeys<PassphraseInfo> T>
void fields(F& f, T& v) {
    f("kind", v.kind);
    f("id", v.id);
    f("memoryBytes", v.memory_bytes);
    f("operations", v.operations);
    f("addedMs", v.added_ms);
    f("addedBy", v.added_by);
}

template <typename F, IsKeys<PassphraseList> T>
void fields(F& f, T& v) {
    f("passphrases", v.passphrases);
}

template <typename F, IsKeys<SetPassphrase> T>
void fields(F& f, T& v) {
    f("current", v.current);
    f("byDevice", v.by_device);
    f("passphrase", v.passphrase);
    f("add", v.is_added);
    f("staysHere", v.stays_here);
    f("kdfMemoryBytes", v.kdf_memory_bytes);
}

template <typename F, IsKeys<RemovePassphrase> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("current", v.current);
    f("byDevice", v.by_device);
}

template <typename F, IsKeys<RenewRecovery> T>
void fields(F& f, T& v) {
    f("current", v.current);
    f("byDevice", v.by_device);
}

template <typename F, IsKeys<RecoveryAnswer> T>
void fields(F& f, T& v) {
    f("code", v.code);
    f("sheet", v.sheet);
}

template <typename F, IsKeys<TestRecovery> T>
void fields(F& f, T& v) {
    f("code", v.code);
}

template <typename F, IsKeys<SetRole> T>
void fields(F& f, T& v) {
    f("vault", v.vault);
    f("role", v.role);
}

}  // namespace lockstep::api
