// Devices that share nothing but a directory, on a real disk with real threads.
#include <chrono>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"
#include "tests/support/temp_dir.h"
#include "vault/keys/device_identity.h"
#include "vault/vault.h"

namespace lockstep {
namespace {

constexpr std::string_view kPassphrase = "correct horse battery staple";

// A vault opened by a device of its own, with the threads that the daemon gives it.
class SharingDevice {
  public:
    SharingDevice(std::string label, std::uint64_t seed, fs::path state)
        : label_(std::move(label)),
          random_(seed),
          state_(std::move(state)),
          identity_(DeviceIdentity::generate(random_)) {}
    ~SharingDevice() { stop(); }

    Status found(const fs::path& directory) {
        TRY(vault_, Vault::create(environment(), directory, as_bytes(kPassphrase),
                                  {.cost = {.memory_bytes = 64ULL << 20, .operations = 3},
                                   .unlock_at_start = true},
                                  nullptr));
        return {};
    }
    // Never in this vault before: the passphrase admits it.
    Status open(const fs::path& directory) {
        TRY(vault_, Vault::open(environment(), directory));
        return vault_->unlock(as_bytes(kPassphrase));
    }
    void run(const VaultDropBox::Options& options = {}) {
        runner_ = std::make_unique<VaultRunner>(*vault_);
        drop_box_ = std::make_unique<VaultDropBox>(*vault_, options);
    }
    void stop() {
        drop_box_.reset();
        runner_.reset();
    }
    Vault& vault() { return *vault_; }
    VaultDropBox& drop_box() { return *drop_box_; }

    Status write(const std::string& name, std::string_view text) {
        FileSystem& files = vault_->files();
        TRY(auto created, files.create(kRootNode, name, 0644));
        Status written = files.write(created.handle, 0, as_bytes(text));
        if (written.ok()) written = files.flush(created.handle);
        files.release(created.handle);
        return written;
    }
    std::string read(const std::string& name) {
        FileSystem& files = vault_->files();
        auto found = files.lookup(kRootNode, name);
        if (!found.ok()) return "";
        auto handle = files.open(found->node, {.read = true});
        if (!handle.ok()) return "";
        Bytes out(found->size);
        auto got = files.read(*handle, 0, out);
        files.release(*handle);
        out.resize(got.ok() ? *got : 0);
        return std::string(as_text(out));
    }

  private:
    VaultEnvironment environment() {
        return {posix_disk(), system_clock(), random_, workers_,
                identity_,    label_,         state_,  std::chrono::milliseconds(0)};
    }

    std::string label_;
    SeededRandom random_;
    fs::path state_;
    WorkerPool workers_{1};
    DeviceIdentity identity_;
    std::unique_ptr<Vault> vault_;
    std::unique_ptr<VaultRunner> runner_;
    std::unique_ptr<VaultDropBox> drop_box_;
};

template <typename Condition>
bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

std::string noise(std::size_t size) {
    SeededRandom random(5);
    return std::string(as_text(random.bytes(size)));
}

class VaultDropBoxTest : public ::testing::Test {
  protected:
    void found(const VaultDropBox::Options& options = {}) {
        Status made = laptop_.found(shared_);
        ASSERT_TRUE(made.ok()) << made.error().message;
        laptop_.run(options);
        made = desk_.open(shared_);
        ASSERT_TRUE(made.ok()) << made.error().message;
        desk_.run(options);
    }
    void expect_in_step_both_ways() {
        const std::string big = noise(3 << 20);
        ASSERT_TRUE(laptop_.write("from laptop", "hello").ok());
        ASSERT_TRUE(laptop_.write("big", big).ok());
        EXPECT_TRUE(eventually([&] { return desk_.read("from laptop") == "hello"; }));
        EXPECT_TRUE(eventually([&] { return desk_.read("big") == big; }));
        ASSERT_TRUE(desk_.write("from desk", "hello back").ok());
        EXPECT_TRUE(eventually([&] { return laptop_.read("from desk") == "hello back"; }));
        EXPECT_TRUE(laptop_.vault().status().alarms.empty());
        EXPECT_TRUE(desk_.vault().status().alarms.empty());
    }

    TempDir temp_;
    fs::path shared_ = temp_ / "papers.vault";
    SharingDevice laptop_{"laptop", 1, temp_ / "laptop"};
    SharingDevice desk_{"desk", 2, temp_ / "desk"};
};

TEST_F(VaultDropBoxTest, TwoDevicesOnOneDirectoryStayInStep) {
    found();
    expect_in_step_both_ways();
}

TEST_F(VaultDropBoxTest, WithoutEventsTheyStayInStepByLookingAgain) {
    found({.unwatched_rescan = std::chrono::milliseconds(20), .uses_events = false});
    expect_in_step_both_ways();
}

// Goal: no object is damaged or lost when several write at once, and one starts in between.
TEST_F(VaultDropBoxTest, DevicesThatWriteAtOnceAndStartInBetweenLoseNothing) {
    found();
    std::thread other([&] {
        for (int number = 0; number < 40; ++number)
            EXPECT_TRUE(desk_.write("desk " + std::to_string(number), noise(60'000)).ok());
    });
    SharingDevice phone("phone", 3, temp_ / "phone");
    for (int number = 0; number < 40; ++number) {
        EXPECT_TRUE(laptop_.write("laptop " + std::to_string(number), noise(60'000)).ok());
        if (number == 20) {
            Status opened = phone.open(shared_);
            ASSERT_TRUE(opened.ok()) << opened.error().message;
            phone.run();
        }
    }
    other.join();
    for (SharingDevice* device : {&laptop_, &desk_, &phone}) {
        EXPECT_TRUE(eventually([&] {
            for (int number = 0; number < 40; ++number)
                if (device->read("desk " + std::to_string(number)) != noise(60'000) ||
                    device->read("laptop " + std::to_string(number)) != noise(60'000))
                    return false;
            return true;
        }));
        EXPECT_TRUE(device->vault().status().alarms.empty());
    }
    auto report = laptop_.vault().check();
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->errors.empty()) << report->errors.front();
}

TEST_F(VaultDropBoxTest, AForeignFileIsReportedAndForgottenWhenItGoes) {
    found();
    std::ofstream(shared_ / "keys" / "1 (conflicted copy).keys") << "x";
    EXPECT_TRUE(eventually([&] { return laptop_.vault().status().notes.size() == 1; }));
    fs::remove(shared_ / "keys" / "1 (conflicted copy).keys");
    EXPECT_TRUE(eventually([&] { return laptop_.vault().status().notes.empty(); }));
}

TEST_F(VaultDropBoxTest, ADirectoryThatGoesAndComesBackIsWatchedAgain) {
    found({.unwatched_rescan = std::chrono::milliseconds(50)});
    fs::rename(shared_, temp_ / "elsewhere");
    EXPECT_TRUE(eventually([&] { return !laptop_.drop_box().problem().empty(); }));
    fs::rename(temp_ / "elsewhere", shared_);
    EXPECT_TRUE(eventually([&] {
        return laptop_.drop_box().problem().empty() && desk_.drop_box().problem().empty();
    }));
    expect_in_step_both_ways();
}

}  // namespace
}  // namespace lockstep
