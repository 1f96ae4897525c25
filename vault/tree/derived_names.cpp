#include "vault/tree/derived_names.h"

#include <cstdio>
#include <ctime>

#include "vault/limits.h"

namespace lockstep {
namespace {

// What is longer is not an extension that people know, and would leave no room for the name.
constexpr std::size_t kExtensionSizeMax = 32;
constexpr std::size_t kMarkStep = 4;

std::string time_text(const Stamp& stamp) {
    const std::time_t seconds = static_cast<std::time_t>(stamp.wall_ms() / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char text[64];
    std::snprintf(text, sizeof(text), "%04d-%02d-%02d %02d-%02d-%02d", utc.tm_year + 1900,
                  utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    return text;
}

std::string printable(std::string_view label) {
    std::string out(label.substr(0, kDeviceLabelSizeMax));
    for (char& c : out) {
        if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
    }
    return out;
}

std::string_view cut_at_character(std::string_view text, std::size_t size) {
    if (text.size() <= size) return text;
    const auto continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
    };
    // Bytes that are no UTF-8 have no boundaries to find: at most three steps back.
    for (std::size_t back = 0; back < 4 && back <= size; ++back) {
        if (!continues(size - back)) return text.substr(0, size - back);
    }
    return text.substr(0, size);
}

std::string mark_text(std::string_view mark, std::size_t attempt) {
    if (attempt == 0) return "";
    std::string out = " #" + std::string(mark.substr(0, attempt * kMarkStep));
    const std::size_t used_up = (mark.size() + kMarkStep - 1) / kMarkStep;
    if (attempt > used_up) out += " " + std::to_string(attempt - used_up + 1);
    return out;
}

std::string_view extension_of(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || name.size() - dot > kExtensionSizeMax)
        return {};
    return name.substr(dot);
}

std::string with_suffix(std::string_view base, const std::string& suffix) {
    const std::string_view extension = extension_of(base);
    const std::size_t room = kNameSizeMax - suffix.size() - extension.size();
    const std::string_view stem = base.substr(0, base.size() - extension.size());
    return std::string(cut_at_character(stem, room)) + suffix + std::string(extension);
}

}  // namespace

std::string derived_name(const DerivedNameParts& parts, std::size_t attempt) {
    return with_suffix(parts.base, " (conflict from " + printable(parts.device_label) + " " +
                                       time_text(parts.stamp) + ")" +
                                       mark_text(parts.mark, attempt));
}

std::string restored_name(std::string_view base, std::size_t attempt) {
    return with_suffix(
        base, attempt == 0 ? " (restored)" : " (restored " + std::to_string(attempt + 1) + ")");
}

}  // namespace lockstep
