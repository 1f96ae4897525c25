// Bearer tokens of an OpenID provider: what is taken, and what a hostile one may try.
#include <fstream>

#include <openssl/hmac.h>

#include "relay/open_id_fetcher.h"
#include "relay/open_id_verifier.h"
#include "tests/relay/relay_world.h"
#include "tests/relay/token_signer.h"

namespace lockstep {
namespace {

using Json = nlohmann::json;

constexpr const char* kIssuer = "https://login.example.org";
constexpr const char* kAudience = "lockstep-relay";

class OpenIdTest : public RelayWorld {
  protected:
    OpenIdTest() : rsa(JwtAlgorithm::Rs256, "rsa-1") {
        CHECK(sodium_init() >= 0);
        set_keys({rsa.public_key()});
    }
    void set_keys(const std::vector<Json>& keys) {
        verifier.set_keys(JsonWebKeys::parse(key_set(keys)).value());
    }
    Json claims(Json more = Json::object()) {
        auto now = static_cast<std::int64_t>(now_s());
        Json out{{"iss", kIssuer}, {"sub", "alice"},   {"aud", kAudience},
                 {"iat", now},     {"exp", now + 600}, {"scope", "openid relay"}};
        out.update(more);
        return out;
    }
    std::string why_not(const std::string& token) {
        auto identity = verifier.verify(token);
        return identity.ok() ? "" : identity.error().message;
    }
    static OpenIdOptions options() {
        OpenIdOptions out;
        out.issuer = kIssuer;
        out.audience = kAudience;
        out.operator_claim = "groups";
        out.operator_value = "relay-operators";
        return out;
    }
    RelayConfig config() {
        RelayConfig out = with_access(RelayAccess::Token);
        out.admission.open_id = options();
        out.admission.open_id_account = {"", "", {.tracker = true}, 1 << 20, 1 << 20};
        out.metrics = MetricsAccess::Operators;
        return out;
    }
    HttpResponse ask(const std::string& token) {
        return ask_ticket(members.request(hash_number(1), member_number(1), now_s()),
                          {{"Authorization", "Bearer " + token}});
    }

    TokenSigner rsa;
    SwarmSigner members;
    int wanted = 0;
    OpenIdVerifier verifier{clock, options(), [this] { ++wanted; }};
};

TEST_F(OpenIdTest, EachAlgorithmIsTakenAndAPersonIsTheSameWhicheverKeySigned) {
    TokenSigner ec(JwtAlgorithm::Es256, "ec"), ed(JwtAlgorithm::EdDsa, "ed");
    set_keys({rsa.public_key(), ec.public_key(), ed.public_key()});
    std::set<std::string> names;
    for (const TokenSigner* signer : {&rsa, &ec, &ed}) {
        auto identity = verifier.verify(signer->token(claims()));
        ASSERT_TRUE(identity.ok()) << signer->algorithm_name() << identity.error().message;
        EXPECT_FALSE(identity->is_operator);
        names.insert(identity->name);
    }
    EXPECT_EQ(names.size(), 1U);
    EXPECT_EQ(names.begin()->find("alice"), std::string::npos);
    names.insert(verifier.verify(rsa.token(claims({{"sub", "bob"}})))->name);
    EXPECT_EQ(names.size(), 2U);
}

TEST_F(OpenIdTest, OperatorsAreThoseWithTheClaim) {
    auto is_operator = [&](Json groups) {
        return verifier.verify(rsa.token(claims({{"groups", std::move(groups)}})))->is_operator;
    };
    EXPECT_TRUE(is_operator("relay-operators"));
    EXPECT_TRUE(is_operator({"others", "relay-operators"}));
    EXPECT_FALSE(is_operator({"relay", "operators"}));
    EXPECT_FALSE(is_operator({{"relay-operators", true}}));
    EXPECT_FALSE(is_operator(true));
}

TEST_F(OpenIdTest, UnsignedTokensAndSharedSecretsAreRefused) {
    for (const char* name : {"none", "None", "NONE", "nOnE", ""}) {
        std::string text =
            base64url(Json{{"alg", name}}.dump()) + "." + base64url(claims().dump()) + ".";
        EXPECT_NE(why_not(text), "") << name;
        EXPECT_NE(why_not(text + base64url("x")), "") << name;
    }
    // Key confusion: the public key, which everybody knows, as the secret of an HMAC.
    Json header = rsa.header();
    header["alg"] = "HS256";
    std::string text = base64url(header.dump()) + "." + base64url(claims().dump());
    for (const std::string& secret :
         {rsa.public_pem(), rsa.public_key().dump(), rsa.public_key()["n"].get<std::string>()}) {
        Bytes mac(32);
        unsigned size = 0;
        HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), u8(as_bytes(text)),
             text.size(), u8(MutableByteView(mac)), &size);
        EXPECT_NE(why_not(text + "." + base64url(ByteView(mac))), "");
    }
    // A secret in the set verifies nothing.
    EXPECT_EQ(JsonWebKeys::parse(key_set({{{"kty", "oct"}, {"k", "c2VjcmV0"}}}))->count(), 0U);
}

TEST_F(OpenIdTest, AKeyVerifiesItsOwnAlgorithmOnly) {
    TokenSigner ec(JwtAlgorithm::Es256, "ec"), ed(JwtAlgorithm::EdDsa, "ed");
    set_keys({rsa.public_key(), ec.public_key(), ed.public_key()});
    for (const TokenSigner* signer : {&rsa, &ec, &ed})
        for (const char* algorithm : {"RS256", "ES256", "EdDSA", "RS512", "PS256", "ES384"}) {
            if (algorithm == signer->algorithm_name()) continue;
            Json header = signer->header();
            header["alg"] = algorithm;
            EXPECT_NE(why_not(signer->token(header, claims())), "")
                << signer->algorithm_name() << " as " << algorithm;
        }
    // A key that is for encryption, or for another algorithm, verifies nothing.
    for (Json change :
         {Json{{"use", "enc"}}, Json{{"alg", "RS512"}}, Json{{"key_ops", {"sign"}}}}) {
        Json key = rsa.public_key();
        key.update(change);
        EXPECT_EQ(JsonWebKeys::parse(key_set({key}))->count(), 0U) << change;
    }
}

TEST_F(OpenIdTest, AKeyThatTheTokenBringsAlongIsNotUsed) {
    TokenSigner attacker(JwtAlgorithm::Rs256, "rsa-1");
    Json header = attacker.header();
    header["jwk"] = attacker.public_key();
    header["jku"] = "http://127.0.0.1:1/keys";
    header["x5u"] = "http://127.0.0.1:1/certificate";
    header["x5c"] = {"AAAA"};
    EXPECT_EQ(why_not(attacker.token(header, claims())), "the signature is wrong");
    // Neither is a path or a statement a key's name.
    for (const char* id : {"../../dev/null", "' OR 1=1 --", "rsa-1\0", ""}) {
        Json named = attacker.header();
        named["kid"] = id;
        EXPECT_NE(why_not(attacker.token(named, claims())), "");
    }
}

TEST_F(OpenIdTest, AnyChangedCharacterMakesATokenWorthless) {
    TokenSigner ec(JwtAlgorithm::Es256, "ec"), ed(JwtAlgorithm::EdDsa, "ed");
    set_keys({rsa.public_key(), ec.public_key(), ed.public_key()});
    for (const TokenSigner* signer : {&rsa, &ec, &ed}) {
        std::string good = signer->token(claims());
        ASSERT_EQ(why_not(good), "");
        for (std::size_t i = 0; i < good.size(); ++i) {
            std::string bad = good;
            bad[i] = bad[i] == 'A' ? 'B' : 'A';
            EXPECT_NE(why_not(bad), "") << i;
        }
        // Another spelling of the same bytes is no other token.
        for (const std::string& bad : {good + "=", good + ".", "." + good, good + " ", good + "\n",
                                       good.substr(0, good.rfind('.') + 1)})
            EXPECT_NE(why_not(bad), "");
    }
    // All zeros is the signature that some libraries took for good (CVE-2022-21449).
    std::string zeros = ec.token(claims());
    zeros = zeros.substr(0, zeros.rfind('.') + 1) + base64url(ByteView(Bytes(64)));
    EXPECT_EQ(why_not(zeros), "the signature is wrong");
}

TEST_F(OpenIdTest, ClaimsMustBeForUsAndForNow) {
    auto now = static_cast<std::int64_t>(now_s());
    auto verdict = [&](Json more) { return why_not(rsa.token(claims(std::move(more)))); };
    EXPECT_EQ(verdict({{"aud", {"x", kAudience}}}), "");
    EXPECT_EQ(verdict({{"aud", "x"}}), "the token is for somebody else");
    EXPECT_EQ(verdict({{"aud", {"x", "lockstep-relay2"}}}), "the token is for somebody else");
    EXPECT_EQ(verdict({{"iss", std::string(kIssuer) + "/"}}), "the token is of another issuer");
    // A minute's difference between the clocks, and no more.
    EXPECT_EQ(verdict({{"exp", now - 59}}), "");
    EXPECT_EQ(verdict({{"exp", now - 60}}), "the token has expired");
    EXPECT_EQ(verdict({{"nbf", now + 60}}), "");
    EXPECT_EQ(verdict({{"nbf", now + 61}}), "the token is not valid yet");
    EXPECT_EQ(verdict({{"iat", now + 61}}), "the token is not valid yet");
    EXPECT_EQ(verdict({{"exp", static_cast<double>(now) + 0.5}}), "");
    for (const char* needed : {"iss", "sub", "aud", "exp"}) {
        Json without = claims();
        without.erase(needed);
        EXPECT_NE(why_not(rsa.token(without)), "") << needed;
        EXPECT_NE(verdict({{needed, nullptr}}), "") << needed;
        EXPECT_NE(verdict({{needed, Json::object()}}), "") << needed;
    }
    for (Json time : {Json("1"), Json(-1), Json(1e300), Json(true), Json({1})})
        EXPECT_NE(verdict({{"exp", time}}), "") << time;
    Json logout = rsa.header(), critical = rsa.header();
    logout["typ"] = "logout+jwt";
    critical["crit"] = {"b64"};
    EXPECT_NE(why_not(rsa.token(logout, claims())), "");
    EXPECT_NE(why_not(rsa.token(critical, claims())), "");
}

TEST_F(OpenIdTest, WhatIsNoTokenIsRefused) {
    std::string deep(3000, '[');
    for (const std::string& text :
         {std::string(), std::string("."), std::string(".."), std::string("a.b.c"),
          base64url("{}") + "." + base64url("{}") + "." + base64url("x"),
          base64url("[]") + "." + base64url("[]") + "." + base64url("x"),
          base64url(rsa.header().dump()) + "." + base64url("\xff\xfe") + ".eA",
          base64url(rsa.header().dump()) + "." + base64url("{\"iss\":" + deep) + ".eA",
          std::string(kJsonWebTokenMax + 1, 'a'), std::string(5000, '.')})
        EXPECT_NE(why_not(text), "") << text.substr(0, 40);
}

TEST_F(OpenIdTest, WeakAndBrokenKeysAreLeftOut) {
    TokenSigner weak(JwtAlgorithm::Rs256, "weak", 1024), ec(JwtAlgorithm::Es256, "ec");
    Json off_curve = ec.public_key();
    off_curve["y"] = off_curve["x"];
    Json short_point = ec.public_key();
    short_point["x"] = "AAAA";
    Json other_curve = ec.public_key();
    other_curve["crv"] = "P-521";
    EXPECT_EQ(JsonWebKeys::parse(key_set({weak.public_key(), off_curve, short_point, other_curve,
                                          Json("text"), Json::object(), rsa.public_key()}))
                  ->count(),
              1U);
    for (const char* text : {"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[", "null"})
        EXPECT_FALSE(JsonWebKeys::parse(text).ok()) << text;
    EXPECT_FALSE(
        JsonWebKeys::parse(key_set(std::vector<Json>(kJsonWebKeysMax + 1, rsa.public_key()))).ok());
}

// Goal: a provider changes its keys while the relay runs. A token of the new key is told to come
// again, the keys are asked for once, and old keys are forgotten with the new set.
TEST_F(OpenIdTest, RotatedKeysAreAskedForAndStrangersDoNotMakeItAskAllTheTime) {
    TokenSigner next(JwtAlgorithm::Es256, "next");
    auto kind = [&](const TokenSigner& signer) {
        auto identity = verifier.verify(signer.token(claims()));
        return identity.ok() ? "" : identity.error().kind == ErrorKind::Busy ? "busy" : "refused";
    };
    EXPECT_STREQ(kind(rsa), "");
    EXPECT_STREQ(kind(next), "refused");  // these keys came just now
    EXPECT_EQ(wanted, 0);
    clock.advance(std::chrono::seconds(31));
    EXPECT_STREQ(kind(next), "busy");
    EXPECT_EQ(wanted, 1);
    EXPECT_STREQ(kind(rsa), "");
    set_keys({next.public_key()});
    EXPECT_STREQ(kind(next), "");
    EXPECT_STREQ(kind(rsa), "refused");
    // A provider that is away for a day may have taken keys back.
    clock.advance(std::chrono::hours(24));
    EXPECT_STREQ(kind(next), "busy");
    EXPECT_EQ(wanted, 2);
}

TEST_F(OpenIdTest, PeopleGetTicketsAndOperatorsOperate) {
    serve(config());
    std::string alice = rsa.token(claims());
    HttpResponse early = ask(alice);
    EXPECT_EQ(early.status, 503);
    EXPECT_NE(early.header("Retry-After"), nullptr);
    service->set_open_id_keys(JsonWebKeys::parse(key_set({rsa.public_key()})));
    HttpResponse given = ask(alice);
    ASSERT_EQ(given.status, 200) << given.body;
    std::string ticket = decode_admission_answer(given.body)->ticket;
    EXPECT_EQ(announce(announce_of(1), ticket).status, 200);
    EXPECT_EQ(get("/v1/control", shows(hash_number(1), ticket)).status, 403);  // no such right
    EXPECT_EQ(ask(rsa.token(claims({{"aud", "x"}}))).status, 403);
    EXPECT_EQ(ask("static-token").status, 403);

    auto operate = [&](const std::string& token) {
        return send({.path = "/v1/peers", .headers = {{"Authorization", "bearer " + token}}});
    };
    EXPECT_EQ(operate(alice).status, 401);
    EXPECT_EQ(operate(rsa.token(claims({{"groups", {"relay-operators"}}}))).status, 200);
    EXPECT_EQ(send({.path = "/metrics"}).status, 401);

    // Another provider's people: the old one's tickets are worth nothing.
    RelayConfig other = config();
    other.admission.open_id.audience = "another";
    service->reload(other);
    EXPECT_EQ(announce(announce_of(1), ticket).status, 403);
    EXPECT_EQ(ask(alice).status, 403);
}

TEST_F(OpenIdTest, KeysAreFetchedFromTheIssuerAndNobodyElse) {
    std::string configuration;
    HttpServer provider({}, [&](const HttpRequest& request, HttpResponder responder) {
        bool is_keys = request.path == "/keys";
        responder.respond(
            HttpResponse::json(is_keys || request.path.starts_with("/.well") ? 200 : 404,
                               is_keys ? key_set({rsa.public_key()}) : configuration));
    });
    std::string base = "http://127.0.0.1:" + std::to_string(*provider.listen_tcp("127.0.0.1", 0));
    OpenIdOptions own = options();
    own.issuer = base;
    auto fetch = [&](Json json) {
        configuration = json.dump();
        return fetch_open_id_keys(own, {});
    };
    auto keys = fetch({{"issuer", base}, {"jwks_uri", base + "/keys"}});
    ASSERT_TRUE(keys.ok()) << keys.error().message;
    EXPECT_EQ(keys->count(), 1U);
    EXPECT_FALSE(fetch({{"issuer", base + "/"}, {"jwks_uri", base + "/keys"}}).ok());
    EXPECT_FALSE(fetch({{"issuer", base}}).ok());
    EXPECT_FALSE(fetch({{"issuer", base}, {"jwks_uri", "file:///etc/passwd"}}).ok());
    EXPECT_FALSE(fetch({{"issuer", base}, {"jwks_uri", base + "/none"}}).ok());
    EXPECT_FALSE(fetch(Json::array()).ok());
    provider.stop();
    EXPECT_FALSE(fetch({{"issuer", base}, {"jwks_uri", base + "/keys"}}).ok());
}

}  // namespace
}  // namespace lockstep
