// A MemoryFileSystem under a real mount point.
#pragma once

#include "tests/fuse/mount_point_test.h"
#include "tests/support/memory_file_system.h"

namespace lockstep {

class MountedTest : public MountPointTest {
  protected:
    void SetUp() override {
        SKIP_WITHOUT_FUSE();
        mount();
    }
    void TearDown() override {
        if (mount_ == nullptr) return;
        unmount();
        expect_all_given_back();
    }

    void mount(MountOptions options = {}) { mount_file_system(fs_, std::move(options)); }

    void expect_all_given_back() const {
        EXPECT_EQ(fs_.open_handles(), 0U);
        EXPECT_EQ(fs_.references(), 0U);
    }

    MemoryFileSystem fs_;
};

}  // namespace lockstep
