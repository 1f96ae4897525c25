#include "gui/client/daemon_state.h"

#include <QCoreApplication>
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <pthread.h>

namespace lockstep::gui {

namespace {

// How long to wait before asking a daemon that does not run again.
constexpr std::chrono::milliseconds kRetry{1000};

void pause_for(const std::stop_token& stop, std::chrono::milliseconds time) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
}

bool changes_devices(const std::string& type) {
    return type.starts_with("device.") || type.starts_with("invite.") || type == "join.changed" ||
           type == "vault.added" || type == "vault.removed" || type == "vault.unlocked" ||
           type == "vault.changed" || type == "resync";
}

}  // namespace

std::string reference_of(const api::VaultInfo& vault) {
    return vault.id.empty() ? vault.name : vault.id;
}

DaemonState::DaemonState(DaemonLink& link, QObject* parent) : QObject(parent), link_(link) {
    follower_ = std::jthread([this](const std::stop_token& stop) { follow(stop); });
}

DaemonState::~DaemonState() {
    follower_.request_stop();
    if (follower_.joinable()) follower_.join();
}

void DaemonState::follow(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "ls-follow");
    const auto post = [this](auto what) {
        QMetaObject::invokeMethod(this, std::move(what), Qt::QueuedConnection);
    };
    std::uint64_t since = 0;
    while (!stop.stop_requested()) {
        api::DaemonClient client(link_.socket(), stop);
        Result<api::StatusReport> status = client.status();
        Status ended;
        if (status.ok()) {
            const std::uint64_t past = status->sequence;
            post([this, report = std::move(*status)] {
                status_ = report;
                setLink(Link::Connected, {});
                Q_EMIT statusChanged();
                askDevices();
            });
            bool are_lost = false;
            // From 0: all that the daemon still knows.
            ended = client.events(since, [&](const api::Event& event) {
                are_lost = event.type == "resync" && since != 0;
                since = are_lost ? 0 : event.sequence;
                if (are_lost) return false;
                post(
                    [this, event, is_past = event.sequence <= past] { takeEvent(event, is_past); });
                return !stop.stop_requested();
            });
            // A stream that was idle too long, or began too late, is opened again at once.
            if (are_lost) continue;
            if (!ended.ok() && ended.error().kind == ErrorKind::Timeout) continue;
        } else {
            ended = std::move(status).error();
        }
        if (stop.stop_requested()) return;
        if (!client.health().ok()) {
            const std::string reason = ended.ok() ? std::string() : ended.error().message;
            post([this, reason] { setLink(Link::Missing, QString::fromStdString(reason)); });
        }
        pause_for(stop, kRetry);
    }
}

void DaemonState::takeEvent(const api::Event& event, bool is_past) {
    if (!is_past) {
        askStatus();
        if (changes_devices(event.type)) askDevices();
    }
    Q_EMIT happened(event, is_past);
}

void DaemonState::setLink(Link state, const QString& reason) {
    if (link_state_ == state && reason_ == reason) return;
    link_state_ = state;
    reason_ = reason;
    Q_EMIT linkChanged();
}

const api::VaultInfo* DaemonState::vault(const QString& id_or_name) const {
    const std::string wanted = id_or_name.toStdString();
    const auto found = std::ranges::find_if(status_.vaults, [&](const api::VaultInfo& vault) {
        return vault.id == wanted || vault.name == wanted;
    });
    return wanted.empty() || found == status_.vaults.end() ? nullptr : &*found;
}

void DaemonState::refresh() {
    askStatus();
    askDevices();
}

void DaemonState::show(api::StatusReport status, api::DeviceList devices) {
    follower_.request_stop();
    if (follower_.joinable()) follower_.join();
    QCoreApplication::removePostedEvents(this);
    status_ = std::move(status);
    devices_ = std::move(devices);
    setLink(Link::Connected, {});
    Q_EMIT statusChanged();
    Q_EMIT devicesChanged();
}

void DaemonState::askStatus() {
    status_question_.is_wanted_again = status_question_.is_asked;
    if (status_question_.is_asked) return;
    status_question_.is_asked = true;
    link_.ask(
        this, [](api::DaemonClient& client) { return client.status(); },
        [this](Result<api::StatusReport> status) {
            status_question_.is_asked = false;
            if (status.ok()) {
                status_ = std::move(*status);
                Q_EMIT statusChanged();
            }
            if (status_question_.is_wanted_again) askStatus();
        });
}

void DaemonState::askDevices() {
    devices_question_.is_wanted_again = devices_question_.is_asked;
    if (devices_question_.is_asked) return;
    devices_question_.is_asked = true;
    link_.ask(
        this, [](api::DaemonClient& client) { return client.devices(); },
        [this](Result<api::DeviceList> devices) {
            devices_question_.is_asked = false;
            if (devices.ok()) {
                devices_ = std::move(*devices);
                Q_EMIT devicesChanged();
            }
            if (devices_question_.is_wanted_again) askDevices();
        });
}

}  // namespace lockstep::gui
