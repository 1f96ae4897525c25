// io_exerciser --directory DIR [--seed S] [--operations N] ...: random file operations in an empty
// directory, compared with a model. Exits 1 at the first difference, saying how to replay it.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/stat.h>

#include "tests/mount/io_exerciser.h"

namespace {

constexpr const char* kUsage =
    "usage: io_exerciser --directory DIR [--seed S] [--operations N] [--check-every N]\n"
    "                    [--sync-point-every N] [--file-size-max BYTES] [--show N]\n"
    "                    [--strict-inodes 1] [--verbose 1]\n";

}  // namespace

int main(int argc, char** argv) {
    lockstep::ExerciserOptions options;
    std::uint64_t is_verbose = 0, is_strict_on_inodes = 0;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && std::strcmp(argv[i], "--directory") == 0) {
            options.directory = argv[i + 1];
            continue;
        }
        auto takes = [&](const char* flag, std::uint64_t& value) {
            if (std::strcmp(argv[i], flag) != 0 || i + 1 >= argc) return false;
            value = std::strtoull(argv[i + 1], nullptr, 10);
            return true;
        };
        if (takes("--seed", options.seed) || takes("--operations", options.operations) ||
            takes("--check-every", options.check_every) ||
            takes("--sync-point-every", options.sync_point_every) ||
            takes("--file-size-max", options.file_size_max) ||
            takes("--strict-inodes", is_strict_on_inodes) ||
            takes("--show", options.operations_shown) || takes("--verbose", is_verbose))
            continue;
        std::fputs(kUsage, stderr);
        return 2;
    }
    if (options.directory.empty() || options.check_every == 0 || options.file_size_max == 0) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    options.is_verbose = is_verbose != 0;
    options.is_strict_on_inodes = is_strict_on_inodes != 0;
    ::umask(022);
    std::printf("seed %llu, %llu operations\n", static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(options.operations));
    std::fflush(stdout);
    lockstep::IoExerciser exerciser(options);
    exerciser.run();
    std::printf("all as it has to be\n");
    return 0;
}
