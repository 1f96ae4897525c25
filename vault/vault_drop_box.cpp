// The thread that notices what others put into a vault's directory.
#include <atomic>
#include <thread>

#include "base/directory_watcher.h"
#include "base/log.h"
#include "base/mutex.h"
#include "vault/core/directory_arrivals.h"
#include "vault/vault.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A directory that cannot be read (its disk was pulled out) is tried again.
constexpr milliseconds kRetryDelay{2'000};

}  // namespace

struct VaultDropBox::Impl final : ReplicaListener {
    Impl(Vault& owner, const Options& chosen)
        : vault(owner), replica(*owner.replica()), options(chosen) {
        replica.add_listener(*this);
        thread = std::thread([this] { run(); });
    }

    ~Impl() override {
        replica.remove_listener(*this);
        {
            MutexLock lock(mutex);
            is_stopping = true;
        }
        wake();
        thread.join();
    }

    // What waits for a segment or a key object may be good now, by whatever way that came.
    void segment_added(const SegmentRef&) override { note_news(); }
    void keys_changed() override { note_news(); }
    void pack_added(const PackId&) override {}
    void pack_wanted_now(const PackInfo&) override {}

    void note_news() {
        {
            MutexLock lock(mutex);
            if (std::exchange(has_news, true)) return;
        }
        wake();
    }

    void wake() {
        MutexLock lock(mutex);
        if (watcher) watcher->interrupt();
        changed.notify_all();
    }

    void run() {
        name_thread("ls-drop");
        for (;;) {
            start_watching();
            // Later than the watch began: nothing falls between.
            look({.changed = {}, .is_everything = true});
            const auto rescan_at = steady_clock::now() + rescan_interval();
            for (bool is_rescan_due = false; !is_rescan_due;) {
                DirectoryNews news = wait_until(rescan_at);
                {
                    MutexLock lock(mutex);
                    if (is_stopping) return;
                    has_news = false;
                }
                is_rescan_due = news.is_everything || steady_clock::now() >= rescan_at;
                if (!is_rescan_due) look(news);
            }
        }
    }

    milliseconds rescan_interval() const {
        if (has_failed) return std::min(kRetryDelay, options.unwatched_rescan);
        const bool is_told =
            is_watching && !watcher_is_lost && DirectoryWatcher::tells_all(vault.directory());
        return is_told ? options.rescan : options.unwatched_rescan;
    }

    void start_watching() {
        if (!options.uses_events || (is_watching && !watcher_is_lost)) return;
        auto started = DirectoryWatcher::start(vault.directory(), DirectoryArrivals::is_ours);
        is_watching = started.ok();
        watcher_is_lost = false;
        if (!started.ok()) set_problem("it cannot be watched: " + started.error().message);
        MutexLock lock(mutex);
        watcher = started.ok() ? std::move(*started) : nullptr;
    }

    DirectoryNews wait_until(steady_clock::time_point until) {
        {
            // Who says so from now on interrupts the watcher.
            MutexLock lock(mutex);
            if (is_stopping || has_news) return {};
        }
        if (!is_watching) {
            MutexLock lock(mutex);
            while (!is_stopping && !has_news && steady_clock::now() < until)
                changed.wait_until(mutex, until);
            return {};
        }
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
        // Only this thread replaces it.
        auto news = watcher->wait(std::max(left, milliseconds(0)), options.gather);
        if (!news.ok() || news->is_gone || watcher->problem()) watcher_is_lost = true;
        if (!news.ok()) return {.changed = {}, .is_everything = true};
        return {std::move(news->changed), news->is_incomplete || news->is_gone};
    }

    void look(const DirectoryNews& news) {
        Status looked = vault.look_at_directory(news);
        has_failed = !looked.ok();
        if (has_failed) set_problem(looked.error().message);
        if (looked.ok() && news.is_everything && (is_watching || !options.uses_events))
            set_problem({});
    }

    void set_problem(std::string sentence) {
        MutexLock lock(mutex);
        if (sentence == problem_text) return;
        if (!sentence.empty()) log_warning("vault", "the directory: {}", sentence);
        problem_text = std::move(sentence);
    }

    std::string problem() const {
        MutexLock lock(mutex);
        return problem_text;
    }

    Vault& vault;
    Replica& replica;
    const Options options;
    mutable Mutex mutex;
    CondVar changed;
    bool has_news GUARDED_BY(mutex) = false;
    bool is_stopping GUARDED_BY(mutex) = false;
    std::string problem_text GUARDED_BY(mutex);
    // Replaced by the thread alone, with the mutex held; so it may use it without.
    std::unique_ptr<DirectoryWatcher> watcher;
    bool is_watching = false, watcher_is_lost = false, has_failed = false;
    std::thread thread;
};

VaultDropBox::VaultDropBox(Vault& vault, const Options& options)
    : impl_(std::make_unique<Impl>(vault, options)) {}
VaultDropBox::VaultDropBox(Vault& vault) : VaultDropBox(vault, Options{}) {}
VaultDropBox::~VaultDropBox() = default;
std::string VaultDropBox::problem() const {
    return impl_->problem();
}

}  // namespace lockstep
