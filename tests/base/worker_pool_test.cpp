#include "base/worker_pool.h"

#include <atomic>
#include <future>
#include <latch>

#include <gtest/gtest.h>
#include <pthread.h>

namespace lockstep {
namespace {

TEST(WorkerPoolTest, WithoutThreadsTasksRunInsideSubmit) {
    WorkerPool pool(0);
    bool ran = false;
    pool.submit([&] { ran = true; });
    EXPECT_TRUE(ran);
    EXPECT_EQ(pool.thread_count(), 0U);
}

TEST(WorkerPoolTest, TheDestructorRunsWhatIsQueued) {
    std::atomic<int> ran = 0;
    {
        WorkerPool pool(3);
        for (int i = 0; i < 1000; ++i) pool.submit([&] { ++ran; });
    }
    EXPECT_EQ(ran, 1000);
}

TEST(WorkerPoolTest, TasksRunAtTheSameTime) {
    WorkerPool pool(2);
    std::latch both(2);
    std::promise<void> done[2];
    for (auto& one : done)
        pool.submit([&] {
            both.arrive_and_wait();  // hangs unless both are running
            one.set_value();
        });
    for (auto& one : done) one.get_future().wait();
}

TEST(WorkerPoolTest, TasksMaySubmitTasks) {
    std::promise<int> answer;
    WorkerPool pool(1);
    pool.submit([&] { pool.submit([&] { answer.set_value(7); }); });
    EXPECT_EQ(answer.get_future().get(), 7);
}

TEST(WorkerPoolTest, ThreadsCarryTheirNames) {
    auto name_in = [](WorkerPool& pool) {
        std::promise<std::string> name;
        pool.submit([&] {
            char text[16] = {};
            pthread_getname_np(pthread_self(), text, sizeof(text));
            name.set_value(text);
        });
        return name.get_future().get();
    };
    WorkerPool workers(1), named(1, "ls-other");
    EXPECT_EQ(name_in(workers), "ls-work-0");
    EXPECT_EQ(name_in(named), "ls-other-0");
}

}  // namespace
}  // namespace lockstep
