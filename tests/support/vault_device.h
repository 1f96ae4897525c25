// A device with a vault for tests: everything real but the disk, the clock and the randomness, and
// no threads.
//
//     World world(seed);
//     auto& laptop = world.found("laptop");
//     auto& desk = world.join("desk", laptop);
//     laptop.write("a/b", "text"); world.settle(); EXPECT_EQ("text", desk.read("a/b"));
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/worker_pool.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_disk.h"
#include "tests/support/seeded_random.h"
#include "vault/crypto/passphrase.h"
#include "vault/keys/device_identity.h"
#include "vault/vault.h"

namespace lockstep {

class VaultDevice {
  public:
    VaultDevice(std::string label, std::uint64_t seed, FakeClock& clock,
                PassphraseStretcher& stretcher = in_process_stretcher());
    ~VaultDevice();

    Status found(std::string* recovery_code = nullptr, bool passphrase_stays_here = false);
    // Another machine with the same disk and the same keys, as it would be after a power cut now.
    std::unique_ptr<VaultDevice> clone(std::uint64_t seed) { return clone(seed, clock_); }
    std::unique_ptr<VaultDevice> clone(std::uint64_t seed, FakeClock& clock);
    Status join(VaultDevice& host, MemberRole role = MemberRole::Owner);
    // Has nothing but a copy of the vault's directory, and what a person typed.
    Status open_copy(VaultDevice& source, std::string_view secret);
    // The whole disk is put back to what `backup` (MemoryDisk::clone()) holds. Opens again.
    Status restore(const MemoryDisk& backup);
    // The vault's directory alone is. Opens again.
    Status put_directory_back(const MemoryDisk& backup);
    // Stops as if the power had failed: what was not synced is gone (or partly there, by the seed).
    // Opens again.
    Status crash_and_reopen(std::uint64_t seed);
    // The same, and nothing that was not synced is kept.
    Status lose_power();
    // Stops as if the process had been killed: what was handed to the disk stays.
    Status kill_and_reopen();

    // Of what was replaced or deleted; counts from the next time the vault is opened.
    void set_retention(std::chrono::milliseconds retention) { retention_ = retention; }

    // How long readers wait for content that is not here; likewise.
    void set_content_wait(std::chrono::milliseconds wait) { content_wait_ = wait; }
    // Bytes of content that need not be here; likewise.
    void set_on_demand_cache(std::uint64_t size) { on_demand_cache_ = size; }

    // As VaultEnvironment::passphrase_cost_min; likewise.
    void set_passphrase_cost_min(const KdfCost& cost) { passphrase_cost_min_ = cost; }

    // Null when the last opening failed.
    bool is_open() const { return vault_ != nullptr && vault_->is_unlocked(); }
    Vault& vault() { return *vault_; }
    MemoryDisk& disk() { return *disk_; }
    const std::string& label() const { return label_; }

    // Paths are "a/b"; missing directories are made. Each returns what the file system says.
    Status write(const std::string& path, std::string_view text);
    Status append(const std::string& path, std::string_view text);
    Status sync(const std::string& path);
    Status make_directory(const std::string& path);
    Status remove(const std::string& path);
    Status rename(const std::string& from, const std::string& to);
    Result<std::string> read(const std::string& path);
    // path -> content; directories end in '/' and have none.
    std::map<std::string, std::string> tree();
    Result<NodeId> node(const std::string& path);

    Status publish() { return vault_->publish(); }
    // Takes what `from` has and this device lacks: key objects, segments, packs. Returns how many
    // objects.
    Result<std::uint64_t> pull(VaultDevice& from, std::uint64_t objects_max = ~std::uint64_t{0});

  private:
    VaultEnvironment environment();
    Status reopen();
    void list_into(NodeId directory, const std::string& path,
                   std::map<std::string, std::string>& out);
    Result<NodeId> make_parents(const std::string& path, std::string* name);

    std::string label_;
    FakeClock& clock_;
    PassphraseStretcher& stretcher_;
    std::unique_ptr<MemoryDisk> disk_ = std::make_unique<MemoryDisk>();
    SeededRandom random_;
    WorkerPool workers_{0};
    DeviceIdentity identity_;
    std::chrono::milliseconds retention_ = std::chrono::hours(24 * 30);
    std::chrono::milliseconds content_wait_{0};
    std::uint64_t on_demand_cache_ = 10ULL << 30;
    std::optional<KdfCost> passphrase_cost_min_;
    std::unique_ptr<Vault> vault_;
};

// Argon2id takes a tenth of a second, and is no part of most tests.
PassphraseStretcher& quick_stretcher();

inline const fs::path kTestVaultDirectory = "/home/vault";
inline constexpr std::string_view kTestPassphrase = "correct horse battery staple";
inline constexpr KdfCost kTestCost{.memory_bytes = 64ULL << 20, .operations = 3};

}  // namespace lockstep
