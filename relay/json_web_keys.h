// An issuer's public keys (JSON Web Key Set, RFC 7517, 7518, 8037), to verify tokens with.
//
// A key says what it may be used for: RSA keys verify RS256, P-256 keys ES256, Ed25519 keys EdDSA,
// and no key anything else, whatever a token asks for. OpenSSL is seen by json_web_keys.cpp alone.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "relay/json_web_token.h"

namespace lockstep {

inline constexpr std::size_t kJsonWebKeysMax = 64;

// THREADS: any; it does not change.
class JsonWebKeys {
  public:
    // No keys.
    JsonWebKeys() = default;
    // Keys of other kinds, for encryption or of a bad form are left out: an issuer may have them.
    // Invalid when the text is no key set.
    static Result<JsonWebKeys> parse(std::string_view json);

    std::size_t count() const { return keys_.size(); }
    // NotFound when none of these keys is the token's; Refused when its signature is wrong.
    Status verify(const JsonWebToken& token) const;

  private:
    class Key;
    std::vector<std::shared_ptr<const Key>> keys_;
};

}  // namespace lockstep
