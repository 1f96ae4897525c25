#include "vault/crypto/secret_key.h"

#include <new>

#include <sodium.h>

namespace lockstep {

void wipe(MutableByteView bytes) {
    if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

void ensure_crypto_ready() {
    static const bool is_ready = sodium_init() >= 0;
    CHECK(is_ready, "libsodium cannot start");
}

SecretBytes::SecretBytes(ByteView bytes) : size_(bytes.size()) {
    ensure_crypto_ready();
    if (size_ == 0) return;
    // As operator new does.
    while ((data_ = static_cast<std::byte*>(sodium_malloc(size_))) == nullptr) {
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
    }
    std::memcpy(data_, bytes.data(), size_);
}

SecretBytes::~SecretBytes() {
    sodium_free(data_);
}

}  // namespace lockstep
