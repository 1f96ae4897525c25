// Bytes, views of bytes and their text forms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;

inline ByteView as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) {
    return Bytes(view.begin(), view.end());
}
inline void append(Bytes& to, ByteView view) {
    to.insert(to.end(), view.begin(), view.end());
}
inline bool equal(ByteView a, ByteView b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
inline const unsigned char* u8(ByteView view) {
    return reinterpret_cast<const unsigned char*>(view.data());
}
inline unsigned char* u8(MutableByteView view) {
    return reinterpret_cast<unsigned char*>(view.data());
}

// Lower-case hexadecimal.
std::string hex(ByteView bytes);
Result<Bytes> from_hex(std::string_view text);

// Crockford base32 without padding, upper case; reads either case and takes O for 0, I and L for 1.
// Tickets and fingerprints are written in it.
std::string base32(ByteView bytes);
Result<Bytes> from_base32(std::string_view text);

}  // namespace lockstep
