#include "tests/support/failing_allocations.h"

#include <array>
#include <cstdlib>
#include <new>

#include <dlfcn.h>
#include <sodium.h>
#include <sqlite3.h>

#include "base/check.h"
#include "tests/support/spare_allocations.h"

namespace lockstep {
namespace {

struct Plan {
    std::uint64_t count = 0;
    std::uint64_t fail_at = ~std::uint64_t{0};
};
thread_local std::array<Plan, 3> plans;
thread_local bool has_failed = false;

Plan& plan_of(Allocator allocator) {
    return plans[static_cast<std::size_t>(allocator)];
}

// Whether this one is to fail.
bool counts(Allocator allocator) {
    if (spared_allocations > 0) return false;
    Plan& plan = plan_of(allocator);
    if (plan.count++ != plan.fail_at) return false;
    has_failed = true;
    return true;
}

void* allocate(std::size_t size, std::size_t alignment) {
    for (bool fails = counts(Allocator::New);; fails = false) {
        if (!fails) {
            const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
            void* out = alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__
                            ? std::aligned_alloc(alignment, rounded)
                            : std::malloc(size == 0 ? 1 : size);
            if (out != nullptr) return out;
        }
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
    }
}

sqlite3_mem_methods usual_methods;

void* sqlite_allocate(int size) {
    return counts(Allocator::Sqlite) ? nullptr : usual_methods.xMalloc(size);
}
void* sqlite_reallocate(void* old, int size) {
    return counts(Allocator::Sqlite) ? nullptr : usual_methods.xRealloc(old, size);
}

// Before anybody opens a database.
const bool is_sqlite_ready = [] {
    CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual_methods) == SQLITE_OK);
    sqlite3_mem_methods methods = usual_methods;
    methods.xMalloc = sqlite_allocate;
    methods.xRealloc = sqlite_reallocate;
    CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
    return true;
}();

}  // namespace

std::uint64_t FailingAllocations::count(Allocator allocator) {
    return plan_of(allocator).count;
}
void FailingAllocations::count_anew() {
    plans = {};
    has_failed = false;
}
void FailingAllocations::fail_at(Allocator allocator, std::uint64_t n) {
    count_anew();
    plan_of(allocator).fail_at = n;
}
bool FailingAllocations::clear() {
    const bool has = has_failed;
    count_anew();
    return has;
}

}  // namespace lockstep

void* operator new(std::size_t size) {
    return lockstep::allocate(size, 1);
}
void* operator new[](std::size_t size) {
    return lockstep::allocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return lockstep::allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return lockstep::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

extern "C" void* sodium_malloc(std::size_t size) {
    using Function = void* (*)(std::size_t);
    static const auto usual = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "sodium_malloc"));
    return lockstep::counts(lockstep::Allocator::Locked) ? nullptr : usual(size);
}
