// A mount point and what tests do in it, as any program would.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "fuse/mount.h"
#include "tests/support/temp_dir.h"

namespace lockstep {

// Tests of mounts run only where mounting is possible; elsewhere they say why not.
#define SKIP_WITHOUT_FUSE()                                                   \
    do {                                                                      \
        if (const Status available = check_fuse_available(); !available.ok()) \
            GTEST_SKIP() << available.error().message;                        \
    } while (false)

class MountPointTest : public testing::Test {
  protected:
    void mount_file_system(FileSystem& file_system, MountOptions options) {
        auto mounted = Mount::mount(file_system, directory_.path(), std::move(options));
        ASSERT_TRUE(mounted.ok()) << mounted.error().message;
        mount_ = std::move(*mounted);
    }
    void unmount() {
        const Status unmounted = mount_->unmount_lazily();
        EXPECT_TRUE(unmounted.ok()) << unmounted.error().message;
        mount_.reset();
    }

    std::string path(const std::string& name) const { return (directory_.path() / name).string(); }

    UniqueFd open(const std::string& name, int flags, mode_t mode = 0644) const {
        UniqueFd fd(::open(path(name).c_str(), flags | O_CLOEXEC, mode));
        EXPECT_TRUE(fd.ok()) << name << ": " << std::strerror(errno);
        return fd;
    }
    void write_file(const std::string& name, const std::string& content) const {
        std::ofstream(path(name), std::ios::binary | std::ios::trunc) << content;
        EXPECT_EQ(read_file(name), content);
    }
    std::string read_file(const std::string& name) const {
        std::ifstream in(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    struct stat status_of(const std::string& name) const {
        struct stat status {};
        EXPECT_EQ(::lstat(path(name).c_str(), &status), 0) << name << ": " << std::strerror(errno);
        return status;
    }
    bool exists(const std::string& name) const {
        struct stat status {};
        return ::lstat(path(name).c_str(), &status) == 0;
    }
    // Runs `work` (system calls only) in a process of its own; true when it returns true. Who maps
    // a file of a mount must not serve that mount: munmap writes pages back while it holds the lock
    // that the serving threads take for any memory of theirs.
    template <typename Work>
    static bool in_child(Work work) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(work() ? 0 : 1);
        int status = -1;
        return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
    }
    // Runs a shell script with the mount as working directory and $SIDE outside of it.
    void run(const std::string& script) const {
        const std::string command = "cd '" + directory_.path().string() + "' && export SIDE='" +
                                    side_.path().string() + "' HOME='" + side_.path().string() +
                                    "' && set -e\n" + script;
        const std::string file = (side_.path() / "script.sh").string();
        std::ofstream(file) << command;
        const int status = std::system(("sh '" + file + "' >'" + file + ".log' 2>&1").c_str());
        std::ifstream log(file + ".log");
        EXPECT_EQ(status, 0) << script << "\n"
                             << std::string(std::istreambuf_iterator<char>(log), {});
    }

    TempDir directory_;
    TempDir side_;
    std::unique_ptr<Mount> mount_;
};

}  // namespace lockstep
