#include "vault/presence/pack_question.h"

#include <algorithm>
#include <memory>

namespace lockstep {
namespace {

// Long enough for blind members to show what they hold.
constexpr auto kAnswersWait = std::chrono::seconds(20);

struct Waiting {
    Mutex mutex;
    CondVar ended;
    bool is_done GUARDED_BY(mutex) = false;
    PackAnswers answers GUARDED_BY(mutex);
};

}  // namespace

PackAnswers ask_and_wait(VaultPresence& presence, const std::vector<PackId>& packs,
                         std::chrono::seconds keep, const std::function<bool()>& may_wait) {
    auto waiting = std::make_shared<Waiting>();
    for (std::size_t at = 0; at < packs.size(); at += kPacksAskedMax) {
        const auto from = packs.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min(packs.size() - at, kPacksAskedMax);
        {
            MutexLock lock(waiting->mutex);
            waiting->is_done = false;
        }
        presence.ask({from, from + static_cast<std::ptrdiff_t>(count)}, keep,
                     [waiting](const PackAnswers& answers) {
                         MutexLock lock(waiting->mutex);
                         waiting->is_done = true;
                         for (const PackAnswers::Holder& holder : answers.holders)
                             waiting->answers.holders.push_back(holder);
                         waiting->ended.notify_all();
                     });
        const auto until = std::chrono::steady_clock::now() + kAnswersWait;
        MutexLock lock(waiting->mutex);
        while (!waiting->is_done && may_wait() && std::chrono::steady_clock::now() < until)
            waiting->ended.wait_until(
                waiting->mutex, std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
    }
    MutexLock lock(waiting->mutex);
    return waiting->answers;
}

}  // namespace lockstep
