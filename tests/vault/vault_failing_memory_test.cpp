// The n-th allocation fails, in everything that a vault does, for many n. Two things can happen:
//
//   * operator new and locked memory for secrets: the process stops (base/out_of_memory.h). A fork
//     stands for each such process; at the moment of its end somebody else opens what it leaves.
//   * SQLite's memory: it is an error of the index, and the process goes on.
//
// Some points of each row unless LOCKSTEP_ALL_POINTS is set.
#include <csignal>
#include <cstdio>
#include <functional>
#include <new>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/out_of_memory.h"
#include "tests/support/failing_allocations.h"
#include "tests/vault/failing_world.h"

namespace lockstep {
namespace {

constexpr int kWasNotReached = 7;
constexpr unsigned kSecondsMax = 120;  // of one fork

std::function<void()>& at_the_end() {
    static std::function<void()> what;
    return what;
}

class VaultFailingMemoryTest : public FailingWorld {
  protected:
    // What an operation asks `allocator` for when nothing fails.
    std::uint64_t count(Allocator allocator) {
        const auto laptop = laptop_.clone(50), desk = desk_.clone(51);
        const DeviceId third = phone();
        FailingAllocations::count_anew();
        const Status done = GetParam().run({*laptop, *desk, third});
        const std::uint64_t counted = FailingAllocations::count(allocator);
        expect_ok(done);
        return counted;
    }
    static std::uint64_t points(std::uint64_t all, std::uint64_t some) {
        return std::getenv("LOCKSTEP_ALL_POINTS") != nullptr ? all : std::min(all, some);
    }

    // In a process of its own: what is left by one that stops at this allocation.
    void stop_at(Allocator allocator, std::uint64_t point) {
        std::fflush(nullptr);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::alarm(kSecondsMax);
            const auto laptop = laptop_.clone(100 + 2 * point), desk = desk_.clone(101 + 2 * point);
            const DeviceId third = phone();
            at_the_end() = [&] {
                FailingAllocations::clear();
                // What was handed to the disk stays, as when a process is killed.
                const auto next = laptop->clone(7), other = desk->clone(8);
                expect_ok(GetParam().run({*next, *other, third}));
                expect_all_is_well(*next, *other);
                std::fflush(nullptr);
                ::_exit(HasFailure() ? 1 : 0);
            };
            std::set_new_handler([] { at_the_end()(); });
            FailingAllocations::fail_at(allocator, point);
            static_cast<void>(GetParam().run({*laptop, *desk, third}));
            ::_exit(kWasNotReached);
        }
        int state = 0;
        ASSERT_EQ(child, ::waitpid(child, &state, 0));
        ASSERT_TRUE(WIFEXITED(state)) << "signal " << WTERMSIG(state);
        EXPECT_TRUE(WEXITSTATUS(state) == 0 || WEXITSTATUS(state) == kWasNotReached)
            << WEXITSTATUS(state);
    }
    void stop_at_many(Allocator allocator, std::uint64_t some) {
        const std::uint64_t all = count(allocator);
        const std::uint64_t chosen = points(all, some);
        for (std::uint64_t i = 0; i < chosen; ++i) {
            const std::uint64_t point = all * i / chosen;
            SCOPED_TRACE("allocation " + std::to_string(point) + " of " + std::to_string(all));
            stop_at(allocator, point);
            ASSERT_FALSE(HasFailure());
        }
    }

    void fail_sqlite_at(std::uint64_t point, bool is_restarted) {
        const auto laptop = laptop_.clone(100 + 2 * point), desk = desk_.clone(101 + 2 * point);
        const DeviceId third = phone();
        FailingAllocations::fail_at(Allocator::Sqlite, point);
        const Status first = GetParam().run({*laptop, *desk, third});
        FailingAllocations::clear();
        SCOPED_TRACE(first.ok() ? "it said that it was done" : first.error().message);
        if (is_restarted) expect_ok(laptop->kill_and_reopen());
        if (!laptop->is_open()) expect_ok(lock_and_unlock({*laptop, *desk, third}));
        ASSERT_FALSE(HasFailure());
        expect_ok(GetParam().run({*laptop, *desk, third}));
        expect_all_is_well(*laptop, *desk);
    }
};

TEST_P(VaultFailingMemoryTest, AProcessThatStopsWhereverItGetsNoMemoryLosesNothing) {
    stop_at_many(Allocator::New, 8);
}
TEST_P(VaultFailingMemoryTest, AProcessThatStopsForWantOfLockedMemoryLosesNothing) {
    stop_at_many(Allocator::Locked, 3);
}
TEST_P(VaultFailingMemoryTest, AnIndexWithoutMemoryLosesNothingAndIsGotOver) {
    const std::uint64_t all = count(Allocator::Sqlite);
    const std::uint64_t chosen = points(all, 10);
    for (std::uint64_t i = 0; i < chosen; ++i) {
        const std::uint64_t point = all * i / chosen;
        SCOPED_TRACE("allocation " + std::to_string(point) + " of " + std::to_string(all));
        fail_sqlite_at(point, i % 2 == 0);
        ASSERT_FALSE(HasFailure());
    }
}

TEST(OutOfMemoryTest, TheProcessSaysSoAndStops) {
    const auto ask_in_vain = [] {
        stop_when_out_of_memory();
        FailingAllocations::fail_at(Allocator::New, 0);
        const std::string text(100, 'x');
        std::puts(text.c_str());
    };
    EXPECT_EXIT(ask_in_vain(), ::testing::KilledBySignal(SIGABRT),
                "out of memory: stopping at once");
}

INSTANTIATE_TEST_SUITE_P(Operations, VaultFailingMemoryTest, every_operation(),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace lockstep
