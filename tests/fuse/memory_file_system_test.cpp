#include "tests/support/memory_file_system.h"

#include "tests/vault/file_system_conformance.h"

namespace lockstep {
namespace {

class MemoryUnderTest final : public FileSystemUnderTest {
  public:
    // Every test gives back what it took.
    ~MemoryUnderTest() override { EXPECT_EQ(file_system_.open_handles(), 0U); }
    FileSystem& fs() override { return file_system_; }

  private:
    MemoryFileSystem file_system_;
};

INSTANTIATE_TEST_SUITE_P(Memory, FileSystemConformance,
                         testing::Values(FileSystemFactory{
                             "Plain", [] { return std::make_unique<MemoryUnderTest>(); }}));

TEST(MemoryFileSystemTest, ReadOnlyRefusesEveryChange) {
    MemoryFileSystem file_system;
    const auto file = file_system.create(kRootNode, "f", 0644);
    ASSERT_TRUE(file.ok());
    file_system.set_read_only(true);
    const auto kind = [](const auto& outcome) { return outcome.error().kind; };
    EXPECT_EQ(kind(file_system.create(kRootNode, "g", 0644)), ErrorKind::ReadOnly);
    EXPECT_EQ(kind(file_system.make_directory(kRootNode, "g", 0755)), ErrorKind::ReadOnly);
    EXPECT_EQ(kind(file_system.remove_file(kRootNode, "f")), ErrorKind::ReadOnly);
    EXPECT_EQ(kind(file_system.set_attributes(file->attributes.node, {}, {})), ErrorKind::ReadOnly);
    EXPECT_EQ(kind(file_system.open(file->attributes.node, {.read = true, .write = true})),
              ErrorKind::ReadOnly);
    EXPECT_TRUE(file_system.lookup(kRootNode, "f").ok());
}

TEST(MemoryFileSystemTest, ForgottenNodesWithoutNamesAreGone) {
    MemoryFileSystem file_system;
    const auto file = file_system.create(kRootNode, "f", 0644);
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file_system.remove_file(kRootNode, "f").ok());
    file_system.forget(file->attributes.node, 1);
    EXPECT_TRUE(file_system.attributes(file->attributes.node).ok());
    file_system.release(file->handle);
    EXPECT_FALSE(file_system.attributes(file->attributes.node).ok());
}

}  // namespace
}  // namespace lockstep
