#include "relay/protocol/bencode.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace lockstep {
namespace {

TEST(BencodeTest, WritesTheSpecsExamples) {
    BencodeWriter out;
    out.begin_dictionary()
        .text("cow")
        .text("moo")
        .text("list")
        .begin_list()
        .integer(-3)
        .text("")
        .end()
        .end();
    EXPECT_EQ(std::move(out).take(), "d3:cow3:moo4:listli-3e0:ee");
}

TEST(BencodeTest, ReadsWhatIsWritten) {
    auto value = decode_bencode("d1:ai-7e1:bl2:xy0:e1:cd1:d3:a\0be" + std::string("e"), 8);
    ASSERT_FALSE(value.ok());  // the literal above ends at its NUL
    value = decode_bencode(std::string_view("d1:ai-7e1:bl2:xy0:e1:cd1:d3:a\0bee", 33));
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(*value->find("a")->integer(), -7);
    EXPECT_EQ(*value->find("b")->items[0].text(), "xy");
    EXPECT_EQ(*value->find("c")->find("d")->text(), std::string("a\0b", 3));
    EXPECT_EQ(value->find("none"), nullptr);
    EXPECT_EQ(value->find("a")->find("x"), nullptr);
    EXPECT_EQ(value->text(), nullptr);
}

TEST(BencodeTest, OneSpellingOnly) {
    for (std::string_view bad : {"",
                                 "i",
                                 "ie",
                                 "i-0e",
                                 "i01e",
                                 "i+1e",
                                 "i 1e",
                                 "i1",
                                 "i9223372036854775808e",
                                 "01:a",
                                 "-1:a",
                                 "2:a",
                                 ":",
                                 "1a",
                                 "99999999999999999999:",
                                 "l",
                                 "li1e",
                                 "d",
                                 "d1:a",
                                 "d1:ae",
                                 "di1e1:ae",
                                 "d1:bi1e1:ai1ee",
                                 "d1:ai1e1:ai1ee",
                                 "i1ei2e",
                                 "lee",
                                 "x"})
        EXPECT_EQ(decode_bencode(bad).error().kind, ErrorKind::Corrupt) << bad;
    EXPECT_EQ(*decode_bencode("i-9223372036854775808e")->integer(),
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(*decode_bencode("i0e")->integer(), 0);
}

TEST(BencodeTest, DepthIsBoundedAtAndOnePast) {
    auto nested = [](std::size_t depth) {
        return std::string(depth, 'l') + std::string(depth, 'e');
    };
    EXPECT_TRUE(decode_bencode(nested(8)).ok());
    EXPECT_FALSE(decode_bencode(nested(9)).ok());
    EXPECT_FALSE(decode_bencode(std::string(1'000'000, 'l')).ok());
}

TEST(BencodeTest, ValuesAreBoundedAtAndOnePast) {
    auto many = [](std::size_t count) {
        std::string out = "l";
        for (std::size_t i = 0; i < count; ++i) out += "le";
        return out + "e";
    };
    EXPECT_TRUE(decode_bencode(many(9'999)).ok());
    EXPECT_FALSE(decode_bencode(many(10'000)).ok());
}

TEST(BencodeTest, CutAnywhereIsCorrupt) {
    std::string whole = "d8:completei1e5:peers6:abcdef4:taill1:ai2eee";
    ASSERT_TRUE(decode_bencode(whole).ok());
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decode_bencode(whole.substr(0, size)).ok());
}

TEST(BencodeTest, ArbitraryBytesNeverCrash) {
    SeededRandom random(5);
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (std::uint64_t n = random.below(30); n > 0; --n)
            text += "dlie0123456789:-a"[random.below(17)];
        (void)decode_bencode(text);
    }
}

}  // namespace
}  // namespace lockstep
