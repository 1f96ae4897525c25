// A real vault on a real disk under a real mount point.
#pragma once

#include "base/worker_pool.h"
#include "tests/fuse/mount_point_test.h"
#include "vault/keys/device_identity.h"
#include "vault/vault.h"

namespace lockstep {

class MountedVaultTest : public MountPointTest {
  protected:
    void SetUp() override {
        SKIP_WITHOUT_FUSE();
        make_vault();
        mount();
    }
    void TearDown() override {
        if (mount_ != nullptr) unmount();
        runner_.reset();
    }

    void make_vault() {
        auto vault = Vault::create(environment(), stored_ / "vault", as_bytes("a passphrase"),
                                   {.cost = {.memory_bytes = 64 << 20, .operations = 3}}, nullptr);
        ASSERT_TRUE(vault.ok()) << vault.error().message;
        vault_ = std::move(*vault);
        EXPECT_TRUE(vault_->set_unlock_at_start(true).ok());
        runner_ = std::make_unique<VaultRunner>(*vault_);
    }
    void mount(MountOptions options = {}) {
        mount_file_system(vault_->files(), std::move(options));
    }
    // Ends mount and vault in good order and begins both anew, from what is on the disk.
    void remount(MountOptions options = {}) {
        unmount();
        runner_.reset();
        const Status locked = vault_->lock(false);
        EXPECT_TRUE(locked.ok()) << locked.error().message;
        vault_.reset();
        auto vault = Vault::open(environment(), stored_ / "vault");
        ASSERT_TRUE(vault.ok()) << vault.error().message;
        vault_ = std::move(*vault);
        const Status unlocked = vault_->unlock_with_stored_key();
        ASSERT_TRUE(unlocked.ok()) << unlocked.error().message;
        runner_ = std::make_unique<VaultRunner>(*vault_);
        mount(std::move(options));
    }

    VaultEnvironment environment() {
        return {.disk = posix_disk(),
                .clock = system_clock(),
                .random = system_random(),
                .workers = workers_,
                .device = device_,
                .device_label = "test",
                .state_directory = stored_ / "state"};
    }

    TempDir stored_;
    WorkerPool workers_{2};
    DeviceIdentity device_ = DeviceIdentity::generate(system_random());
    std::unique_ptr<Vault> vault_;
    std::unique_ptr<VaultRunner> runner_;
};

}  // namespace lockstep
