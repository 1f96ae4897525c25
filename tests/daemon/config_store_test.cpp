#include "daemon/config_store.h"

#include <chrono>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

class ConfigStoreTest : public testing::Test {
  protected:
    std::unique_ptr<ConfigStore> load() {
        auto store = ConfigStore::load(posix_disk(), file_);
        EXPECT_TRUE(store.ok());
        return std::move(store).value();
    }
    static Status name_device(api::Config& config) {
        config.device_name = "laptop";
        return {};
    }
    void write(std::string_view text) {
        ASSERT_TRUE(posix_disk().write_file_durably(file_, as_bytes(text)).ok());
    }

    TempDir directory_;
    const fs::path file_ = directory_ / "config.toml";
};

TEST_F(ConfigStoreTest, AMissingFileIsTheDefault) {
    EXPECT_EQ(load()->get(), api::Config{});
}

TEST_F(ConfigStoreTest, AChangeIsSavedAndReadAgain) {
    ASSERT_TRUE(load()->update(name_device).ok());
    EXPECT_EQ(load()->get().device_name, "laptop");
    EXPECT_EQ(fs::status(file_).permissions() & fs::perms::all,
              fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ConfigStoreTest, WithoutAChangeNothingIsWritten) {
    auto store = load();
    ASSERT_TRUE(store->update(name_device).ok());
    const auto before = fs::last_write_time(file_) - std::chrono::hours(1);
    fs::last_write_time(file_, before);
    EXPECT_TRUE(store->update(name_device).ok());
    EXPECT_EQ(fs::last_write_time(file_), before);
}

TEST_F(ConfigStoreTest, ABrokenFileIsNotReplacedByADefault) {
    write("[network]\nport = 1\n");
    auto store = ConfigStore::load(posix_disk(), file_);
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().kind, ErrorKind::Invalid);
}

TEST_F(ConfigStoreTest, AnEditByHandIsNotOverwritten) {
    auto store = load();
    write("[device]\nname = 'by hand'\n");
    Status changed = store->update(name_device);
    ASSERT_FALSE(changed.ok());
    EXPECT_EQ(changed.error().kind, ErrorKind::Conflict);
    EXPECT_EQ(load()->get().device_name, "by hand");
    EXPECT_EQ(store->get().device_name, "");
}

TEST_F(ConfigStoreTest, AReloadTakesOverAnEditByHandAndThenChangesAreSavedAgain) {
    auto store = load();
    write("[device]\nname = 'by hand'\n");
    ASSERT_TRUE(store->reload().ok());
    EXPECT_EQ(store->get().device_name, "by hand");
    ASSERT_TRUE(store->update(name_device).ok());
    EXPECT_EQ(load()->get().device_name, "laptop");
}

TEST_F(ConfigStoreTest, AReloadLeavesVaultsAsTheyAreOrDoesNothing) {
    write("[[vault]]\nname = 'papers'\ndirectory = '/papers'\n");
    auto store = load();
    write("[device]\nname = 'by hand'\n");
    Status reloaded = store->reload();
    ASSERT_FALSE(reloaded.ok());
    EXPECT_EQ(reloaded.error().kind, ErrorKind::Conflict);
    EXPECT_EQ(store->get().device_name, "");
    EXPECT_EQ(store->get().vaults.size(), 1U);
    write("[device]\nnane = 'by hand'\n");
    EXPECT_EQ(store->reload().error().kind, ErrorKind::Invalid);
    EXPECT_EQ(store->get().vaults.size(), 1U);
}

TEST_F(ConfigStoreTest, ARefusedChangeChangesNothing) {
    auto store = load();
    Status changed = store->update([](api::Config& config) -> Status {
        config.device_name = "x";
        return Error{ErrorKind::Exists, "no"};
    });
    EXPECT_FALSE(changed.ok());
    EXPECT_EQ(store->get(), api::Config{});
    EXPECT_FALSE(fs::exists(file_));
}

TEST_F(ConfigStoreTest, WhatWouldNotBeReadBackIsNotSaved) {
    auto store = load();
    Status changed = store->update([](api::Config& config) -> Status {
        config.relays = {"nonsense"};
        return {};
    });
    EXPECT_FALSE(changed.ok());
    EXPECT_FALSE(fs::exists(file_));
}

}  // namespace
}  // namespace lockstep
