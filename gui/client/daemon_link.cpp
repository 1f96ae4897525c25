#include "gui/client/daemon_link.h"

#include <pthread.h>

namespace lockstep::gui {

DaemonLink::DaemonLink(std::filesystem::path socket, QObject* parent)
    : QObject(parent), socket_(std::move(socket)) {}

DaemonLink::~DaemonLink() {
    stop_.request_stop();
    is_wanted_.notify_all();
    askers_.clear();
}

void DaemonLink::enqueue(Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && askers_.size() < kAskersMax)
        askers_.emplace_back([this] { work(stop_.get_token()); });
    else
        is_wanted_.notify_one();
}

void DaemonLink::work(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "ls-ask");
    api::DaemonClient client(socket_, stop);
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        const bool is_there = is_wanted_.wait(lock, stop, [this] { return !jobs_.empty(); });
        --idle_;
        if (!is_there || stop.stop_requested()) return;
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job(client);
        job = nullptr;  // with what it holds of the GUI, before the next is waited for
        lock.lock();
    }
}

}  // namespace lockstep::gui
