// vault_sim [--seeds N] [--seed S] [--devices D] [--steps N]: runs seeds 1..N, or replays one and
// prints its trace.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/sim/simulated_world.h"

int main(int argc, char** argv) {
    std::uint64_t seeds = 100, seed = 0, devices = 2, steps = 120;
    for (int i = 1; i < argc; ++i) {
        auto takes = [&](const char* flag, std::uint64_t& value) {
            if (std::strcmp(argv[i], flag) != 0 || i + 1 >= argc) return false;
            value = std::strtoull(argv[++i], nullptr, 10);
            return true;
        };
        if (takes("--seeds", seeds) || takes("--seed", seed) || takes("--devices", devices) ||
            takes("--steps", steps))
            continue;
        std::fprintf(stderr,
                     "usage: vault_sim [--seeds N] [--seed S] [--devices 2..4] [--steps N]\n");
        return 2;
    }
    if (devices < 2 || devices > 4) devices = 2;
    std::uint64_t first = seed != 0 ? seed : 1, last = seed != 0 ? seed : seeds;
    for (std::uint64_t s = first; s <= last; ++s) {
        lockstep::SimulatedWorld world(s, devices);
        std::string wrong = world.run(steps);
        if (seed != 0)
            for (const std::string& line : world.trace()) std::puts(line.c_str());
        if (wrong.empty()) continue;
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(s), wrong.c_str());
        return 1;
    }
    std::printf("%llu seeds: all devices equal, nothing lost\n",
                static_cast<unsigned long long>(last - first + 1));
    return 0;
}
