#include "relay/open_id_verifier.h"

#include <algorithm>
#include <array>

#include <sodium.h>

namespace lockstep {
namespace {

// Keys this fresh are all there are: a token of an unknown key is not worth asking again.
constexpr std::chrono::seconds kFresh{30};
// A provider that cannot be asked for so long may have taken keys back.
constexpr std::chrono::hours kKeysAgeMax{24};
constexpr std::size_t kNameSize = 16;

Error busy() {
    return {ErrorKind::Busy, "the provider's keys are being fetched, try again"};
}

std::string pseudonym(const JsonWebToken& token) {
    std::string both = std::to_string(token.issuer.size()) + ":" + token.issuer + token.subject;
    std::array<std::byte, kNameSize> out{};
    crypto_generichash(u8(MutableByteView(out)), out.size(), u8(as_bytes(both)), both.size(),
                       nullptr, 0);
    return "openid:" + hex(out);
}

}  // namespace

OpenIdVerifier::OpenIdVerifier(Clock& clock, OpenIdOptions options, std::function<void()> want_keys)
    : clock_(clock), options_(std::move(options)), want_keys_(std::move(want_keys)) {}

void OpenIdVerifier::set_keys(JsonWebKeys keys) {
    keys_ = std::move(keys);
    has_keys_ = true;
    keys_came_ = clock_.steady();
}

Status OpenIdVerifier::check_signature(const JsonWebToken& token) {
    auto age = clock_.steady() - keys_came_;
    bool is_usable = has_keys_ && age < kKeysAgeMax;
    Status verified = is_usable ? keys_.verify(token) : Status(busy());
    bool is_unknown = !verified.ok() && verified.error().kind != ErrorKind::Refused;
    if (!is_unknown) return verified;
    if (is_usable && age < kFresh) return Error{ErrorKind::Refused, verified.error().message};
    if (want_keys_) want_keys_();
    return busy();
}

Result<OpenIdIdentity> OpenIdVerifier::verify(std::string_view text) {
    auto token = decode_json_web_token(text);
    if (!token.ok()) return Error{ErrorKind::Refused, token.error().message};
    // What costs least first: a stranger's token costs no signature.
    JwtExpectation expected{.issuer = options_.issuer, .audience = options_.audience};
    TRY_OK(check_claims(*token, expected, clock_.wall_ms() / 1000));
    TRY_OK(check_signature(*token));
    OpenIdIdentity out{.name = pseudonym(*token)};
    auto claim = token->texts.find(options_.operator_claim);
    out.is_operator = !options_.operator_claim.empty() && claim != token->texts.end() &&
                      std::find(claim->second.begin(), claim->second.end(),
                                options_.operator_value) != claim->second.end();
    return out;
}

}  // namespace lockstep
