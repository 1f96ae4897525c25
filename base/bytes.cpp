#include "base/bytes.h"

namespace lockstep {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase32Digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int base32_value(char c) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    auto at = kBase32Digits.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string hex(ByteView bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (std::byte b : bytes) {
        out += kHexDigits[std::to_integer<std::size_t>(b >> 4)];
        out += kHexDigits[std::to_integer<std::size_t>(b & std::byte{15})];
    }
    return out;
}

Result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return Error{ErrorKind::Invalid, "odd number of hex digits"};
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return Error{ErrorKind::Invalid, "not a hex digit"};
        out.push_back(static_cast<std::byte>(high * 16 + low));
    }
    return out;
}

std::string base32(ByteView bytes) {
    std::string out;
    std::uint32_t held = 0;
    int bits = 0;
    for (std::byte b : bytes) {
        held = (held << 8) | std::to_integer<std::uint32_t>(b);
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out += kBase32Digits[(held >> bits) & 31];
        }
    }
    if (bits > 0) out += kBase32Digits[(held << (5 - bits)) & 31];
    return out;
}

Result<Bytes> from_base32(std::string_view text) {
    Bytes out;
    std::uint32_t held = 0;
    int bits = 0;
    for (char c : text) {
        int value = base32_value(c);
        if (value < 0) return Error{ErrorKind::Invalid, "not a base32 character"};
        held = (held << 5) | static_cast<std::uint32_t>(value);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::byte>((held >> bits) & 255));
        }
    }
    if (bits >= 5 || (held & ((1U << bits) - 1)) != 0)
        return Error{ErrorKind::Invalid, "base32 text is cut short"};
    return out;
}

}  // namespace lockstep
