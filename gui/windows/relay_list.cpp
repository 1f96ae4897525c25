#include "gui/windows/relay_list.h"

#include <QHBoxLayout>
#include <QVBoxLayout>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

namespace {

QString notes_of(const api::RelayInfo& relay) {
    QStringList notes;
    if (relay.has_tunnels) notes += RelayList::tr("tunnels");
    if (relay.has_mailbox) notes += RelayList::tr("mailbox");
    if (relay.has_token) notes += RelayList::tr("token");
    if (!relay.pin.empty()) notes += RelayList::tr("key pinned");
    return notes.isEmpty() ? QString()
                           : QStringLiteral(" (%1)").arg(notes.join(QStringLiteral(", ")));
}

}  // namespace

RelayList::RelayList(DaemonState& state, QWidget* parent)
    : QWidget(parent),
      state_(state),
      list_(new QListWidget(this)),
      url_(new QLineEdit(this)),
      token_(new QLineEdit(this)),
      pin_(new QLineEdit(this)),
      result_(new QLabel(this)) {
    list_->setAccessibleName(tr("Relays"));
    list_->setObjectName(QStringLiteral("relays"));
    list_->setMaximumHeight(list_->fontMetrics().height() * 4);
    url_->setPlaceholderText(QStringLiteral("http://relay.example.org:6970"));
    url_->setAccessibleName(tr("Address of a relay"));
    url_->setObjectName(QStringLiteral("newRelay"));
    token_->setPlaceholderText(tr("Token, where it wants one"));
    token_->setAccessibleName(tr("Token of the relay"));
    token_->setObjectName(QStringLiteral("relayToken"));
    token_->setEchoMode(QLineEdit::Password);
    pin_->setPlaceholderText(tr("Key, where no authority vouches for it"));
    pin_->setAccessibleName(tr("Key of the relay, 64 hexadecimal digits"));
    pin_->setObjectName(QStringLiteral("relayPin"));
    result_->setObjectName(QStringLiteral("relayAnswer"));
    result_->setWordWrap(true);
    result_->setVisible(false);
    auto* add = new QPushButton(tr("A&dd"), this);
    add->setObjectName(QStringLiteral("addRelay"));
    auto* test = new QPushButton(tr("&Test"), this);
    auto* remove = new QPushButton(tr("&Remove"), this);
    remove->setObjectName(QStringLiteral("removeRelay"));
    for (QPushButton* button : {add, test, remove}) button->setAutoDefault(false);
    connect(add, &QPushButton::clicked, this, &RelayList::add);
    connect(test, &QPushButton::clicked, this, &RelayList::test);
    connect(remove, &QPushButton::clicked, this, &RelayList::remove);
    auto* row = new QHBoxLayout;
    row->addWidget(url_, 1);
    for (QPushButton* button : {add, test, remove}) row->addWidget(button);
    auto* trust = new QHBoxLayout;
    trust->addWidget(token_, 1);
    trust->addWidget(pin_, 1);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->addWidget(list_);
    all->addLayout(row);
    all->addLayout(trust);
    all->addWidget(result_);
    connect(&state_, &DaemonState::statusChanged, this, &RelayList::fill);
    fill();
}

void RelayList::fill() {
    const QListWidgetItem* chosen = list_->currentItem();
    const QString url = chosen == nullptr ? QString() : chosen->data(Qt::UserRole).toString();
    list_->clear();
    for (const api::RelayInfo& relay : state_.status().relays) {
        const QString name = relay.is_reachable ? QStringLiteral("state-up-to-date")
                                                : QStringLiteral("state-disconnected");
        auto* item = new QListWidgetItem(
            icon(name),
            tr("%1: %2").arg(text_of(relay.url), text_of(relay.detail)) + notes_of(relay), list_);
        item->setData(Qt::UserRole, text_of(relay.url));
        if (text_of(relay.url) == url) list_->setCurrentItem(item);
    }
}

void RelayList::add() {
    auto request = std::make_shared<api::RelayUrl>();
    request->url = url_->text().trimmed().toStdString();
    request->token = api::SecretText(token_->text().trimmed().toStdString());
    request->pin = pin_->text().trimmed().toLower().toStdString();
    state_.link().ask(
        this, [request](api::DaemonClient& client) { return client.add_relay(*request); },
        [this](Result<api::RelayList> relays) {
            state_.refresh();
            result_->setVisible(!relays.ok());
            if (!relays.ok()) return result_->setText(text_of(relays.error().message));
            for (QLineEdit* line : {url_, token_, pin_}) line->clear();
        });
}

void RelayList::remove() {
    const QListWidgetItem* item = list_->currentItem();
    if (item == nullptr) return;
    state_.link().ask(
        this,
        [url = item->data(Qt::UserRole).toString().toStdString()](api::DaemonClient& client) {
            return client.remove_relay(url);
        },
        [this](Result<api::RelayList> relays) {
            state_.refresh();
            result_->setVisible(!relays.ok());
            if (!relays.ok()) result_->setText(text_of(relays.error().message));
        });
}

void RelayList::test() {
    const QListWidgetItem* item = list_->currentItem();
    const QString url = item != nullptr && url_->text().isEmpty()
                            ? item->data(Qt::UserRole).toString()
                            : url_->text().trimmed();
    if (url.isEmpty()) return;
    result_->setVisible(true);
    result_->setText(tr("Asking the relay…"));
    state_.link().ask(
        this,
        [url = url.toStdString()](api::DaemonClient& client) { return client.test_relay({url}); },
        [this](Result<api::RelayInfo> relay) {
            if (!relay.ok()) return result_->setText(text_of(relay.error().message));
            result_->setText(relay->is_reachable
                                 ? tr("It answers, in %1 ms.").arg(relay->round_trip_ms)
                                 : text_of(relay->detail));
        });
}

}  // namespace lockstep::gui
