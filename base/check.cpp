#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace lockstep {

void check_failed(const char* condition, const char* file, int line, std::string_view why) {
    std::fprintf(stderr, "CHECK failed at %s:%d: %s%s%.*s\n", file, line, condition,
                 why.empty() ? "" : ": ", static_cast<int>(why.size()), why.data());
    std::abort();
}

}  // namespace lockstep
