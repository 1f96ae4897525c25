// One directory with many files in a vault on the disk: directory_bench DIR [FILES]
//
// Prints how long making, looking up, listing and removing them takes, and the memory.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <malloc.h>

#include "base/worker_pool.h"
#include "vault/keys/device_identity.h"
#include "vault/vault.h"

namespace lockstep {
namespace {

class Stopwatch {
  public:
    void lap(const char* what, std::size_t operations) {
        const auto now = std::chrono::steady_clock::now();
        const double seconds = std::chrono::duration<double>(now - last_).count();
        std::printf("%-24s %8.3f s  %9.0f /s   RSS %5ld MiB, heap %5zu\n", what, seconds,
                    static_cast<double>(operations) / seconds, resident_mib(),
                    ::mallinfo2().uordblks >> 20);
        std::fflush(stdout);
        last_ = std::chrono::steady_clock::now();
    }

  private:
    static long resident_mib() {
        std::ifstream in("/proc/self/statm");
        long total = 0, resident = 0;
        in >> total >> resident;
        return resident * 4096 / (1024 * 1024);
    }

    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::string name_of(std::size_t i) {
    return "a file of the directory " + std::to_string(i * 2654435761U % 4294967296U);
}

void list(FileSystem& files, NodeId directory, Stopwatch& watch, const char* what) {
    auto listing = files.list(directory);
    CHECK(listing.ok());
    watch.lap(what, (*listing)->size());
}

int run(const std::filesystem::path& place, std::size_t count) {
    WorkerPool workers(2);
    DeviceIdentity device = DeviceIdentity::generate(system_random());
    const VaultEnvironment environment{.disk = posix_disk(),
                                       .clock = system_clock(),
                                       .random = system_random(),
                                       .workers = workers,
                                       .device = device,
                                       .device_label = "bench",
                                       .state_directory = place / "state"};
    auto vault = Vault::create(environment, place / "vault", as_bytes("a passphrase"),
                               {.cost = {.memory_bytes = 64 << 20, .operations = 3}}, nullptr);
    CHECK(vault.ok());
    VaultRunner runner(**vault);
    FileSystem& files = (*vault)->files();
    Stopwatch watch;
    const auto directory = files.make_directory(kRootNode, "d", 0755);
    CHECK(directory.ok());
    const NodeId d = directory->node;
    for (std::size_t i = 0; i < count; ++i) {
        const auto made = files.create(d, name_of(i), 0644);
        CHECK(made.ok());
        files.release(made->handle);
        files.forget(made->attributes.node, 1);
    }
    watch.lap("create", count);
    list(files, d, watch, "list, first");
    list(files, d, watch, "list, again");
    for (std::size_t i = 0; i < count; ++i) {
        const auto found = files.lookup(d, name_of(i));
        CHECK(found.ok());
        files.forget(found->node, 1);
    }
    watch.lap("look up each", count);
    for (std::size_t i = 0; i < count; ++i) CHECK(files.lookup(d, name_of(i)).ok());
    watch.lap("look up and hold each", count);
    const auto one_more = files.create(d, "one more", 0644);
    CHECK(one_more.ok());
    files.release(one_more->handle);
    list(files, d, watch, "list after one more");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10);
    const Status published = runner.publish_now(deadline);
    watch.lap(published.ok() ? "publish the rest" : "publish, not finished", count);
    for (std::size_t i = 0; i < count; ++i) CHECK(files.remove_file(d, name_of(i)).ok());
    watch.lap("remove each", count);
    return 0;
}

}  // namespace
}  // namespace lockstep

int main(int count, char** words) {
    if (count < 2) {
        std::fprintf(stderr, "directory_bench DIR [FILES]\n");
        return 2;
    }
    return lockstep::run(words[1], count > 2 ? std::strtoul(words[2], nullptr, 10) : 1'000'000);
}
