// The parts of a mount that need no kernel: error numbers, attributes, the invalidation queue.
#include <atomic>
#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

#include "fuse/attributes.h"
#include "fuse/errno_map.h"
#include "fuse/invalidation.h"
#include "fuse/libfuse.h"

namespace lockstep {
namespace {

TEST(ErrnoMapTest, KindsAreTheNumbersPosixAsksFor) {
    EXPECT_EQ(errno_of(ErrorKind::NotFound), ENOENT);
    EXPECT_EQ(errno_of(ErrorKind::Exists), EEXIST);
    EXPECT_EQ(errno_of(ErrorKind::Refused), EPERM);
    EXPECT_EQ(errno_of(ErrorKind::NoAttribute), ENODATA);
    EXPECT_EQ(errno_of(ErrorKind::Unsupported), EOPNOTSUPP);
    EXPECT_EQ(errno_of(ErrorKind::TooLarge), EFBIG);
    EXPECT_EQ(errno_of(ErrorKind::TooManyLinks), EMLINK);
    EXPECT_EQ(errno_of(ErrorKind::Timeout), ETIMEDOUT);
    for (ErrorKind kind : {ErrorKind::Io, ErrorKind::Corrupt, ErrorKind::Locked,
                           ErrorKind::Unavailable, ErrorKind::WrongKey, ErrorKind::Conflict})
        EXPECT_EQ(errno_of(kind), EIO);
    EXPECT_EQ(errno_of(Status{}), 0);
}

TEST(FuseAttributesTest, TimesBefore1970HavePositiveNanoseconds) {
    Attributes attributes;
    attributes.modified_ns = -1;
    const struct stat shown = to_stat(attributes, {});
    EXPECT_EQ(shown.st_mtim.tv_sec, -1);
    EXPECT_EQ(shown.st_mtim.tv_nsec, 999'999'999);
    const auto back = attribute_change(shown, FUSE_SET_ATTR_MTIME, 0);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->modified_ns, -1);
    EXPECT_FALSE(back->mode || back->size || back->accessed_ns);
}

TEST(FuseAttributesTest, FarTimesAreClamped) {
    struct stat wanted {};
    wanted.st_mtim.tv_sec = std::int64_t{1} << 60;
    const auto change = attribute_change(wanted, FUSE_SET_ATTR_MTIME, 0);
    ASSERT_TRUE(change.ok());
    EXPECT_GT(*change->modified_ns, std::int64_t{1} << 62);
}

TEST(FuseAttributesTest, ModesLoseSetuidAndSizesAreNotNegative) {
    struct stat wanted {};
    wanted.st_mode = S_IFREG | 07755;
    const auto change = attribute_change(wanted, FUSE_SET_ATTR_MODE, 0);
    ASSERT_TRUE(change.ok());
    EXPECT_EQ(change->mode, 01755U);
    wanted.st_size = -1;
    EXPECT_FALSE(attribute_change(wanted, FUSE_SET_ATTR_SIZE, 0).ok());
}

TEST(FuseAttributesTest, ShownOwnerOutranksTheFileSystems) {
    Attributes attributes;
    attributes.uid = 1;
    attributes.gid = 2;
    const struct stat shown = to_stat(attributes, {.uid = 7, .gid = {}});
    EXPECT_EQ(shown.st_uid, 7U);
    EXPECT_EQ(shown.st_gid, 2U);
}

// Kernel caches that can be made to wait, as the kernel's locks do.
class FakeCaches final : public KernelCaches {
  public:
    void drop_node(NodeId node) override { drop(std::to_string(node)); }
    void drop_entry(NodeId directory, const std::string& name) override {
        drop(std::to_string(directory) + "/" + name);
    }
    void fill_node(NodeId, ByteView) override {}
    void block() {
        MutexLock lock(mutex_);
        blocked_ = true;
    }
    void unblock() {
        MutexLock lock(mutex_);
        blocked_ = false;
        changed_.notify_all();
    }
    void wait_until_busy() {
        MutexLock lock(mutex_);
        while (!busy_) changed_.wait(mutex_);
    }
    std::vector<std::string> dropped() {
        MutexLock lock(mutex_);
        return dropped_;
    }

  private:
    void drop(const std::string& what) {
        MutexLock lock(mutex_);
        busy_ = true;
        changed_.notify_all();
        while (blocked_) changed_.wait(mutex_);
        dropped_.push_back(what);
    }

    Mutex mutex_;
    CondVar changed_;
    bool blocked_ GUARDED_BY(mutex_) = false;
    bool busy_ GUARDED_BY(mutex_) = false;
    std::vector<std::string> dropped_ GUARDED_BY(mutex_);
};

TEST(InvalidationTest, HandsOverInOrder) {
    FakeCaches caches;
    Invalidation invalidation(caches);
    invalidation.start();
    invalidation.node_changed(5);
    invalidation.entry_changed(1, "a");
    invalidation.wait_until_idle();
    EXPECT_EQ(caches.dropped(), (std::vector<std::string>{"5", "1/a"}));
    EXPECT_EQ(invalidation.changes(), 2U);
}

TEST(InvalidationTest, WhatWaitsIsQueuedOnce) {
    FakeCaches caches;
    caches.block();
    Invalidation invalidation(caches);
    invalidation.start();
    invalidation.node_changed(1);
    caches.wait_until_busy();
    for (int i = 0; i < 10; ++i) invalidation.node_changed(2);
    // Under way, not waiting: what changed since it began must be dropped again.
    invalidation.node_changed(1);
    caches.unblock();
    invalidation.wait_until_idle();
    EXPECT_EQ(caches.dropped(), (std::vector<std::string>{"1", "2", "1"}));
}

TEST(InvalidationTest, AFullQueueHoldsTheReporterUpAndLosesNothing) {
    FakeCaches caches;
    caches.block();
    Invalidation invalidation(caches, 3);
    invalidation.start();
    std::atomic<int> reported{0};
    std::thread reporter([&] {
        for (int i = 0; i < 20; ++i) {
            invalidation.node_changed(static_cast<NodeId>(i));
            ++reported;
        }
    });
    caches.wait_until_busy();
    EXPECT_LE(reported, 5);
    caches.unblock();
    reporter.join();
    invalidation.wait_until_idle();
    EXPECT_EQ(caches.dropped().size(), 20U);
}

// The kernel may hold a directory for a request that this thread is to answer, and the invalidation
// thread waits for that directory.
TEST(InvalidationTest, WhoAnswersRequestsNeverWaits) {
    FakeCaches caches;
    caches.block();
    Invalidation invalidation(caches, 1);
    invalidation.start();
    std::thread([&] {
        mark_request_thread(invalidation);
        for (NodeId node = 1; node <= 10; ++node) invalidation.node_changed(node);
    }).join();
    caches.unblock();
    invalidation.wait_until_idle();
    EXPECT_EQ(caches.dropped().size(), 10U);
}

TEST(InvalidationTest, StopLetsEverybodyGo) {
    FakeCaches caches;
    caches.block();
    Invalidation invalidation(caches, 1);
    invalidation.start();
    std::thread reporter([&] {
        for (NodeId i = 0; i < 20; ++i) invalidation.node_changed(i);
    });
    caches.wait_until_busy();
    invalidation.stop();
    reporter.join();
    invalidation.wait_until_idle();
    caches.unblock();
    invalidation.join();
    EXPECT_LE(caches.dropped().size(), 2U);
}

}  // namespace
}  // namespace lockstep
