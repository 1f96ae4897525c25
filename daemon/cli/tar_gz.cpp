#include "daemon/cli/tar_gz.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameMax = 99;
constexpr std::size_t kStoredMax = 65535;

void pad_to_block(std::string& out) {
    out.append((kBlock - out.size() % kBlock) % kBlock, '\0');
}

// POSIX ustar. The checksum is the sum of the header's bytes, its own field taken as spaces.
std::string tar_header(const ArchiveEntry& entry, std::int64_t time_s) {
    std::string out(kBlock, '\0');
    auto put = [&](std::size_t offset, std::string_view text) {
        std::ranges::copy(text, out.begin() + static_cast<std::ptrdiff_t>(offset));
    };
    put(0, entry.name);
    put(100, "0000600");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", entry.text.size()));
    put(136, fmt::format("{:011o}", std::max<std::int64_t>(time_s, 0)));
    put(148, "        ");
    put(156, "0");
    put(257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (char c : out) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum));
    out[154] = '\0';
    return out;
}

// Of gzip: the reflected polynomial of IEEE 802.3.
std::uint32_t crc32(std::string_view text) {
    std::uint32_t crc = ~std::uint32_t{0};
    for (char c : text) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
    }
    return ~crc;
}

void append_little_endian(std::string& out, std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

// RFC 1952 around stored blocks of RFC 1951.
std::string gzip(std::string_view text) {
    std::string out("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
    for (std::string_view rest = text;;) {
        const std::string_view block = rest.substr(0, kStoredMax);
        rest = rest.substr(block.size());
        const auto size = static_cast<std::uint32_t>(block.size());
        out += rest.empty() ? '\x01' : '\x00';
        append_little_endian(out, size, 2);
        append_little_endian(out, ~size & 0xffff, 2);
        out += block;
        if (rest.empty()) break;
    }
    append_little_endian(out, crc32(text), 4);
    append_little_endian(out, static_cast<std::uint32_t>(text.size()), 4);
    return out;
}

}  // namespace

Bytes make_tar_gz(const std::vector<ArchiveEntry>& entries, std::int64_t time_s) {
    std::string tar;
    for (const ArchiveEntry& entry : entries) {
        CHECK(entry.name.size() <= kNameMax);
        tar += tar_header(entry, time_s) + entry.text;
        pad_to_block(tar);
    }
    tar.append(2 * kBlock, '\0');
    const std::string packed = gzip(tar);
    const ByteView bytes = as_bytes(packed);
    return {bytes.begin(), bytes.end()};
}

}  // namespace lockstep::cli
