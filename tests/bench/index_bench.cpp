// The index on disk: rows a second, sealed beside plain SQLite; and how long a vault of many small
// files takes to unlock, with its index and without. Prints a table; asserts nothing.
//
//   index_bench [directory for files, default .] [files, default 10000 and 100000]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include <malloc.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/worker_pool.h"
#include "tests/support/seeded_random.h"
#include "vault/index/encrypting_vfs.h"
#include "vault/index/schema.h"
#include "vault/keys/device_identity.h"
#include "vault/vault.h"

namespace lockstep {
namespace {

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

double seconds(const std::function<void()>& work) {
    const double begin = now();
    work();
    return now() - begin;
}

// ---- SQLite, plain and sealed, with the same settings

struct Connection {
    explicit Connection(const std::string& name, const char* vfs) {
        CHECK(sqlite3_open_v2(name.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                              vfs) == SQLITE_OK);
        int reserved = static_cast<int>(kSealOverhead);
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
        execute(("PRAGMA page_size=" + std::to_string(kIndexPageSize)).c_str());
        execute(
            "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA locking_mode=EXCLUSIVE;"
            "PRAGMA journal_mode=MEMORY; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "PRAGMA cache_size=-12288; PRAGMA wal_autocheckpoint=1024;");
    }
    ~Connection() { sqlite3_close_v2(handle); }
    void execute(const char* sql) {
        CHECK(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    }
    sqlite3* handle = nullptr;
};

void bench_rows(const char* what, Connection& connection) {
    constexpr std::size_t kRows = 1'000'000, kAtOnce = 10'000, kLookups = 100'000;
    SeededRandom random(1);
    std::vector<Id<void, 32>> ids(kRows);
    for (auto& id : ids) id = random.id<Id<void, 32>>();
    connection.execute(kIndexSchema);
    sqlite3_stmt *insert = nullptr, *find = nullptr;
    CHECK(sqlite3_prepare_v2(connection.handle,
                             "INSERT INTO chunk VALUES (?1, 1, 0, 0, 7, 60000, 65536, 1)", -1,
                             &insert, nullptr) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(connection.handle, "SELECT pack FROM chunk WHERE id = ?1", -1, &find,
                             nullptr) == SQLITE_OK);
    const double inserting = seconds([&] {
        for (std::size_t row = 0; row < kRows; ++row) {
            if (row % kAtOnce == 0) connection.execute("BEGIN");
            sqlite3_bind_blob(insert, 1, ids[row].bytes.data(), 32, SQLITE_STATIC);
            CHECK(sqlite3_step(insert) == SQLITE_DONE);
            sqlite3_reset(insert);
            if (row % kAtOnce == kAtOnce - 1) connection.execute("COMMIT");
        }
    });
    const double finding = seconds([&] {
        for (std::size_t i = 0; i < kLookups; ++i) {
            sqlite3_bind_blob(find, 1, ids[i * 7919 % kRows].bytes.data(), 32, SQLITE_STATIC);
            CHECK(sqlite3_step(find) == SQLITE_ROW);
            sqlite3_reset(find);
        }
    });
    sqlite3_finalize(insert);
    sqlite3_finalize(find);
    std::printf("%-34s %9.0f inserts/s %9.0f lookups/s\n", what,
                static_cast<double>(kRows) / inserting, static_cast<double>(kLookups) / finding);
}

void bench_sqlite(const fs::path& directory) {
    std::printf("a million chunks, 10,000 a transaction, cache 12 MiB:\n");
    const fs::path path = directory / "index_bench.db";
    auto remove = [&] {
        fs::remove(path);
        fs::remove(path.string() + "-wal");
    };
    remove();
    {
        Connection plain(path.string(), nullptr);
        bench_rows("  plain SQLite", plain);
    }
    remove();
    {
        EncryptingVfs vfs(
            {posix_disk(), path, IndexKey::random(system_random()), VaultId{}, system_random()});
        Connection sealed(vfs.file_name(), vfs.name().c_str());
        bench_rows("  sealed", sealed);
    }
    remove();
}

// ---- a vault

class VaultBench {
  public:
    explicit VaultBench(const fs::path& directory)
        : root_(directory / "index_bench.vault"), identity_(DeviceIdentity::generate(random_)) {
        fs::remove_all(root_);
        fs::create_directories(root_);
    }
    ~VaultBench() { fs::remove_all(root_); }

    void run(std::size_t files) {
        vault_ = Vault::create(environment(), root_ / "vault", as_bytes("passphrase"),
                               {.cost = {.memory_bytes = 64 * kMiB, .operations = 3},
                                .unlock_at_start = true},
                               nullptr)
                     .value();
        std::printf("%zu files of 3000 bytes in directories of 100:\n", files);
        report("  write and publish", seconds([&] { write(files); }));
        report("  lock", seconds([&] { CHECK(vault_->lock(false).ok()); }));
        std::printf("%-34s %9.1f MiB\n", "  index.db",
                    static_cast<double>(fs::file_size(index())) / kMiB);
        unlock("  unlock");
        fs::copy_file(index(), root_ / "was-open.db");
        lock_and([&] { fs::remove(index()); });
        unlock("  unlock, rebuilding the index");
        lock_and([&] {
            fs::copy_file(root_ / "was-open.db", index(), fs::copy_options::overwrite_existing);
        });
        unlock("  unlock again");
        CHECK(vault_->lock(false).ok());
        vault_.reset();
    }

  private:
    VaultEnvironment environment() {
        return {posix_disk(), system_clock(), random_,        workers_,
                identity_,    "bench",        root_ / "state"};
    }
    fs::path index() { return root_ / "state" / vault_->id().to_hex() / "index.db"; }
    static void report(const char* what, double taken) {
        std::printf("%-34s %9.3f s\n", what, taken);
    }

    void write(std::size_t files) {
        FileSystem& system = vault_->files();
        NodeId directory = kRootNode;
        const Bytes content = SeededRandom(3).bytes(3000);
        for (std::size_t file = 0; file < files; ++file) {
            if (file % 100 == 0) {
                directory = system.make_directory(kRootNode, std::to_string(file), 0755)->node;
                if (file % 5000 == 0) CHECK(vault_->publish().ok());
            }
            auto made = system.create(directory, "file number " + std::to_string(file), 0644);
            Bytes mine = content;
            std::memcpy(mine.data(), &file, sizeof(file));
            CHECK(system.write(made->handle, 0, mine).ok());
            CHECK(system.flush(made->handle).ok());
            system.release(made->handle);
        }
        CHECK(vault_->publish().ok());
    }

    void lock_and(const std::function<void()>& then) {
        CHECK(vault_->lock(false).ok());
        then();
    }

    void unlock(const char* what) {
        report(what, seconds([&] { CHECK(vault_->unlock_with_stored_key().ok()); }));
    }

    const fs::path root_;
    Random& random_ = system_random();
    WorkerPool workers_{1};
    DeviceIdentity identity_;
    std::unique_ptr<Vault> vault_;
};

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
    const lockstep::fs::path directory = argc > 1 ? argv[1] : lockstep::fs::current_path();
    if (argc <= 2) lockstep::bench_sqlite(directory);
    for (const std::size_t files : {std::size_t{10'000}, std::size_t{100'000}}) {
        if (argc > 2 && std::strtoull(argv[2], nullptr, 10) != files) continue;
        lockstep::VaultBench(directory).run(files);
    }
    return 0;
}
