// A mirror as it runs: its thread, its watches, its marker. The vault is real; waiting is for what
// the mirror says of itself, with a limit.
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "sync/mirror/folder_mirror.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using Tree = std::map<std::string, std::string>;

class FolderMirrorTest : public testing::Test {
  protected:
    FolderMirrorTest() {
        EXPECT_TRUE(device.found().ok());
        EXPECT_TRUE(FolderMirror::prepare(folder().native(), "one").ok());
    }
    fs::path folder() const { return directory / "folder"; }
    fs::path path(const std::string& name) const { return folder() / name; }
    MirrorOptions options(std::string vault_path = {}) {
        return {.directory = folder().native(),
                .vault_path = std::move(vault_path),
                .identity = "one",
                .state_file = directory / "state.db",
                .device_label = "laptop"};
    }
    Status start(MirrorOptions chosen) {
        TRY(mirror, FolderMirror::start(device.vault().files(), system_clock(), system_random(),
                                        std::move(chosen)));
        return {};
    }
    template <typename Condition>
    bool wait_for(Condition condition) {
        for (int i = 0; i < 2000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }
    bool wait_for(MirrorPhase phase) {
        return wait_for([&] { return mirror->status().phase == phase; });
    }

    FakeClock clock;
    VaultDevice device{"laptop", 1, clock};
    TempDir directory;
    std::unique_ptr<FolderMirror> mirror;
};

TEST_F(FolderMirrorTest, ItFollowsBothSides) {
    ASSERT_TRUE(start(options()).ok());
    ASSERT_TRUE(wait_for(MirrorPhase::UpToDate));
    fs::create_directories(path("a/b"));
    std::ofstream(path("a/b/file")) << "text";
    EXPECT_TRUE(wait_for([&] {
        return device.tree() == Tree{{"a/", ""}, {"a/b/", ""}, {"a/b/file", "text"}};
    }));
    fs::rename(path("a/b"), path("c"));
    std::ofstream(path("c/file"), std::ios::app) << " and more";
    EXPECT_TRUE(wait_for([&] {
        return device.tree() == Tree{{"a/", ""}, {"c/", ""}, {"c/file", "text and more"}};
    }));
    ASSERT_TRUE(device.write("c/other", "of the vault").ok());
    EXPECT_TRUE(wait_for([&] { return fs::exists(path("c/other")); }));
    ASSERT_TRUE(device.remove("c/file").ok());
    EXPECT_TRUE(wait_for([&] { return !fs::exists(path("c/file")); }));
    EXPECT_TRUE(wait_for(MirrorPhase::UpToDate));
}

TEST_F(FolderMirrorTest, AFolderOfTheVaultIsMirroredAlone) {
    ASSERT_TRUE(device.write("part/inside", "in").ok());
    ASSERT_TRUE(device.write("beside", "out").ok());
    EXPECT_EQ(start(options("missing")).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(start(options("beside")).error().kind, ErrorKind::NotDirectory);
    ASSERT_TRUE(start(options("part")).ok());
    EXPECT_TRUE(wait_for([&] { return fs::exists(path("inside")); }));
    EXPECT_FALSE(fs::exists(path("beside")));
    std::ofstream(path("new")) << "text";
    EXPECT_TRUE(wait_for([&] { return device.tree().contains("part/new"); }));
}

TEST_F(FolderMirrorTest, ARemovedFolderOfTheVaultEmptiesNothing) {
    ASSERT_TRUE(device.write("part/inside", "in").ok());
    ASSERT_TRUE(start(options("part")).ok());
    ASSERT_TRUE(wait_for([&] { return fs::exists(path("inside")); }));
    ASSERT_TRUE(wait_for(MirrorPhase::UpToDate));
    mirror.reset();
    ASSERT_TRUE(device.rename("part", "elsewhere").ok());
    EXPECT_EQ(start(options("part")).error().kind, ErrorKind::NotFound);
    EXPECT_TRUE(fs::exists(path("inside")));
}

TEST_F(FolderMirrorTest, WithoutItsMarkerItDoesNotStart) {
    std::ofstream(path("file")) << "text";
    fs::remove(path(".lockstep-mirror"));
    EXPECT_EQ(start(options()).error().kind, ErrorKind::Refused);
    ASSERT_TRUE(FolderMirror::prepare(folder().native(), "another").ok());
    EXPECT_EQ(start(options()).error().kind, ErrorKind::Refused);
    EXPECT_EQ(FolderMirror::prepare(folder().native(), "one").error().kind, ErrorKind::Exists);
    FolderMirror::remove_marker(folder().native(), "one");
    EXPECT_TRUE(fs::exists(path(".lockstep-mirror"))) << "another's is not taken away";
    EXPECT_EQ(device.tree(), Tree());
}

TEST_F(FolderMirrorTest, ItStopsWhenItsMarkerGoes) {
    std::ofstream(path("file")) << "text";
    ASSERT_TRUE(start(options()).ok());
    ASSERT_TRUE(wait_for([&] { return device.tree().contains("file"); }));
    ASSERT_TRUE(wait_for(MirrorPhase::UpToDate));
    fs::remove(path(".lockstep-mirror"));
    fs::remove(path("file"));
    EXPECT_TRUE(wait_for(MirrorPhase::Stopped));
    EXPECT_NE(mirror->status().problem.find(".lockstep-mirror"), std::string::npos);
    EXPECT_TRUE(device.tree().contains("file"));
}

TEST_F(FolderMirrorTest, ItStopsWhenItsFolderGoes) {
    std::ofstream(path("file")) << "text";
    ASSERT_TRUE(start(options()).ok());
    ASSERT_TRUE(wait_for([&] { return device.tree().contains("file"); }));
    fs::remove_all(folder());
    EXPECT_TRUE(wait_for(MirrorPhase::Stopped));
    EXPECT_TRUE(device.tree().contains("file"));
}

TEST_F(FolderMirrorTest, ItStopsQuietlyWhenTheVaultIsLocked) {
    std::ofstream(path("file")) << "text";
    ASSERT_TRUE(start(options()).ok());
    ASSERT_TRUE(wait_for(MirrorPhase::UpToDate));
    mirror.reset();
    EXPECT_TRUE(device.vault().lock(false).ok()) << "it gives everything back";
    EXPECT_FALSE(start(options()).ok() && wait_for(MirrorPhase::UpToDate));
}

}  // namespace
}  // namespace lockstep
