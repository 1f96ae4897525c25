#include "daemon/api/json_codec.h"

#include <gtest/gtest.h>

namespace lockstep::api {
namespace {

VaultInfo sample_vault() {
    VaultInfo vault;
    vault.id = "00ff";
    vault.name = "papers \xc3\xa9 \"x\"";
    vault.state = "mounted";
    vault.is_paused = true;
    vault.pack_bytes = 18'446'744'073'709'551'615U;
    vault.alarms = {"one", "two"};
    vault.peers = {{"d1", "desk", "writer", "1.2.3.4:5", "", true, false, 3, 0, 0, "passed", 7, 2}};
    return vault;
}

TEST(JsonCodecTest, AStructComesBackAsItWent) {
    const std::string text = encode(sample_vault());
    Result<VaultInfo> again = decode<VaultInfo>(text);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(encode(*again), text);
    EXPECT_EQ(again->pack_bytes, 18'446'744'073'709'551'615U);
    ASSERT_EQ(again->peers.size(), 1U);
    EXPECT_EQ(again->peers[0].label, "desk");
    EXPECT_TRUE(again->peers[0].is_connected);
}

TEST(JsonCodecTest, KeysAreCamelCase) {
    const std::string text = encode(LockVault{true});
    EXPECT_EQ(text, R"({"force":true})");
    EXPECT_NE(encode(sample_vault()).find(R"("unlockAtStart":false)"), std::string::npos);
}

TEST(JsonCodecTest, AnAnswerMayHaveMoreKeysAndFewer) {
    Result<UploadInfo> answer = decode<UploadInfo>(R"({"new":[1,{}]})");
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->id, "");
}

TEST(JsonCodecTest, ARequestWithAnUnknownKeyNamesIt) {
    Result<LockVault> request = decode_request<LockVault>(R"({"forced":true})");
    ASSERT_FALSE(request.ok());
    EXPECT_EQ(request.error().kind, ErrorKind::Invalid);
    EXPECT_EQ(request.error().message, "unknown key 'forced'");
}

TEST(JsonCodecTest, AnEmptyBodyIsARequestOfDefaults) {
    Result<WaitForVault> request = decode_request<WaitForVault>("");
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(request->timeout_ms, 60'000U);
}

TEST(JsonCodecTest, WrongTypesAndRangesNameTheKey) {
    EXPECT_EQ(decode_request<LockVault>(R"({"force":1})").error().message,
              "'force' has the wrong type");
    EXPECT_EQ(decode_request<WaitForVault>(R"({"copies":-1})").error().message,
              "'copies': is out of range");
    EXPECT_EQ(decode_request<WaitForVault>(R"({"copies":1.5})").error().message,
              "'copies' has the wrong type");
    EXPECT_EQ(decode_request<BeginUpload>(R"({"mode":4294967296})").error().message,
              "'mode': is out of range");
    EXPECT_EQ(decode_request<BeginUpload>(R"({"modifiedNs":9223372036854775808})").error().message,
              "'modifiedNs': is out of range");
    EXPECT_TRUE(decode_request<BeginUpload>(R"({"modifiedNs":-9223372036854775808})").ok());
    EXPECT_FALSE(decode<VaultInfo>(R"({"alarms":[1]})").ok());
    EXPECT_FALSE(decode<VaultInfo>(R"({"peers":{}})").ok());
}

TEST(JsonCodecTest, WhatIsNoObjectIsRefused) {
    for (const char* text : {"[]", "1", "\"x\"", "{", "{}x", "null", "{\"a\":}"}) {
        EXPECT_FALSE(decode_request<LockVault>(text).ok()) << text;
    }
}

TEST(JsonCodecTest, DeepNestingIsRefusedNotFollowed) {
    const std::string deep =
        "{\"x\":" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
    EXPECT_FALSE(decode_request<LockVault>(deep).ok());
}

TEST(JsonCodecTest, SecretsTravelButEmptyOnesAreLeftOut) {
    UnlockVault request;
    EXPECT_EQ(encode(request), R"({"atStart":false})");
    request.passphrase = SecretText("tr\xc3\xbc\xc3\xb6");
    Result<UnlockVault> again = decode_request<UnlockVault>(encode(request));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->passphrase.reveal(), "tr\xc3\xbc\xc3\xb6");
}

TEST(JsonCodecTest, BytesThatAreNoTextAreReplacedNotFatal) {
    EntryInfo entry;
    entry.name = "a\xff";
    EntryList list;
    list.entries = {entry};
    EXPECT_NE(encode(list).find("a\xef\xbf\xbd"), std::string::npos);
}

TEST(SecretTextTest, MovingLeavesNothingBehind) {
    SecretText first(std::string("a passphrase long enough for the heap"));
    SecretText second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(second.reveal(), "a passphrase long enough for the heap");
}

}  // namespace
}  // namespace lockstep::api
