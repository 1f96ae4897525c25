#include "gui/windows/not_running_page.h"

#include <QVBoxLayout>

#include "gui/widgets/icons.h"

namespace lockstep::gui {

NotRunningPage::NotRunningPage(DaemonState& state, DaemonStarter& starter, QWidget* parent)
    : QWidget(parent),
      state_(state),
      starter_(starter),
      headline_(new QLabel(this)),
      reason_(new QLabel(this)),
      start_(new QPushButton(tr("&Start the service"), this)) {
    auto* picture = new QLabel(this);
    picture->setPixmap(icon(QStringLiteral("state-disconnected")).pixmap(64, 64));
    QFont large = headline_->font();
    large.setPointSizeF(large.pointSizeF() * 1.4);
    headline_->setFont(large);
    headline_->setObjectName(QStringLiteral("notRunning"));
    reason_->setWordWrap(true);
    reason_->setTextFormat(Qt::PlainText);
    reason_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    reason_->setAlignment(Qt::AlignCenter);
    start_->setObjectName(QStringLiteral("startService"));
    connect(start_, &QPushButton::clicked, this, [this] {
        failure_.clear();
        starter_.start();
        fill();
    });
    connect(&starter_, &DaemonStarter::failed, this, [this](const QString& why) {
        failure_ = why;
        fill();
    });
    connect(&state_, &DaemonState::linkChanged, this, &NotRunningPage::fill);
    auto* all = new QVBoxLayout(this);
    all->addStretch(1);
    all->addWidget(picture, 0, Qt::AlignHCenter);
    all->addWidget(headline_, 0, Qt::AlignHCenter);
    all->addWidget(reason_);
    all->addWidget(start_, 0, Qt::AlignHCenter);
    all->addStretch(2);
    fill();
}

void NotRunningPage::fill() {
    if (state_.linkState() == DaemonState::Link::Connected) starter_.setAnswered();
    const bool is_starting = starter_.isStarting();
    const bool is_connecting = state_.linkState() == DaemonState::Link::Connecting;
    headline_->setText(is_connecting || is_starting ? tr("Looking for the service…")
                                                    : tr("The service does not run"));
    const QString what =
        tr("Lockstep's service (lockstepd) keeps your vaults in step. Without it nothing is synced "
           "or shown.");
    reason_->setText(is_connecting ? QString()
                                   : what + QStringLiteral("\n\n") +
                                         (failure_.isEmpty() ? state_.reason() : failure_));
    start_->setVisible(!is_connecting);
    start_->setEnabled(!is_starting);
}

}  // namespace lockstep::gui
