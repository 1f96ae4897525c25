#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

TEST(HexTest, WritesLowerCaseAndReadsEither) {
    EXPECT_EQ(hex(as_bytes("\x01\xab\xff")), "01abff");
    EXPECT_EQ(hex({}), "");
    EXPECT_EQ(as_text(*from_hex("01aBFf")), "\x01\xab\xff");
    EXPECT_TRUE(from_hex("")->empty());
}

TEST(HexTest, RefusesWhatIsNotHex) {
    EXPECT_EQ(from_hex("0").error().kind, ErrorKind::Invalid);
    EXPECT_EQ(from_hex("0g").error().kind, ErrorKind::Invalid);
    EXPECT_EQ(from_hex("0x00").error().kind, ErrorKind::Invalid);
    EXPECT_EQ(from_hex(" 00 ").error().kind, ErrorKind::Invalid);
}

// The vectors of RFC 4648, section 10, written with Crockford's digits and without padding.
TEST(Base32Test, KnownVectors) {
    const std::pair<std::string_view, std::string_view> vectors[] = {
        {"", ""},
        {"f", "CR"},
        {"fo", "CSQG"},
        {"foo", "CSQPY"},
        {"foob", "CSQPYRG"},
        {"fooba", "CSQPYRK1"},
        {"foobar", "CSQPYRK1E8"},
    };
    for (const auto& [raw, text] : vectors) {
        EXPECT_EQ(base32(as_bytes(raw)), text);
        EXPECT_EQ(as_text(*from_base32(text)), raw);
    }
}

TEST(Base32Test, ReadsEitherCaseAndLookalikes) {
    EXPECT_EQ(*from_base32("csqpyrk1e8"), *from_base32("CSQPYRKLE8"));
    EXPECT_EQ(*from_base32("csqpyrkie8"), *from_base32("CSQPYRK1E8"));
    EXPECT_EQ(*from_base32("OO"), *from_base32("00"));
}

TEST(Base32Test, RefusesWhatNoEncoderWrites) {
    EXPECT_EQ(from_base32("U0").error().kind, ErrorKind::Invalid);
    EXPECT_EQ(from_base32("C-R").error().kind, ErrorKind::Invalid);
    EXPECT_EQ(from_base32("C").error().kind, ErrorKind::Invalid);   // five bits are no byte
    EXPECT_EQ(from_base32("CS").error().kind, ErrorKind::Invalid);  // leftover bits are not zero
}

TEST(Base32Test, RandomBytesSurvive) {
    SeededRandom random(1);
    for (std::size_t size = 0; size < 100; ++size) {
        Bytes bytes = random.bytes(size);
        EXPECT_EQ(*from_base32(base32(bytes)), bytes);
        EXPECT_EQ(*from_hex(hex(bytes)), bytes);
    }
}

TEST(BytesTest, EqualComparesLengthAndContent) {
    EXPECT_TRUE(equal({}, {}));
    EXPECT_TRUE(equal(as_bytes("ab"), as_bytes("ab")));
    EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("a")));
    EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("ac")));
}

using TestId = Id<struct TestIdTag, 4>;

TEST(IdTest, ReadsExactlyItsOwnLength) {
    EXPECT_EQ(TestId::parse_hex("01020304")->to_hex(), "01020304");
    EXPECT_EQ(TestId::parse_hex("010203").error().kind, ErrorKind::Invalid);
    EXPECT_EQ(TestId::parse_hex("0102030405").error().kind, ErrorKind::Invalid);
    EXPECT_TRUE(TestId{}.is_zero());
    EXPECT_LT(*TestId::parse_hex("00000001"), *TestId::parse_hex("00000002"));
}

}  // namespace
}  // namespace lockstep
