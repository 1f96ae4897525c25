// The thread that publishes and merges for the daemon.
#include <algorithm>

#include "base/log.h"
#include "base/mutex.h"
#include "vault/vault.h"

namespace lockstep {
namespace {

using std::chrono::steady_clock;
constexpr auto kRetryDelayMin = std::chrono::milliseconds(200);
constexpr auto kRetryDelayMax = std::chrono::seconds(10);

}  // namespace

struct VaultRunner::Impl {
    explicit Impl(Vault& owner) : vault(owner) {
        vault.set_work_listener([this] { wake(); });
        thread = std::thread([this] { run(); });
    }

    ~Impl() {
        vault.set_work_listener(nullptr);
        {
            MutexLock lock(mutex);
            stopping = true;
        }
        changed.notify_all();
        thread.join();
    }

    void wake() {
        {
            MutexLock lock(mutex);
            has_news = true;
        }
        changed.notify_all();
    }

    void run() {
        name_thread("ls-vault");
        for (;;) {
            {
                MutexLock lock(mutex);
                has_news = false;
            }
            bool failed = !work();
            // Asked without our lock: the listener is called under the vault's.
            auto due = vault.publish_due();
            MutexLock lock(mutex);
            retry_delay = failed ? std::min<steady_clock::duration>(retry_delay * 2, kRetryDelayMax)
                                 : kRetryDelayMin;
            steady_clock::time_point until = steady_clock::now() + retry_delay;
            if (!failed) until = due ? *due : steady_clock::now() + std::chrono::hours(1);
            // A failed publish waits its delay even when there is news: the disk may be full.
            while (!stopping && (failed || !has_news) && changed.wait_until(mutex, until)) {
            }
            if (stopping) return;
        }
    }

    // One round; false when something failed and must be tried again later.
    bool work() {
        bool ok = true;
        if (vault.has_unmerged()) {
            if (auto merged = vault.merge(); !merged.ok()) {
                if (merged.error().kind != ErrorKind::Locked) report("merge", merged.error());
                ok = false;
            }
        }
        auto due = vault.publish_due();
        if (due && *due <= steady_clock::now()) {
            if (Status published = vault.publish(); !published.ok()) {
                report("publish", published.error());
                ok = false;
            }
        }
        return ok;
    }

    static void report(const char* doing, const Error& error) {
        log_warning("vault", "{}: {} (will be tried again)", doing, error.message);
    }

    Vault& vault;
    Mutex mutex;
    CondVar changed;
    bool has_news GUARDED_BY(mutex) = true;
    bool stopping GUARDED_BY(mutex) = false;
    steady_clock::duration retry_delay GUARDED_BY(mutex) = kRetryDelayMin;
    std::thread thread;
};

VaultRunner::VaultRunner(Vault& vault) : impl_(std::make_unique<Impl>(vault)) {}
VaultRunner::~VaultRunner() = default;

Status VaultRunner::publish_now(steady_clock::time_point deadline) {
    // publish() serialises with the runner's own; one that is under way may have begun before our
    // changes.
    while (impl_->vault.publish_due()) {
        TRY_OK(impl_->vault.publish());
        if (steady_clock::now() >= deadline)
            return Error{ErrorKind::Timeout, "changes are still being written"};
    }
    return {};
}

}  // namespace lockstep
