// The conformance suite of FileSystem over a real vault, threads in its worker pool included.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "tests/vault/file_system_conformance.h"

namespace lockstep {
namespace {

class VaultUnderTest final : public FileSystemUnderTest {
  public:
    VaultUnderTest() { CHECK(device_.found().ok(), "a vault can be made"); }
    FileSystem& fs() override { return device_.vault().files(); }
    bool reopen() override {
        CHECK(device_.vault().lock(true).ok(), "the vault can be locked");
        return device_.kill_and_reopen().ok();
    }

  private:
    FakeClock clock_;
    VaultDevice device_{"laptop", 1, clock_};
};

INSTANTIATE_TEST_SUITE_P(Vault, FileSystemConformance,
                         testing::Values(FileSystemFactory{
                             "Unlocked", [] { return std::make_unique<VaultUnderTest>(); }}));

}  // namespace
}  // namespace lockstep
