#include "vault/crypto/aead.h"

#include <climits>
#include <memory>

#include <openssl/evp.h>
#include <sodium.h>

namespace lockstep {
namespace {

// Below this the set-up of an OpenSSL context costs more than its faster loop saves.
constexpr std::size_t kOpenSslSizeMin = 2048;

struct ContextDeleter {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

// What XChaCha20 makes of (key, nonce): a subkey for ChaCha20 and its 12-byte nonce, of which the
// subkey holds for this one message. So the pair (subkey, nonce) is as fresh as the 24 random
// bytes.
struct ChaChaInput {
    std::array<unsigned char, 32> subkey;
    std::array<unsigned char, 12> nonce{};

    ChaChaInput(ByteView key, ByteView nonce24) {
        crypto_core_hchacha20(subkey.data(), u8(nonce24), u8(key), nullptr);
        std::memcpy(nonce.data() + 4, nonce24.data() + 16, 8);
    }
    ~ChaChaInput() { sodium_memzero(subkey.data(), subkey.size()); }
};

// Looked up once: that is a part of what a small message costs.
const EVP_CIPHER* chacha20_poly1305() {
    static const EVP_CIPHER* const fetched =
        EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
    return fetched;
}

int openssl_length(std::size_t size) {
    CHECK(size <= INT_MAX);
    return static_cast<int>(size);
}

bool openssl_seal(MutableByteView out, ByteView key, ByteView aad, ByteView plaintext,
                  ByteView nonce) {
    ChaChaInput input(key, nonce);
    Context context(EVP_CIPHER_CTX_new());
    int length = 0;
    unsigned char* ciphertext = u8(out) + kSealNonceSize;
    return context != nullptr && chacha20_poly1305() != nullptr &&
           EVP_EncryptInit_ex(context.get(), chacha20_poly1305(), nullptr, input.subkey.data(),
                              input.nonce.data()) == 1 &&
           EVP_EncryptUpdate(context.get(), nullptr, &length, u8(aad),
                             openssl_length(aad.size())) == 1 &&
           EVP_EncryptUpdate(context.get(), ciphertext, &length, u8(plaintext),
                             openssl_length(plaintext.size())) == 1 &&
           EVP_EncryptFinal_ex(context.get(), ciphertext + plaintext.size(), &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kSealTagSize,
                               ciphertext + plaintext.size()) == 1;
}

bool openssl_open(MutableByteView out, ByteView key, ByteView aad, ByteView sealed) {
    ChaChaInput input(key, sealed.first(kSealNonceSize));
    Context context(EVP_CIPHER_CTX_new());
    int length = 0;
    ByteView ciphertext = sealed.subspan(kSealNonceSize, out.size());
    std::array<unsigned char, kSealTagSize> tag;
    std::memcpy(tag.data(), sealed.data() + sealed.size() - kSealTagSize, kSealTagSize);
    return context != nullptr && chacha20_poly1305() != nullptr &&
           EVP_DecryptInit_ex(context.get(), chacha20_poly1305(), nullptr, input.subkey.data(),
                              input.nonce.data()) == 1 &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kSealTagSize, tag.data()) ==
               1 &&
           EVP_DecryptUpdate(context.get(), nullptr, &length, u8(aad),
                             openssl_length(aad.size())) == 1 &&
           EVP_DecryptUpdate(context.get(), u8(out), &length, u8(ciphertext),
                             openssl_length(ciphertext.size())) == 1 &&
           EVP_DecryptFinal_ex(context.get(), u8(out) + out.size(), &length) == 1;
}

bool use_openssl(std::size_t size, std::size_t aad_size) {
    return size >= kOpenSslSizeMin && size <= INT_MAX && aad_size > 0 && aad_size <= INT_MAX;
}

void sodium_seal(MutableByteView out, ByteView key, ByteView aad, ByteView plaintext,
                 ByteView nonce) {
    crypto_aead_xchacha20poly1305_ietf_encrypt(u8(out) + kSealNonceSize, nullptr, u8(plaintext),
                                               plaintext.size(), u8(aad), aad.size(), nullptr,
                                               u8(nonce), u8(key));
}

bool sodium_open(MutableByteView out, ByteView key, ByteView aad, ByteView sealed) {
    ByteView body = sealed.subspan(kSealNonceSize);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(u8(out), nullptr, nullptr, u8(body),
                                                      body.size(), u8(aad), aad.size(), u8(sealed),
                                                      u8(key)) == 0;
}

Status opened(bool is_authentic, MutableByteView out) {
    if (is_authentic) return {};
    wipe(out);
    return Error{ErrorKind::Corrupt, "sealed bytes do not open: damaged, or of another object"};
}

}  // namespace

void seal_into(MutableByteView out, const AnySecretKey& key, ByteView aad, ByteView plaintext,
               Random& random) {
    CHECK(out.size() == plaintext.size() + kSealOverhead);
    ensure_crypto_ready();
    // A fresh random nonce for every message: see the header for why it cannot repeat.
    random.fill(out.first(kSealNonceSize));
    ByteView nonce = out.first(kSealNonceSize);
    if (!use_openssl(plaintext.size(), aad.size()))
        return sodium_seal(out, key.reveal(), aad, plaintext, nonce);
    // In place a failure of OpenSSL would leave half-encrypted bytes, so then there is no second
    // try.
    bool is_in_place = plaintext.data() == out.data() + kSealNonceSize;
    bool is_sealed = openssl_seal(out, key.reveal(), aad, plaintext, nonce);
    CHECK(is_sealed || !is_in_place, "OpenSSL cannot encrypt");
    if (!is_sealed) sodium_seal(out, key.reveal(), aad, plaintext, nonce);
}

void append_sealed(Bytes& out, const AnySecretKey& key, ByteView aad, ByteView plaintext,
                   Random& random) {
    std::size_t at = out.size();
    out.resize(at + plaintext.size() + kSealOverhead);
    seal_into(MutableByteView(out).subspan(at), key, aad, plaintext, random);
}

Bytes seal(const AnySecretKey& key, ByteView aad, ByteView plaintext, Random& random) {
    Bytes out;
    append_sealed(out, key, aad, plaintext, random);
    return out;
}

Status open_into(MutableByteView out, const AnySecretKey& key, ByteView aad, ByteView sealed) {
    if (sealed.size() < kSealOverhead)
        return Error{ErrorKind::Corrupt, "sealed bytes are too short"};
    CHECK(out.size() + kSealOverhead == sealed.size());
    ensure_crypto_ready();
    // The slower implementation is asked again only when the first says no, which is rare and then
    // worth it.
    bool is_authentic =
        (use_openssl(out.size(), aad.size()) && openssl_open(out, key.reveal(), aad, sealed)) ||
        sodium_open(out, key.reveal(), aad, sealed);
    return opened(is_authentic, out);
}

Result<Bytes> open(const AnySecretKey& key, ByteView aad, ByteView sealed) {
    if (sealed.size() < kSealOverhead)
        return Error{ErrorKind::Corrupt, "sealed bytes are too short"};
    Bytes out(sealed.size() - kSealOverhead);
    TRY_OK(open_into(out, key, aad, sealed));
    return out;
}

void seal_with_nonce_for_tests(MutableByteView out, const AnySecretKey& key, ByteView aad,
                               ByteView plaintext, ByteView nonce, AeadImplementation with) {
    CHECK(out.size() == plaintext.size() + kSealOverhead && nonce.size() == kSealNonceSize);
    ensure_crypto_ready();
    std::memcpy(out.data(), nonce.data(), nonce.size());
    if (with == AeadImplementation::Sodium)
        sodium_seal(out, key.reveal(), aad, plaintext, nonce);
    else
        CHECK(openssl_seal(out, key.reveal(), aad, plaintext, nonce));
}

Status open_for_tests(MutableByteView out, const AnySecretKey& key, ByteView aad, ByteView sealed,
                      AeadImplementation with) {
    CHECK(out.size() + kSealOverhead == sealed.size());
    ensure_crypto_ready();
    return opened(with == AeadImplementation::Sodium ? sodium_open(out, key.reveal(), aad, sealed)
                                                     : openssl_open(out, key.reveal(), aad, sealed),
                  out);
}

}  // namespace lockstep
