// What the daemon said last, for every window: status, devices, and what happens.
#pragma once

#include <QHash>
#include <QObject>
#include <QString>
#include <QTimer>
#include <memory>
#include <thread>

#include "daemon/api/messages.h"
#include "gui/client/daemon_link.h"

namespace lockstep::gui {

// Follows the daemon's events and asks for the status anew when one says that it may be another: at
// most one question of each kind is under way.
//
// THREADS: the GUI's; the events are read on "ls-follow".
class DaemonState : public QObject {
    Q_OBJECT

  public:
    enum class Link { Connecting, Connected, Missing };

    explicit DaemonState(DaemonLink& link, QObject* parent = nullptr);
    ~DaemonState() override;

    DaemonLink& link() { return link_; }
    Link linkState() const { return link_state_; }
    // Why the daemon is missing, as a sentence.
    const QString& reason() const { return reason_; }
    const api::StatusReport& status() const { return status_; }
    const api::DeviceList& devices() const { return devices_; }
    // Null when there is none. By id or, for a vault that could not be opened, by name.
    const api::VaultInfo* vault(const QString& id_or_name) const;

    // Asks again; for what the caller has just changed.
    void refresh();
    // For tests and screenshots: as if the daemon had said this.
    void show(api::StatusReport status, api::DeviceList devices);

  Q_SIGNALS:
    void linkChanged();
    void statusChanged();
    void devicesChanged();
    // `is_past`: it happened before this app followed.
    void happened(const api::Event& event, bool is_past);

  private:
    // One question that may be asked again while it is under way.
    struct Question {
        bool is_asked = false;
        bool is_wanted_again = false;
    };

    void follow(const std::stop_token& stop);
    void takeEvent(const api::Event& event, bool is_past);
    void setLink(Link state, const QString& reason);
    void askStatus();
    void askDevices();

    DaemonLink& link_;
    Link link_state_ = Link::Connecting;
    QString reason_;
    api::StatusReport status_;
    api::DeviceList devices_;
    Question status_question_, devices_question_;
    std::jthread follower_;  // last: it ends before the rest goes
};

// The name under which a vault is asked for: its id, or its name when it has none.
std::string reference_of(const api::VaultInfo& vault);

}  // namespace lockstep::gui
