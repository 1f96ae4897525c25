// What relays and devices in other networks are reached through: none, SOCKS5 or HTTP.
#pragma once

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QWidget>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class ProxyForm : public QWidget {
    Q_OBJECT

  public:
    explicit ProxyForm(DaemonState& state, QWidget* parent = nullptr);

    // The value of network.proxy; what is being typed stays.
    void show(const QString& url);
    using QWidget::show;

  private:
    void touch();
    void fit();
    void use();
    void say(const QString& failure);
    // As it is told to the daemon; what is wrong is said instead.
    Result<std::string> typed() const;

    DaemonState& state_;
    QComboBox* kind_;
    QLineEdit *host_, *user_, *password_;
    QSpinBox* port_;
    QPushButton* use_;
    QLabel* failure_;
    QString shown_;           // as the daemon has told last
    bool is_edited_ = false;  // the person has changed something and not yet told it
};

}  // namespace lockstep::gui
