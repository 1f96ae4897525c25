// CHECK(condition, "why"): our own promises, always compiled in; aborts with file and line.
// Never on input from disk, peer, user or API: that is an Error.
#pragma once

#include <string_view>

namespace lockstep {
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               std::string_view why);
}

#define CHECK(condition, ...)                                        \
    do {                                                             \
        if (!(condition)) [[unlikely]]                               \
            ::lockstep::check_failed(#condition, __FILE__, __LINE__, \
                                     std::string_view{__VA_ARGS__}); \
    } while (false)
