#include "relay/json_web_token.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <nlohmann/json.hpp>
#include <sodium.h>

namespace lockstep {
namespace {

using Json = nlohmann::json;

// Far beyond any clock, and exact in a double.
constexpr double kSecondsMax = 1e12;
constexpr int kDepthMax = 8;

Error invalid(std::string_view why) {
    return {ErrorKind::Invalid, "not a token: " + std::string(why)};
}
Error refused(std::string_view why) {
    return {ErrorKind::Refused, std::string(why)};
}

// One spelling for every value: no padding, no spaces, no stray bits at the end.
Result<Bytes> decode_part(std::string_view text) {
    Bytes out(text.size());
    std::size_t size = 0;
    bool is_good =
        sodium_base642bin(u8(MutableByteView(out)), out.size(), text.data(), text.size(), nullptr,
                          &size, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    if (!is_good) return invalid("a part is not base64url");
    out.resize(size);
    return out;
}

Result<Json> parse_object(ByteView bytes) {
    auto is_shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= kDepthMax; };
    std::string_view text = as_text(bytes);
    Json out = Json::parse(text.begin(), text.end(), is_shallow, false);
    if (!out.is_object()) return invalid("a part is not a JSON object");
    return out;
}

std::string text_in(const Json& object, const char* key) {
    auto at = object.find(key);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::vector<std::string> texts_in(const Json& value) {
    if (value.is_string()) return {value.get<std::string>()};
    std::vector<std::string> out;
    if (value.is_array())
        for (const Json& item : value)
            if (item.is_string()) out.push_back(item.get<std::string>());
    return out;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        std::size_t end = std::min(text.find(' '), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

Result<std::optional<std::int64_t>> time_in(const Json& object, const char* key) {
    auto at = object.find(key);
    if (at == object.end()) return std::optional<std::int64_t>();
    double seconds = at->is_number() ? at->get<double>() : -1;
    if (!(seconds >= 0 && seconds <= kSecondsMax))
        return invalid(std::string("'") + key + "' is not a time");
    return std::optional(static_cast<std::int64_t>(std::floor(seconds)));
}

Result<JwtAlgorithm> parse_algorithm(const std::string& name) {
    if (name == "RS256") return JwtAlgorithm::Rs256;
    if (name == "ES256") return JwtAlgorithm::Es256;
    if (name == "EdDSA") return JwtAlgorithm::EdDsa;
    return invalid("signed in a way that is not taken here; RS256, ES256 and EdDSA are");
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Tokens for something else (a logout, an event) are signed with the same keys.
bool is_access_or_id_token(std::string type) {
    std::transform(type.begin(), type.end(), type.begin(), lower);
    if (type.starts_with("application/")) type.erase(0, 12);
    return type.empty() || type == "jwt" || type == "at+jwt";
}

Status read_header(const Json& header, JsonWebToken& out) {
    TRY(out.algorithm, parse_algorithm(text_in(header, "alg")));
    if (header.contains("crit")) return invalid("it has critical extensions");
    if (!is_access_or_id_token(text_in(header, "typ")))
        return invalid("it is for something else than access");
    out.key_id = text_in(header, "kid");
    return {};
}

Status read_claims(const Json& claims, JsonWebToken& out) {
    out.issuer = text_in(claims, "iss");
    out.subject = text_in(claims, "sub");
    if (claims.contains("aud")) out.audiences = texts_in(claims["aud"]);
    if (out.issuer.empty() || out.subject.empty() || out.audiences.empty())
        return invalid("issuer, subject or audience is missing");
    TRY(auto expires, time_in(claims, "exp"));
    if (!expires) return invalid("it never expires");
    out.expires_s = *expires;
    TRY(out.not_before_s, time_in(claims, "nbf"));
    TRY(out.issued_s, time_in(claims, "iat"));
    for (const auto& [name, value] : claims.items()) {
        auto texts = name == "scope" && value.is_string() ? words_of(value.get<std::string>())
                                                          : texts_in(value);
        if (!texts.empty()) out.texts[name] = std::move(texts);
    }
    return {};
}

}  // namespace

Result<JsonWebToken> decode_json_web_token(std::string_view text) {
    if (text.size() > kJsonWebTokenMax) return invalid("it is too long");
    std::size_t first = text.find('.');
    std::size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
    bool has_three_parts = second != text.npos && text.find('.', second + 1) == text.npos;
    if (!has_three_parts) return invalid("it has not three parts");
    TRY(Bytes header_bytes, decode_part(text.substr(0, first)));
    TRY(Bytes claims_bytes, decode_part(text.substr(first + 1, second - first - 1)));
    JsonWebToken out;
    TRY(out.signature, decode_part(text.substr(second + 1)));
    TRY(Json header, parse_object(header_bytes));
    TRY_OK(read_header(header, out));
    TRY(Json claims, parse_object(claims_bytes));
    TRY_OK(read_claims(claims, out));
    out.signed_text = text.substr(0, second);
    return out;
}

Status check_claims(const JsonWebToken& token, const JwtExpectation& expected, std::int64_t now_s) {
    if (token.issuer != expected.issuer) return refused("the token is of another issuer");
    bool is_for_us = std::find(token.audiences.begin(), token.audiences.end(), expected.audience) !=
                     token.audiences.end();
    if (!is_for_us) return refused("the token is for somebody else");
    std::int64_t apart = expected.clock_difference_max_s;
    if (token.expires_s + apart <= now_s) return refused("the token has expired");
    std::int64_t begins = std::max(token.not_before_s.value_or(0), token.issued_s.value_or(0));
    if (begins - apart > now_s) return refused("the token is not valid yet");
    return {};
}

}  // namespace lockstep
