// Changes by somebody else show on the mount at once: the kernel caches everything for an hour, and
// each test first lets it cache what is about to change.
#include "tests/fuse/mounted_test.h"

namespace lockstep {
namespace {

class MountInvalidationTest : public MountedTest {
  protected:
    // What another device's merge does: change, then report; returns when the kernel has been told.
    void told() { mount_->wait_for_invalidations(); }

    NodeId node_of(NodeId parent, const std::string& name) {
        const auto found = fs_.lookup(parent, name);
        EXPECT_TRUE(found.ok());
        if (!found.ok()) return 0;
        fs_.forget(found->node, 1);
        return found->node;
    }
    void remote_write(NodeId node, const std::string& content) {
        const auto handle = fs_.open(node, {.read = false, .write = true, .truncate = true});
        ASSERT_TRUE(handle.ok());
        EXPECT_TRUE(fs_.write(*handle, 0, as_bytes(content)).ok());
        fs_.release(*handle);
        fs_.report_node(node);
        told();
    }
    void remote_create(NodeId parent, const std::string& name, const std::string& content) {
        const auto made = fs_.create(parent, name, 0644);
        ASSERT_TRUE(made.ok());
        EXPECT_TRUE(fs_.write(made->handle, 0, as_bytes(content)).ok());
        fs_.release(made->handle);
        fs_.forget(made->attributes.node, 1);
        fs_.report_entry(parent, name);
        told();
    }
};

TEST_F(MountInvalidationTest, NewContentOfACachedFile) {
    write_file("f", "short");
    remote_write(node_of(kRootNode, "f"), "much longer than before");
    EXPECT_EQ(status_of("f").st_size, 23);
    EXPECT_EQ(read_file("f"), "much longer than before");
    remote_write(node_of(kRootNode, "f"), "tiny");
    EXPECT_EQ(read_file("f"), "tiny");
}

TEST_F(MountInvalidationTest, NewContentOfAnOpenFile) {
    write_file("f", "short");
    const UniqueFd fd = open("f", O_RDONLY);
    std::string out(100, '?');
    ASSERT_EQ(::pread(fd.get(), out.data(), out.size(), 0), 5);
    remote_write(node_of(kRootNode, "f"), "longer than before");
    struct stat status {};
    ASSERT_EQ(::fstat(fd.get(), &status), 0);
    EXPECT_EQ(status.st_size, 18);
    ASSERT_EQ(::pread(fd.get(), out.data(), out.size(), 0), 18);
    EXPECT_EQ(out.substr(0, 18), "longer than before");
}

TEST_F(MountInvalidationTest, NewAttributes) {
    write_file("f", "x");
    EXPECT_EQ(status_of("f").st_mode & 07777, 0644U);
    AttributeChange change;
    change.mode = 0600;
    change.modified_ns = 5'000'000'000;
    const NodeId node = node_of(kRootNode, "f");
    ASSERT_TRUE(fs_.set_attributes(node, change, {}).ok());
    fs_.report_node(node);
    told();
    EXPECT_EQ(status_of("f").st_mode & 07777, 0600U);
    EXPECT_EQ(status_of("f").st_mtim.tv_sec, 5);
}

TEST_F(MountInvalidationTest, ANameThatWasMissing) {
    EXPECT_FALSE(exists("later"));
    EXPECT_FALSE(exists("later"));
    remote_create(kRootNode, "later", "here");
    EXPECT_TRUE(exists("later"));
    EXPECT_EQ(read_file("later"), "here");
}

TEST_F(MountInvalidationTest, ANameThatVanished) {
    write_file("f", "x");
    EXPECT_TRUE(exists("f"));
    ASSERT_TRUE(fs_.remove_file(kRootNode, "f").ok());
    fs_.report_entry(kRootNode, "f");
    told();
    EXPECT_FALSE(exists("f"));
    write_file("f", "anew");
}

TEST_F(MountInvalidationTest, ARename) {
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    write_file("d/f", "x");
    EXPECT_FALSE(exists("e"));
    ASSERT_TRUE(fs_.rename(kRootNode, "d", kRootNode, "e", RenameMode::Replace).ok());
    fs_.report_entry(kRootNode, "d");
    fs_.report_entry(kRootNode, "e");
    told();
    EXPECT_FALSE(exists("d"));
    EXPECT_EQ(read_file("e/f"), "x");
}

TEST_F(MountInvalidationTest, AnotherFileUnderTheName) {
    write_file("f", "one");
    const UniqueFd fd = open("f", O_RDONLY);
    ASSERT_TRUE(fs_.remove_file(kRootNode, "f").ok());
    remote_create(kRootNode, "f", "another");
    EXPECT_EQ(read_file("f"), "another");
    std::string out(100, '?');
    EXPECT_EQ(::pread(fd.get(), out.data(), out.size(), 0), 3);
}

TEST_F(MountInvalidationTest, AListThatGrew) {
    run("test -z \"$(ls -l | tail -n +2)\"");
    remote_create(kRootNode, "f", "x");
    run("test \"$(ls)\" = f");
}

// A reported directory that is still there must not cut off those who work in it.
TEST_F(MountInvalidationTest, WorkingDirectoriesStayReachable) {
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    const UniqueFd directory = open("d", O_RDONLY | O_DIRECTORY);
    fs_.report_entry(kRootNode, "d");
    told();
    std::string seen(4096, '\0');
    const std::string link = "/proc/self/fd/" + std::to_string(directory.get());
    const ssize_t length = ::readlink(link.c_str(), seen.data(), seen.size());
    ASSERT_GT(length, 0);
    seen.resize(static_cast<std::size_t>(length));
    EXPECT_EQ(seen, (mount_->directory() / "d").string());
    write_file("d/f", "x");
}

// Reports rain down while programs create and remove in the same directory: nobody waits for ever,
// and in the end everybody sees the same.
TEST_F(MountInvalidationTest, ReportsDuringRequestsDoNotDeadlock) {
    std::atomic<bool> done{false};
    std::thread reporter([&] {
        while (!done) {
            for (int i = 0; i < 10; ++i) {
                fs_.report_entry(kRootNode, "f" + std::to_string(i));
                fs_.report_node(kRootNode);
            }
            told();
        }
    });
    for (int round = 0; round < 100; ++round) {
        const std::string name = "f" + std::to_string(round % 10);
        write_file(name, std::to_string(round));
        ASSERT_EQ(::rename(path(name).c_str(), path("g").c_str()), 0);
        ASSERT_EQ(::unlink(path("g").c_str()), 0);
    }
    done = true;
    reporter.join();
    EXPECT_TRUE(fs_.list(kRootNode).value()->empty());
    run("test -z \"$(ls)\"");
}

}  // namespace
}  // namespace lockstep
