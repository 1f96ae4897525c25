// An OpenID provider's signing key, for tests that make tokens, good and hostile.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "relay/json_web_token.h"

namespace lockstep {

inline std::string base64url(ByteView bytes) {
    constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string out(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
    sodium_bin2base64(out.data(), out.size(), u8(bytes), bytes.size(), kVariant);
    out.resize(out.find('\0'));
    return out;
}
inline std::string base64url(std::string_view text) {
    return base64url(as_bytes(text));
}

class TokenSigner {
  public:
    TokenSigner(JwtAlgorithm algorithm, std::string id, int rsa_bits = 2048)
        : algorithm_(algorithm), id_(std::move(id)) {
        EVP_PKEY* key = nullptr;
        if (algorithm == JwtAlgorithm::Rs256) {
            key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(rsa_bits));
        } else if (algorithm == JwtAlgorithm::Es256) {
            key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
        } else {
            key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
        }
        CHECK(key != nullptr);
        key_.reset(key, EVP_PKEY_free);
    }

    std::string algorithm_name() const {
        return algorithm_ == JwtAlgorithm::Rs256   ? "RS256"
               : algorithm_ == JwtAlgorithm::Es256 ? "ES256"
                                                   : "EdDSA";
    }
    nlohmann::json header() const {
        return {{"alg", algorithm_name()}, {"kid", id_}, {"typ", "at+jwt"}};
    }
    std::string token(const nlohmann::json& claims) const { return token(header(), claims); }
    std::string token(const nlohmann::json& header, const nlohmann::json& claims) const {
        std::string text = base64url(header.dump()) + "." + base64url(claims.dump());
        return text + "." + base64url(ByteView(sign(text)));
    }

    // The public key as a provider publishes it.
    nlohmann::json public_key() const {
        nlohmann::json out{{"kid", id_}, {"use", "sig"}, {"alg", algorithm_name()}};
        if (algorithm_ == JwtAlgorithm::Rs256) {
            out["kty"] = "RSA";
            out["n"] = base64url(number(OSSL_PKEY_PARAM_RSA_N));
            out["e"] = base64url(number(OSSL_PKEY_PARAM_RSA_E));
        } else if (algorithm_ == JwtAlgorithm::Es256) {
            out["kty"] = "EC";
            out["crv"] = "P-256";
            out["x"] = base64url(number(OSSL_PKEY_PARAM_EC_PUB_X, 32));
            out["y"] = base64url(number(OSSL_PKEY_PARAM_EC_PUB_Y, 32));
        } else {
            out["kty"] = "OKP";
            out["crv"] = "Ed25519";
            Bytes x(32);
            std::size_t size = x.size();
            CHECK(EVP_PKEY_get_raw_public_key(key_.get(), u8(MutableByteView(x)), &size) == 1);
            out["x"] = base64url(ByteView(x));
        }
        return out;
    }
    // The public key as text, for who would use it as a shared secret.
    std::string public_pem() const {
        std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
        CHECK(PEM_write_bio_PUBKEY(out.get(), key_.get()) == 1);
        char buffer[4096];
        int size = BIO_read(out.get(), buffer, sizeof(buffer));
        CHECK(size > 0);
        return {buffer, static_cast<std::size_t>(size)};
    }

  private:
    Bytes number(const char* name, int size = 0) const {
        BIGNUM* number = nullptr;
        CHECK(EVP_PKEY_get_bn_param(key_.get(), name, &number) == 1);
        int bytes = size > 0 ? size : (BN_num_bits(number) + 7) / 8;
        Bytes out(static_cast<std::size_t>(bytes));
        CHECK(BN_bn2binpad(number, u8(MutableByteView(out)), bytes) == bytes);
        BN_free(number);
        return out;
    }
    Bytes sign(const std::string& text) const {
        std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
        const EVP_MD* digest = algorithm_ == JwtAlgorithm::EdDsa ? nullptr : EVP_sha256();
        CHECK(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1);
        std::size_t size = 0;
        auto bytes = u8(as_bytes(text));
        CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
        Bytes out(size);
        CHECK(EVP_DigestSign(context.get(), u8(MutableByteView(out)), &size, bytes, text.size()) ==
              1);
        out.resize(size);
        return algorithm_ == JwtAlgorithm::Es256 ? raw_of(out) : out;
    }
    // r ‖ s of a signature in DER.
    static Bytes raw_of(ByteView der) {
        const unsigned char* at = u8(der);
        ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
        CHECK(signature != nullptr);
        Bytes out(64);
        BN_bn2binpad(ECDSA_SIG_get0_r(signature), u8(MutableByteView(out)), 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), u8(MutableByteView(out).subspan(32)), 32);
        ECDSA_SIG_free(signature);
        return out;
    }

    JwtAlgorithm algorithm_;
    std::string id_;
    std::shared_ptr<EVP_PKEY> key_;
};

inline std::string key_set(const std::vector<nlohmann::json>& keys) {
    return nlohmann::json{{"keys", keys}}.dump();
}

}  // namespace lockstep
