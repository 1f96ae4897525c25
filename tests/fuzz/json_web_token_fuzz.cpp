// Bearer tokens and key sets from any text: no signature is ever good, as nobody has signed.
#include "relay/json_web_keys.h"

using namespace lockstep;

namespace {

const JsonWebKeys& known_keys() {
    static const JsonWebKeys keys =
        JsonWebKeys::parse(
            R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})")
            .value();
    return keys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text = as_text(std::as_bytes(std::span(data, size)));
    if (auto token = decode_json_web_token(text); token.ok()) {
        CHECK(!token->subject.empty() && !token->audiences.empty());
        (void)check_claims(*token, {.issuer = token->issuer, .audience = token->audiences[0]}, 1);
        CHECK(!known_keys().verify(*token).ok());
    }
    if (auto keys = JsonWebKeys::parse(text); keys.ok()) CHECK(keys->count() <= kJsonWebKeysMax);
    return 0;
}
