#include "relay/json_web_keys.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>

namespace lockstep {
namespace {

using Json = nlohmann::json;

// Smaller ones are too weak; larger ones take too long.
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;
constexpr std::size_t kCoordinateSize = 32;
constexpr std::size_t kKeyTextMax = 4 << 10;

template <auto Free>
struct Freer {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using ParametersBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

std::string text_in(const Json& object, const char* name) {
    auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// Empty when there is none that is good.
Bytes bytes_in(const Json& object, const char* name) {
    std::string text = text_in(object, name);
    if (text.size() > kKeyTextMax) return {};
    Bytes out(text.size());
    std::size_t size = 0;
    bool is_good =
        sodium_base642bin(u8(MutableByteView(out)), out.size(), text.data(), text.size(), nullptr,
                          &size, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    out.resize(is_good ? size : 0);
    return out;
}

Number number_of(ByteView bytes) {
    return Number(BN_bin2bn(u8(bytes), static_cast<int>(bytes.size()), nullptr));
}

KeyPointer make_key(const char* kind, OSSL_PARAM_BLD* builder) {
    Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
    KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* made = nullptr;
    bool is_made =
        parameters != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
    KeyPointer key(made);
    if (!is_made) return nullptr;
    // A point must be on its curve.
    KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    return check != nullptr && EVP_PKEY_public_check(check.get()) == 1 ? std::move(key) : nullptr;
}

KeyPointer rsa_key(const Json& key) {
    Bytes modulus_bytes = bytes_in(key, "n"), exponent_bytes = bytes_in(key, "e");
    if (modulus_bytes.empty() || exponent_bytes.empty() || exponent_bytes.size() > 8)
        return nullptr;
    Number modulus = number_of(modulus_bytes), exponent = number_of(exponent_bytes);
    ParametersBuilder builder(OSSL_PARAM_BLD_new());
    bool is_built =
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1;
    int bits = BN_num_bits(modulus.get());
    if (!is_built || bits < kRsaBitsMin || bits > kRsaBitsMax) return nullptr;
    return make_key("RSA", builder.get());
}

KeyPointer p256_key(const Json& key) {
    Bytes x = bytes_in(key, "x"), y = bytes_in(key, "y");
    if (x.size() != kCoordinateSize || y.size() != kCoordinateSize) return nullptr;
    Bytes point{std::byte{4}};  // uncompressed
    append(point, x);
    append(point, y);
    ParametersBuilder builder(OSSL_PARAM_BLD_new());
    bool is_built = OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                    "prime256v1", 0) == 1 &&
                    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                     point.data(), point.size()) == 1;
    return is_built ? make_key("EC", builder.get()) : nullptr;
}

KeyPointer ed25519_key(const Json& key) {
    Bytes x = bytes_in(key, "x");
    return KeyPointer(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, u8(ByteView(x)), x.size()));
}

// r ‖ s as OpenSSL takes it; empty when it is none.
Bytes der_of(ByteView raw) {
    if (raw.size() != 2 * kCoordinateSize) return {};
    Signature signature(ECDSA_SIG_new());
    Number r = number_of(raw.first(kCoordinateSize)), s = number_of(raw.subspan(kCoordinateSize));
    if (signature == nullptr || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
    (void)r.release();
    (void)s.release();
    unsigned char* der = nullptr;
    int size = i2d_ECDSA_SIG(signature.get(), &der);
    if (size <= 0) return {};
    Bytes out = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
    OPENSSL_free(der);
    return out;
}

std::string_view name_of(JwtAlgorithm algorithm) {
    switch (algorithm) {
        case JwtAlgorithm::Rs256:
            return "RS256";
        case JwtAlgorithm::Es256:
            return "ES256";
        case JwtAlgorithm::EdDsa:
            return "EdDSA";
    }
    return "";
}

bool may_verify(const Json& key, JwtAlgorithm algorithm) {
    std::string use = text_in(key, "use"), own = text_in(key, "alg");
    auto operations = key.find("key_ops");
    bool verifies = operations == key.end() ||
                    (operations->is_array() && std::find(operations->begin(), operations->end(),
                                                         "verify") != operations->end());
    return verifies && (use.empty() || use == "sig") && (own.empty() || own == name_of(algorithm));
}

}  // namespace

class JsonWebKeys::Key {
  public:
    std::string id;
    JwtAlgorithm algorithm = JwtAlgorithm::Rs256;
    KeyPointer key;

    // Null for a key that is not for us.
    static std::shared_ptr<const Key> read(const Json& json) {
        auto out = std::make_shared<Key>();
        std::string kind = text_in(json, "kty"), curve = text_in(json, "crv");
        if (kind == "RSA") {
            out->algorithm = JwtAlgorithm::Rs256;
            out->key = rsa_key(json);
        } else if (kind == "EC" && curve == "P-256") {
            out->algorithm = JwtAlgorithm::Es256;
            out->key = p256_key(json);
        } else if (kind == "OKP" && curve == "Ed25519") {
            out->algorithm = JwtAlgorithm::EdDsa;
            out->key = ed25519_key(json);
        }
        ERR_clear_error();
        if (out->key == nullptr || !may_verify(json, out->algorithm)) return nullptr;
        out->id = text_in(json, "kid");
        return out;
    }

    bool verifies(const JsonWebToken& token) const {
        Bytes signature =
            algorithm == JwtAlgorithm::Es256 ? der_of(token.signature) : token.signature;
        DigestContext context(EVP_MD_CTX_new());
        const EVP_MD* digest = algorithm == JwtAlgorithm::EdDsa ? nullptr : EVP_sha256();
        bool is_good =
            !signature.empty() && context != nullptr &&
            EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
            EVP_DigestVerify(context.get(), u8(ByteView(signature)), signature.size(),
                             u8(as_bytes(token.signed_text)), token.signed_text.size()) == 1;
        ERR_clear_error();
        return is_good;
    }
};

Result<JsonWebKeys> JsonWebKeys::parse(std::string_view text) {
    Json set = Json::parse(text.begin(), text.end(), nullptr, false);
    bool is_set = set.is_object() && set.contains("keys") && set["keys"].is_array();
    if (!is_set || set["keys"].size() > kJsonWebKeysMax)
        return Error{ErrorKind::Invalid, "not a set of keys"};
    JsonWebKeys out;
    for (const Json& json : set["keys"]) {
        auto key = json.is_object() ? Key::read(json) : nullptr;
        if (key != nullptr) out.keys_.push_back(std::move(key));
    }
    return out;
}

Status JsonWebKeys::verify(const JsonWebToken& token) const {
    std::vector<const Key*> fitting;
    for (const auto& key : keys_) {
        bool fits =
            key->algorithm == token.algorithm && (token.key_id.empty() || key->id == token.key_id);
        if (fits) fitting.push_back(key.get());
    }
    // One that names no key is taken only when there is no choice: a stranger's nonsense shall not
    // cost a verification with each.
    if (fitting.size() != 1) return Error{ErrorKind::NotFound, "not signed with a known key"};
    if (!fitting[0]->verifies(token)) return Error{ErrorKind::Refused, "the signature is wrong"};
    return {};
}

}  // namespace lockstep
