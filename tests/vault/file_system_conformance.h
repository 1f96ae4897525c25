// What every FileSystem must do, whoever implements it. An implementation joins by
//
//     INSTANTIATE_TEST_SUITE_P(Memory, FileSystemConformance,
//     testing::Values(FileSystemFactory{"plain", make_memory}));
//
// in a .cpp of its own, linked with the library lockstep_file_system_conformance.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "vault/file_system.h"

namespace lockstep {

class FileSystemUnderTest {
  public:
    virtual ~FileSystemUnderTest() = default;
    virtual FileSystem& fs() = 0;
    // Ends the FileSystem in good order and opens it again on what it stored; nodes and handles are
    // void. False when it stores nothing.
    virtual bool reopen() { return false; }
};

// An empty, writable file system.
struct FileSystemFactory {
    const char* name;  // of the tests
    std::function<std::unique_ptr<FileSystemUnderTest>()> make;
};
inline void PrintTo(const FileSystemFactory& factory, std::ostream* out) {
    *out << factory.name;
}

class FileSystemConformance : public testing::TestWithParam<FileSystemFactory> {
  protected:
    FileSystemConformance() : under_test_(GetParam().make()) {}
    ~FileSystemConformance() override;

    FileSystem& fs() { return under_test_->fs(); }
    bool reopen();

    // Each of these fails the test when the call fails. Nodes they return stay referenced until the
    // test ends.
    NodeId make_directory(NodeId parent, std::string_view name);
    NodeId make_file(NodeId parent, std::string_view name, std::string_view content = {});
    NodeId node_of(NodeId parent, std::string_view name);
    Attributes attributes_of(NodeId node);
    HandleId open_for(NodeId node, OpenRequest request);
    HandleId open_to_write(NodeId node) { return open_for(node, {.read = true, .write = true}); }
    void write(HandleId handle, std::uint64_t offset, std::string_view data);
    std::string read(HandleId handle, std::uint64_t offset, std::size_t size);
    std::string content_of(NodeId node);
    std::vector<std::string> names_in(NodeId directory);
    // NotFound, Exists ... of a failed call; nullopt when it succeeded.
    template <typename Outcome>
    static std::optional<ErrorKind> kind_of(const Outcome& outcome) {
        if (outcome.ok()) return std::nullopt;
        return outcome.error().kind;
    }

  private:
    NodeId hold(NodeId node);

    std::unique_ptr<FileSystemUnderTest> under_test_;
    std::vector<NodeId> held_;
};

#define EXPECT_OK(expression)                                                     \
    do {                                                                          \
        const auto& expect_ok_outcome = (expression);                             \
        EXPECT_TRUE(expect_ok_outcome.ok()) << expect_ok_outcome.error().message; \
    } while (false)
#define EXPECT_FAILS(kind, expression) EXPECT_EQ(kind_of(expression), ErrorKind::kind)

}  // namespace lockstep
