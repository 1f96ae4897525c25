// The way to the daemon: questions asked on threads of their own, answers given on the GUI's.
#pragma once

#include <QObject>
#include <QPointer>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "daemon/api/client.h"

namespace lockstep::gui {

// Asks with as many DaemonClients as there are questions under way, so that an unlock that takes a
// minute keeps nothing else waiting. Questions have no order among each other.
//
// THREADS: the GUI's. Questions run on "ls-ask" threads; destruction ends them at once.
class DaemonLink : public QObject {
    Q_OBJECT

  public:
    // Above this, questions wait for one another.
    static constexpr std::size_t kAskersMax = 12;

    explicit DaemonLink(std::filesystem::path socket, QObject* parent = nullptr);
    ~DaemonLink() override;

    const std::filesystem::path& socket() const { return socket_; }

    // Runs `question(client)` on an asker's thread and `answer(result)` on the GUI's. Nothing is
    // answered once `receiver` has gone.
    template <typename Question, typename Answer>
    void ask(QObject* receiver, Question question, Answer answer) {
        QPointer<QObject> alive(receiver);
        auto asked = std::make_shared<Question>(std::move(question));
        enqueue([this, alive, asked, answer = std::move(answer)](api::DaemonClient& client) {
            using Given = decltype((*asked)(client));
            auto given = std::make_shared<Given>((*asked)(client));
            QMetaObject::invokeMethod(
                this,
                [alive, answer, given]() mutable {
                    if (alive) answer(std::move(*given));
                },
                Qt::QueuedConnection);
        });
    }

  private:
    using Job = std::function<void(api::DaemonClient&)>;
    void enqueue(Job job);
    void work(const std::stop_token& stop);

    const std::filesystem::path socket_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable_any is_wanted_;
    std::deque<Job> jobs_;
    std::size_t idle_ = 0;
    std::stop_source stop_;
    std::vector<std::jthread> askers_;  // last: they end before the rest goes
};

}  // namespace lockstep::gui
