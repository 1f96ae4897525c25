#include "daemon/cli/byte_size.h"

#include <charconv>
#include <string>

namespace lockstep::cli {

namespace {

constexpr std::uint64_t kBytesMax = 1ULL << 60;

// 0: no unit.
std::uint64_t unit_bytes(std::string_view unit) {
    if (unit.empty() || unit == "B") return 1;
    constexpr std::string_view kLetters = "KMGT";
    const std::size_t at = kLetters.find(unit.front());
    if (at == std::string_view::npos) return 0;
    unit.remove_prefix(1);
    if (!unit.empty() && unit != "iB") return 0;
    return std::uint64_t{1} << (10 * (at + 1));
}

}  // namespace

Result<std::uint64_t> parse_byte_size(std::string_view text) {
    std::uint64_t number = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::uint64_t unit = unit_bytes(text.substr(static_cast<std::size_t>(end - text.data())));
    if (failure != std::errc{} || unit == 0 || number > kBytesMax / unit)
        return Error{ErrorKind::Invalid,
                     "'" + std::string(text) + "' is no amount of bytes (like 500M, 20G, 1T)"};
    return number * unit;
}

}  // namespace lockstep::cli
