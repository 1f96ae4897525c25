#include "base/random.h"

#include <cerrno>

#include <sys/random.h>

namespace lockstep {
namespace {

class SystemRandom final : public Random {
  public:
    void fill(MutableByteView out) override {
        while (!out.empty()) {
            ssize_t got = getrandom(out.data(), out.size(), 0);
            if (got < 0) {
                CHECK(errno == EINTR, "the kernel gives no randomness");
                continue;
            }
            out = out.subspan(static_cast<std::size_t>(got));
        }
    }
};

}  // namespace

Random& system_random() {
    static SystemRandom random;
    return random;
}

}  // namespace lockstep
