#include "gui/windows/invite_dialog.h"

#include <QApplication>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QVBoxLayout>

#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

constexpr std::uint64_t kHour = 3600;

QLabel* wrapped(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    return label;
}

}  // namespace

InviteDialog::InviteDialog(DaemonState& state, QWidget* parent)
    : QDialog(parent),
      state_(state),
      pages_(new QStackedWidget(this)),
      failure_(wrapped({}, this)) {
    setObjectName(QStringLiteral("inviteDialog"));
    setWindowTitle(tr("Invite a device"));
    setAttribute(Qt::WA_DeleteOnClose);
    pages_->addWidget(makeOptions());
    pages_->addWidget(makeWaiting());
    pages_->addWidget(makeAsking());
    end_ = wrapped({}, pages_);
    end_->setObjectName(QStringLiteral("inviteEnd"));
    end_->setAlignment(Qt::AlignCenter);
    pages_->addWidget(end_);
    failure_->setObjectName(QStringLiteral("failure"));
    failure_->setVisible(false);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    auto* all = new QVBoxLayout(this);
    all->addWidget(pages_, 1);
    all->addWidget(failure_);
    all->addWidget(buttons);
    setMinimumWidth(440);
    clock_.setInterval(1000);
    connect(&clock_, &QTimer::timeout, this, &InviteDialog::countDown);
    connect(&state_, &DaemonState::happened, this, [this](const api::Event& event, bool is_past) {
        if (!is_past && !invite_.isEmpty() && event.subject == invite_.toStdString()) look();
    });
}

InviteDialog::InviteDialog(DaemonState& state, const QString& vault, QWidget* parent)
    : InviteDialog(state, parent) {
    vault_ = vault;
    if (const api::VaultInfo* info = state_.vault(vault))
        setWindowTitle(tr("Invite a device to %1").arg(text_of(info->name)));
}

InviteDialog* InviteDialog::forRequest(DaemonState& state, const QString& invite, QWidget* parent) {
    auto* dialog = new InviteDialog(state, parent);
    dialog->invite_ = invite;
    dialog->pages_->setCurrentIndex(Waiting);
    dialog->look();
    return dialog;
}

QWidget* InviteDialog::makeOptions() {
    auto* page = new QWidget(pages_);
    role_ = new QComboBox(page);
    role_->addItem(tr("Writer: reads and changes files"), QStringLiteral("writer"));
    role_->addItem(tr("Reader: reads files"), QStringLiteral("reader"));
    role_->addItem(tr("Owner: also invites and removes devices"), QStringLiteral("owner"));
    role_->setAccessibleName(tr("Role"));
    expires_ = new QComboBox(page);
    expires_->addItem(tr("1 hour"), QVariant::fromValue(quint64{kHour}));
    expires_->addItem(tr("1 day"), QVariant::fromValue(quint64{24 * kHour}));
    expires_->addItem(tr("7 days"), QVariant::fromValue(quint64{7 * 24 * kHour}));
    expires_->setCurrentIndex(1);
    expires_->setAccessibleName(tr("Valid for"));
    create_ = new QPushButton(tr("&Make the link"), page);
    create_->setObjectName(QStringLiteral("createInvite"));
    create_->setDefault(true);
    connect(create_, &QPushButton::clicked, this, &InviteDialog::create);
    auto* form = new QFormLayout;
    form->addRow(tr("&Role:"), role_);
    form->addRow(tr("&Valid for:"), expires_);
    auto* all = new QVBoxLayout(page);
    all->addWidget(wrapped(tr("Who has the link can ask to join. You decide here, when both "
                              "devices show the same six digits."),
                           page));
    all->addLayout(form);
    all->addWidget(create_, 0, Qt::AlignRight);
    all->addStretch(1);
    return page;
}

QWidget* InviteDialog::makeWaiting() {
    auto* page = new QWidget(pages_);
    code_ = new QrCode(page);
    link_line_ = new QLineEdit(page);
    link_line_->setReadOnly(true);
    link_line_->setObjectName(QStringLiteral("inviteLink"));
    link_line_->setAccessibleName(tr("Link"));
    left_ = wrapped({}, page);
    auto* copy = new QPushButton(tr("&Copy the link"), page);
    connect(copy, &QPushButton::clicked, this,
            [this] { QApplication::clipboard()->setText(link_); });
    auto* row = new QHBoxLayout;
    row->addWidget(link_line_, 1);
    row->addWidget(copy);
    auto* all = new QVBoxLayout(page);
    all->addWidget(wrapped(tr("On the other device choose \"Join a vault\" and scan or paste this. "
                              "Pass it on where nobody else reads it."),
                           page));
    all->addWidget(code_, 1);
    all->addLayout(row);
    all->addWidget(left_);
    return page;
}

QWidget* InviteDialog::makeAsking() {
    auto* page = new QWidget(pages_);
    who_ = wrapped({}, page);
    digits_ = new QLabel(page);
    digits_->setObjectName(QStringLiteral("inviteDigits"));
    digits_->setAlignment(Qt::AlignCenter);
    QFont large = digits_->font();
    large.setPointSizeF(large.pointSizeF() * 2.5);
    large.setBold(true);
    digits_->setFont(large);
    accept_ = new QPushButton(tr("They are the &same: let it in"), page);
    accept_->setObjectName(QStringLiteral("acceptDevice"));
    reject_ = new QPushButton(tr("They &differ: reject it"), page);
    reject_->setObjectName(QStringLiteral("rejectDevice"));
    for (QPushButton* button : {accept_, reject_}) button->setAutoDefault(false);
    connect(accept_, &QPushButton::clicked, this, [this] { answer(true); });
    connect(reject_, &QPushButton::clicked, this, [this] { answer(false); });
    auto* all = new QVBoxLayout(page);
    all->addWidget(who_);
    all->addStretch(1);
    all->addWidget(digits_);
    all->addStretch(1);
    all->addWidget(accept_);
    all->addWidget(reject_);
    return page;
}

void InviteDialog::create() {
    create_->setEnabled(false);
    api::CreateInvite request;
    request.role = role_->currentData().toString().toStdString();
    request.expires_seconds = expires_->currentData().toULongLong();
    state_.link().ask(
        this,
        [name = vault_.toStdString(), request](api::DaemonClient& client) {
            return client.create_invite(name, request);
        },
        [this](Result<api::InviteInfo> made) {
            create_->setEnabled(true);
            if (!made.ok()) return fail(made.error());
            invite_ = text_of(made->id);
            showInvite(*made);
        });
}

void InviteDialog::look() {
    state_.link().ask(
        this,
        [id = invite_.toStdString()](api::DaemonClient& client) {
            return client.invite(id, {}, std::chrono::milliseconds(0));
        },
        [this](Result<api::InviteInfo> now) {
            if (!now.ok()) return fail(now.error());
            showInvite(*now);
        });
}

void InviteDialog::showInvite(const api::InviteInfo& invite) {
    expires_ms_ = invite.expires_ms;
    if (!invite.ticket.empty()) {
        link_ = text_of(invite.ticket.reveal());
        link_line_->setText(link_);
        link_line_->setCursorPosition(0);
        code_->setText(link_);
    }
    failure_->setVisible(false);
    clock_.start();
    countDown();
    if (invite.state == "waiting") {
        pages_->setCurrentIndex(Waiting);
    } else if (invite.state == "asking" || invite.state == "admitting") {
        who_->setText(
            tr("%1 asks to join %2 as %3. Does it show the same digits?")
                .arg(text_of(invite.device_label), text_of(invite.vault), role_text(invite.role)));
        digits_->setText(digits_text(invite.digits));
        accept_->setEnabled(invite.state == "asking");
        reject_->setEnabled(invite.state == "asking");
        accept_->setText(invite.state == "asking" ? tr("They are the &same: let it in")
                                                  : tr("Letting it in…"));
        pages_->setCurrentIndex(Asking);
    } else {
        clock_.stop();
        end_->setText(invite.state == "admitted"
                          ? tr("%1 is a member of %2 now.")
                                .arg(text_of(invite.device_label), text_of(invite.vault))
                      : invite.state == "expired"
                          ? tr("The link has expired.")
                          : tr("It failed: %1").arg(text_of(invite.message)));
        pages_->setCurrentIndex(Ended);
        state_.refresh();
    }
}

void InviteDialog::answer(bool is_accepted) {
    accept_->setEnabled(false);
    reject_->setEnabled(false);
    state_.link().ask(
        this,
        [id = invite_.toStdString(), is_accepted](api::DaemonClient& client) {
            return is_accepted ? client.accept_invite(id) : client.reject_invite(id);
        },
        [this](Result<api::InviteInfo> now) {
            state_.refresh();
            if (!now.ok()) return fail(now.error());
            showInvite(*now);
        });
}

void InviteDialog::fail(const Error& error) {
    failure_->setText(text_of(error.message));
    failure_->setVisible(true);
}

void InviteDialog::countDown() {
    const std::int64_t seconds = (expires_ms_ - now_ms()) / 1000;
    left_->setText(
        tr("Waiting for the other device. The link is valid for %1.").arg(countdown_text(seconds)));
    code_->setVisible(!link_.isEmpty());
    link_line_->setVisible(!link_.isEmpty());
}

}  // namespace lockstep::gui
