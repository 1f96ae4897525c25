#include "base/codec.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

using CodecId = Id<struct CodecIdTag, 4>;

struct Sample {
    std::uint8_t a = 0;
    std::uint16_t b = 0;
    std::uint32_t c = 0;
    std::uint64_t d = 0;
    CodecId id;
    std::string text;
    std::vector<std::uint16_t> list;

    bool operator==(const Sample&) const = default;
};

Bytes encode(const Sample& s) {
    Encoder out;
    out.u8(s.a).u16(s.b).u32(s.c).u64(s.d).id(s.id).text(s.text).u32(
        static_cast<std::uint32_t>(s.list.size()));
    for (auto item : s.list) out.u16(item);
    return std::move(out).take();
}

Result<Sample> decode(ByteView bytes) {
    Decoder in(bytes);
    Sample s;
    s.a = in.u8();
    s.b = in.u16();
    s.c = in.u32();
    s.d = in.u64();
    s.id = in.id<CodecId>();
    s.text = in.text(5);
    std::uint32_t count = in.count(3, 2);
    for (std::uint32_t i = 0; i < count; ++i) s.list.push_back(in.u16());
    TRY_OK(in.finish());
    return s;
}

Sample sample() {
    return {0x01,    0x0203,   0x04050607, 0x08090a0b0c0d0e0f, *CodecId::parse_hex("deadbeef"),
            "abcde", {7, 8, 9}};
}

TEST(CodecTest, IntegersAreLittleEndian) {
    EXPECT_EQ(hex(encode(sample())),
              "01"
              "0302"
              "07060504"
              "0f0e0d0c0b0a0908"
              "deadbeef"
              "050000006162636465"
              "03000000"
              "070008000900");
}

TEST(CodecTest, WhatWasEncodedIsDecoded) {
    EXPECT_EQ(*decode(encode(sample())), sample());
    EXPECT_EQ(*decode(encode(Sample{})), Sample{});
}

TEST(CodecTest, CutAnywhereIsCorrupt) {
    Bytes whole = encode(sample());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        auto cut = decode(ByteView(whole).first(size));
        ASSERT_FALSE(cut.ok()) << size;
        EXPECT_EQ(cut.error().kind, ErrorKind::Corrupt);
    }
}

TEST(CodecTest, TrailingBytesAreCorrupt) {
    Bytes more = encode(sample());
    more.push_back(std::byte{0});
    EXPECT_EQ(decode(more).error().message, "trailing bytes");
}

TEST(CodecTest, LengthsAndCountsAreBoundedAtAndOnePast) {
    Sample long_text = sample();
    long_text.text = "abcdef";
    EXPECT_EQ(decode(encode(long_text)).error().message, "longer than allowed");
    Sample long_list = sample();
    long_list.list.push_back(10);
    EXPECT_EQ(decode(encode(long_list)).error().message, "count above limit");
}

TEST(CodecTest, HugeLengthsAllocateNothing) {
    Bytes huge = std::move(Encoder().u32(0xffffffff)).take();
    Decoder text(huge), list(huge), allowed(huge), product(huge);
    EXPECT_EQ(text.text(100), "");
    EXPECT_EQ(list.count(100, 1), 0U);
    EXPECT_TRUE(text.failed() && list.failed());
    // Even where the format's limit would allow them, the bytes that are there do not.
    EXPECT_TRUE(allowed.bytes(0xffffffff).empty());
    EXPECT_EQ(product.count(0xffffffff, std::size_t{1} << 31), 0U);
    EXPECT_TRUE(allowed.failed() && product.failed());
}

TEST(CodecTest, AFailedDecoderStaysFailedAndGivesZeros) {
    Bytes bytes = std::move(Encoder().u16(7)).take();
    Decoder in(bytes);
    EXPECT_EQ(in.u32(), 0U);
    EXPECT_EQ(in.u16(), 0U);
    EXPECT_TRUE(in.id<CodecId>().is_zero());
    in.fail("another reason");
    EXPECT_EQ(in.status().error().message, "unexpected end");
    EXPECT_FALSE(in.finish().ok());
}

TEST(CodecTest, PositionAndRemainingAddUp) {
    Bytes bytes = encode(sample());
    Decoder in(bytes);
    in.u64();
    EXPECT_EQ(in.position(), 8U);
    EXPECT_EQ(in.remaining(), bytes.size() - 8);
}

}  // namespace
}  // namespace lockstep
