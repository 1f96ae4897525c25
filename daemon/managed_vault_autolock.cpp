// ManagedVault: when it is locked without anybody asking for it.
#include <ctime>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/api/error_code.h"
#include "daemon/managed_vault.h"

namespace lockstep {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPublishWhenIdle{10'000};
// logind waits 5 s for everybody; what was not published stays in the journal.
constexpr milliseconds kPublishBeforeSleep{2'000};

// Goes on while the machine sleeps, other than steady_clock.
milliseconds time_since_boot() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + milliseconds(now.tv_nsec / 1'000'000);
}

std::string idle_text(std::uint64_t seconds) {
    return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60) : fmt::format("{} s", seconds);
}

}  // namespace

Status ManagedVault::set_auto_lock(const api::SetAutoLock& request) {
    if (request.idle_seconds) {
        const std::uint64_t seconds = std::min(*request.idle_seconds, api::kIdleLockSecondsMax + 1);
        TRY_OK(api::check_idle_lock(static_cast<std::int64_t>(seconds)));
    }
    MutexLock lock(operation_);
    TRY_OK(check_usable());
    note_use();
    if (request.unlock_at_start) {
        Vault* vault = this->vault();
        if (vault == nullptr) return Error{ErrorKind::NotFound, "the vault could not be opened"};
        TRY_OK(vault->set_unlock_at_start(*request.unlock_at_start));
    }
    return remember([&](api::VaultConfig& config) {
        if (request.idle_seconds) config.idle_lock_seconds = *request.idle_seconds;
        if (request.unlock_at_start) config.unlock_at_start = *request.unlock_at_start;
        if (request.on_suspend) config.lock_on_suspend = *request.on_suspend;
    });
}

std::uint64_t ManagedVault::uses() const {
    std::uint64_t uses = uses_ + mounts_->uses();
    // A person's changes in a mirror. What is looked at or taken out again is not seen.
    for (const api::MirrorInfo& mirror : mirrors()) uses += mirror.imported;
    return uses;
}

void ManagedVault::lock_when_idle() {
    const std::uint64_t seconds = config().idle_lock_seconds;
    if (seconds == 0 || !vault_->is_unlocked()) return idle_.restart();
    const std::uint64_t now_used = uses();
    if (!idle_.is_due(now_used, std::chrono::seconds(seconds), time_since_boot())) return;
    lock_by_itself({kPublishWhenIdle, "idle", "locked: not used for " + idle_text(seconds)},
                   std::exchange(told_at_uses_, now_used) != now_used);
}

void ManagedVault::lock_for_sleep() {
    Vault* vault = this->vault();
    if (!config().lock_on_suspend || vault == nullptr || !vault->is_unlocked()) return;
    lock_by_itself({kPublishBeforeSleep, "suspend", "locked: the machine goes to sleep"}, true);
}

// What is open is not cut off: nobody is there to save it.
void ManagedVault::lock_by_itself(const LockReason& reason, bool is_told) {
    MutexLock lock(operation_);
    if (!check_usable().ok()) return;
    const Status locked = lock_locked(false, reason);
    if (locked.ok()) return log_info("vault", "{}: {}", name(), reason.message);
    if (!is_told) return;
    log_info("vault", "{}: not locked by itself ({}): {}", name(), reason.subject,
             api::error_code(locked.error().kind));
    tell("vault.lock_waits", "not locked yet: " + locked.error().message, reason.subject);
}

}  // namespace lockstep
