// Encoder and Decoder: the one canonical encoding of everything Lockstep writes or sends.
//
// Integers are little-endian and fixed-width; variable bytes carry a u32 length before them; lists
// carry a u32 count. There is exactly one encoding of a value: a decoder that has read a value and
// would encode it differently must refuse it (finish() refuses trailing bytes).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"

namespace lockstep {

class Encoder {
  public:
    Encoder& u8(std::uint8_t v) { return integer(v); }
    Encoder& u16(std::uint16_t v) { return integer(v); }
    Encoder& u32(std::uint32_t v) { return integer(v); }
    Encoder& u64(std::uint64_t v) { return integer(v); }
    // Bytes of a length the format fixes: no length is written.
    Encoder& raw(ByteView v) {
        append(out_, v);
        return *this;
    }
    // u32 length, then the bytes.
    Encoder& bytes(ByteView v) { return u32(static_cast<std::uint32_t>(v.size())).raw(v); }
    Encoder& text(std::string_view v) { return bytes(as_bytes(v)); }
    template <typename Tag, std::size_t N>
    Encoder& id(const Id<Tag, N>& v) {
        return raw(v.view());
    }

    std::size_t size() const { return out_.size(); }
    ByteView view() const { return out_; }
    Bytes take() && { return std::move(out_); }

  private:
    template <typename T>
    Encoder& integer(T v) {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            out_.push_back(static_cast<std::byte>((v >> (8 * i)) & 0xff));
        return *this;
    }
    Bytes out_;
};

// Reads what an Encoder wrote. Every read is checked; after a failure the decoder stays failed and
// returns zeros, so that a decoder function may read a whole struct and check once with status().
class Decoder {
  public:
    explicit Decoder(ByteView in) : in_(in) {}

    std::uint8_t u8() { return integer<std::uint8_t>(); }
    std::uint16_t u16() { return integer<std::uint16_t>(); }
    std::uint32_t u32() { return integer<std::uint32_t>(); }
    std::uint64_t u64() { return integer<std::uint64_t>(); }
    ByteView raw(std::size_t size) {
        if (failed_ || size > in_.size() - at_) return fail("unexpected end"), ByteView{};
        at_ += size;
        return in_.subspan(at_ - size, size);
    }
    // Fails when the length written is above `size_max`: nothing is allocated before this check.
    ByteView bytes(std::size_t size_max) {
        std::size_t size = u32();
        if (size > size_max) return fail("longer than allowed"), ByteView{};
        return raw(size);
    }
    std::string text(std::size_t size_max) { return std::string(as_text(bytes(size_max))); }
    template <typename IdType>
    IdType id() {
        ByteView view = raw(IdType::kSize);
        return failed_ ? IdType{} : IdType::from(view);
    }
    // A list's count; fails when above `count_max` or when the rest cannot hold `count` items of
    // `item_size_min`.
    std::uint32_t count(std::size_t count_max, std::size_t item_size_min) {
        std::uint32_t n = u32();
        if (n > count_max || n * item_size_min > remaining()) return fail("count above limit"), 0U;
        return n;
    }

    std::size_t remaining() const { return in_.size() - at_; }
    std::size_t position() const { return at_; }
    bool failed() const { return failed_; }
    void fail(std::string_view why) {
        if (!failed_) why_ = why;
        failed_ = true;
    }
    Status status() const { return failed_ ? Status(Error{ErrorKind::Corrupt, why_}) : Status(); }
    // status(), and an error when bytes are left over.
    Status finish() {
        if (!failed_ && remaining() != 0) fail("trailing bytes");
        return status();
    }

  private:
    template <typename T>
    T integer() {
        ByteView view = raw(sizeof(T));
        T out = 0;
        if (!failed_)
            for (std::size_t i = 0; i < sizeof(T); ++i)
                out = static_cast<T>(out | static_cast<T>(std::to_integer<T>(view[i]) << (8 * i)));
        return out;
    }
    ByteView in_;
    std::size_t at_ = 0;
    bool failed_ = false;
    std::string why_;
};

}  // namespace lockstep
