// vault_sim [--seeds N] [--first F] [--seed S] [--steps N] [--devices N] [--jobs N] [--counters]:
// runs N seeds from F on, or replays one and prints its trace; --watch 'laptop#3' says as well
// where that content shows. --twice: a calm world without compaction and with it, compared.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/sim/simulated_world.h"

namespace {

using namespace lockstep;
using namespace lockstep::sim;

struct Arguments {
    std::uint64_t seeds = 300, first = 1, seed = 0, steps = 0, devices = 0, jobs = 1, counters = 0;
    bool is_merging = false, is_compacting = true, runs_twice = false;
    std::string watched;
};

// The same calm world without compaction and with it: what devices know must not differ.
std::string compare(SimulationOptions options, Counters& counters) {
    // Of a forked log more arrives at once when it lies in one file.
    options.is_calm = true;
    options.with_disk_faults = options.with_forks = false;
    std::vector<std::string> states[2], traces[2];
    for (const bool compacts : {false, true}) {
        options.with_compactions = compacts;
        SimulatedWorld world(options);
        std::string wrong = world.run();
        if (!wrong.empty()) return wrong + (compacts ? " (with compaction)" : " (without)");
        states[compacts] = world.states();
        for (const std::string& line : world.trace())
            if (line.find(" compacts ") == std::string::npos &&
                line.find(" refuses from ") == std::string::npos)  // once for each file
                traces[compacts].push_back(line);
        if (compacts)
            for (const auto& [name, count] : world.counters()) counters[name] += count;
    }
    for (auto* both : {&traces, &states})
        for (std::size_t i = 0; i < std::max((*both)[0].size(), (*both)[1].size()); ++i) {
            const auto line = [&](int which) {
                return i < (*both)[which].size() ? (*both)[which][i] : "nothing";
            };
            if (line(0) != line(1))
                return "compaction has changed what happens:\n  " + line(0) + "\n  " + line(1);
        }
    return "";
}

std::string run_seed(std::uint64_t seed, const Arguments& arguments, Counters& counters,
                     bool with_trace) {
    SimulationOptions options = SimulationOptions::of_seed(seed);
    options.steps = arguments.steps;
    options.devices = arguments.devices;
    options.prints = with_trace;
    options.watched = arguments.watched;
    if (arguments.is_merging) options.with_membership = options.with_collections = false;
    if (!arguments.is_compacting) options.with_compactions = options.with_old_directories = false;
    if (arguments.runs_twice) return compare(options, counters);
    SimulatedWorld world(options);
    std::string wrong = world.run();
    for (const auto& [name, count] : world.counters()) counters[name] += count;
    return wrong;
}

// Every seed of this job; how many went wrong.
std::uint64_t run_share(std::uint64_t share, const Arguments& arguments) {
    Counters counters;
    std::uint64_t wrong = 0;
    for (std::uint64_t at = share; at < arguments.seeds; at += arguments.jobs) {
        const std::uint64_t seed = arguments.first + at;
        const std::string text = run_seed(seed, arguments, counters, false);
        if (text.empty()) continue;
        ++wrong;
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), text.c_str());
        std::fflush(stdout);
    }
    if (arguments.counters != 0)
        for (const auto& [name, count] : counters)
            std::printf("%10llu  %s\n", static_cast<unsigned long long>(count), name.c_str());
    return wrong;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        auto takes = [&](const char* flag, std::uint64_t& value) {
            if (std::strcmp(argv[i], flag) != 0 || i + 1 >= argc) return false;
            value = std::strtoull(argv[++i], nullptr, 10);
            return true;
        };
        if (std::strcmp(argv[i], "--counters") == 0) {
            arguments.counters = 1;
            continue;
        }
        if (std::strcmp(argv[i], "--merging") == 0) {
            arguments.is_merging = true;
            continue;
        }
        if (std::strcmp(argv[i], "--no-compaction") == 0) {
            arguments.is_compacting = false;
            continue;
        }
        if (std::strcmp(argv[i], "--twice") == 0) {
            arguments.runs_twice = true;
            continue;
        }
        if (std::strcmp(argv[i], "--watch") == 0 && i + 1 < argc) {
            arguments.watched = argv[++i];
            continue;
        }
        if (takes("--seeds", arguments.seeds) || takes("--first", arguments.first) ||
            takes("--seed", arguments.seed) || takes("--steps", arguments.steps) ||
            takes("--devices", arguments.devices) || takes("--jobs", arguments.jobs))
            continue;
        std::fprintf(stderr,
                     "usage: vault_sim [--seeds N] [--first F] [--jobs N] [--counters] [--merging] "
                     "[--no-compaction] [--twice] | --seed S "
                     "[--steps N] [--devices 2..7] [--watch FIRST-LINE]\n");
        return 2;
    }
    set_log_level(arguments.seed == 0 ? LogLevel::Error : LogLevel::Info);
    if (arguments.seed != 0) {
        Counters counters;
        const std::string wrong = run_seed(arguments.seed, arguments, counters, true);
        std::puts(wrong.empty() ? "all devices equal, nothing lost" : wrong.c_str());
        return wrong.empty() ? 0 : 1;
    }
    arguments.jobs = std::clamp<std::uint64_t>(arguments.jobs, 1, 64);
    std::vector<pid_t> children;
    for (std::uint64_t share = 1; share < arguments.jobs; ++share) {
        std::fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            const std::uint64_t wrong = run_share(share, arguments);
            std::fflush(stdout);
            _exit(wrong == 0 ? 0 : 1);
        }
        children.push_back(child);
    }
    bool is_wrong = run_share(0, arguments) != 0;
    for (const pid_t child : children) {
        int state = 0;
        waitpid(child, &state, 0);
        is_wrong = is_wrong || state != 0;
    }
    if (!is_wrong)
        std::printf("%llu seeds: all devices equal, nothing lost\n",
                    static_cast<unsigned long long>(arguments.seeds));
    return is_wrong ? 1 : 0;
}
