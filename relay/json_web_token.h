// JSON Web Tokens (RFC 7519, 7515): what a text says, before anybody has vouched for it.
//
// Only signed tokens in the compact form, with one of three algorithms. A token never says what it
// is to be checked with: keys in it and URLs of keys (`jwk`, `jku`, `x5c`, `x5u`) are not looked
// at.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace lockstep {

enum class JwtAlgorithm {
    Rs256,  // RSASSA-PKCS1-v1_5 with SHA-256
    Es256,  // ECDSA on P-256 with SHA-256; the signature is r ‖ s
    EdDsa,  // Ed25519
};

// What fits the headers of one request, and some.
inline constexpr std::size_t kJsonWebTokenMax = 6 << 10;

struct JsonWebToken {
    JwtAlgorithm algorithm = JwtAlgorithm::Rs256;
    std::string key_id{};  // empty: it names no key
    // Claims. Seconds are since 1970.
    std::string issuer{};
    std::string subject{};
    std::vector<std::string> audiences{};
    std::int64_t expires_s = 0;
    std::optional<std::int64_t> not_before_s{};
    std::optional<std::int64_t> issued_s{};
    // Every claim that is a text or a list of texts; the words of `scope` one by one.
    std::map<std::string, std::vector<std::string>> texts{};
    // What was signed, and with what.
    std::string signed_text{};
    Bytes signature{};
};

// Invalid, with the reason, for anything that is no such token: unsigned ones (`alg` none), those
// signed with a shared secret (HS256), those with critical extensions, those without issuer,
// subject, audience or end.
Result<JsonWebToken> decode_json_web_token(std::string_view text);

struct JwtExpectation {
    std::string issuer{};
    std::string audience{};
    // How far the issuer's clock may be from ours.
    std::int64_t clock_difference_max_s = 60;
};

// Refused, with the reason, when the claims are not for us or not for now.
Status check_claims(const JsonWebToken& token, const JwtExpectation& expected, std::int64_t now_s);

}  // namespace lockstep
