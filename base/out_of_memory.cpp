#include "base/out_of_memory.h"

#include <cstdlib>
#include <new>
#include <string_view>

#include <unistd.h>

namespace lockstep {
namespace {

// Allocates nothing.
[[noreturn]] void stop() {
    constexpr std::string_view kWords =
        "out of memory: stopping at once; nothing that was acknowledged is lost\n";
    const ssize_t written = ::write(STDERR_FILENO, kWords.data(), kWords.size());
    static_cast<void>(written);
    std::abort();
}

}  // namespace

void stop_when_out_of_memory() {
    std::set_new_handler(stop);
}

}  // namespace lockstep
