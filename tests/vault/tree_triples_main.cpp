// tree_triples [--one-in N] [--seed S] [--jobs J] [--nodes N]: all three edits of small trees on
// two and three devices (tree_triples.h), or a part of them.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/vault/tree_triples.h"

namespace {

bool run_share(const lockstep::TriplesOptions& options) {
    const lockstep::TriplesReport report = lockstep::run_triples(options);
    std::printf("%llu trees, %llu cases, %llu orders%s%s\n",
                static_cast<unsigned long long>(report.trees),
                static_cast<unsigned long long>(report.cases),
                static_cast<unsigned long long>(report.orders), report.wrong.empty() ? "" : ": ",
                report.wrong.c_str());
    std::fflush(stdout);
    return report.wrong.empty();
}

}  // namespace

int main(int argc, char** argv) {
    lockstep::TriplesOptions options;
    std::uint64_t jobs = 1;
    for (int i = 1; i < argc; ++i) {
        auto takes = [&](const char* flag, std::uint64_t& value) {
            if (std::strcmp(argv[i], flag) != 0 || i + 1 >= argc) return false;
            value = std::strtoull(argv[++i], nullptr, 10);
            return true;
        };
        if (takes("--one-in", options.one_in) || takes("--seed", options.seed) ||
            takes("--jobs", jobs) || takes("--nodes", options.nodes_max))
            continue;
        std::fprintf(stderr,
                     "usage: tree_triples [--one-in N] [--seed S] [--jobs J] [--nodes 0..4]\n");
        return 2;
    }
    options.shares = std::clamp<std::uint64_t>(jobs, 1, 64);
    std::vector<pid_t> children;
    for (std::uint64_t share = 1; share < options.shares; ++share) {
        const pid_t child = fork();
        if (child == 0) {
            options.share = share;
            _exit(run_share(options) ? 0 : 1);
        }
        children.push_back(child);
    }
    bool is_right = run_share(options);
    for (const pid_t child : children) {
        int state = 0;
        waitpid(child, &state, 0);
        is_right = is_right && state == 0;
    }
    return is_right ? 0 : 1;
}
