// The observers of a FileSystem: told with no lock held, so that they may wait; removal waits for
// calls under way.
//
// THREADS: any. An observer must not be removed from within a call to it.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "vault/file_system.h"

namespace lockstep {

class ObserverList {
  public:
    void add(ChangeObserver& observer) EXCLUDES_LOCK(mutex_) {
        MutexLock lock(mutex_);
        entries_.push_back(std::make_shared<Entry>(Entry{&observer, 0}));
    }

    void remove(ChangeObserver& observer) EXCLUDES_LOCK(mutex_) {
        MutexLock lock(mutex_);
        const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
            return entry->observer == &observer;
        });
        if (at == entries_.end()) return;
        const std::shared_ptr<Entry> entry = *at;
        entries_.erase(at);
        while (entry->calls > 0) call_ended_.wait(mutex_);
    }

    // Calls `tell(observer)` for each.
    template <typename Tell>
    void tell(const Tell& tell) EXCLUDES_LOCK(mutex_) {
        std::vector<std::shared_ptr<Entry>> told;
        {
            MutexLock lock(mutex_);
            told = entries_;
            for (const auto& entry : told) ++entry->calls;
        }
        for (const auto& entry : told) {
            tell(*entry->observer);
            MutexLock lock(mutex_);
            if (--entry->calls == 0) call_ended_.notify_all();
        }
    }

  private:
    struct Entry {
        ChangeObserver* observer;
        std::size_t calls;  // under way; guarded by the list's mutex
    };

    Mutex mutex_;
    CondVar call_ended_;
    std::vector<std::shared_ptr<Entry>> entries_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
