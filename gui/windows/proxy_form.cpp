#include "gui/windows/proxy_form.h"

#include <QHBoxLayout>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include "base/http/proxy.h"
#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

enum Kind { kNone, kSocks5, kHttp };

constexpr int kUsualPort = 1080;

QString hidden_password() {
    return QString::fromUtf8(kHiddenPassword.data(), static_cast<int>(kHiddenPassword.size()));
}

}  // namespace

ProxyForm::ProxyForm(DaemonState& state, QWidget* parent)
    : QWidget(parent),
      state_(state),
      kind_(new QComboBox(this)),
      host_(new QLineEdit(this)),
      user_(new QLineEdit(this)),
      password_(new QLineEdit(this)),
      port_(new QSpinBox(this)),
      use_(new QPushButton(tr("Use this pro&xy"), this)),
      failure_(new QLabel(this)) {
    kind_->setObjectName(QStringLiteral("proxyKind"));
    kind_->addItems({tr("none"), tr("SOCKS5"), tr("HTTP (CONNECT)")});
    kind_->setAccessibleName(tr("Kind of proxy"));
    host_->setObjectName(QStringLiteral("proxyHost"));
    host_->setPlaceholderText(QStringLiteral("proxy.example.org"));
    host_->setAccessibleName(tr("Name or address of the proxy"));
    port_->setObjectName(QStringLiteral("proxyPort"));
    port_->setRange(1, 65535);
    port_->setValue(kUsualPort);
    port_->setAccessibleName(tr("Port of the proxy"));
    user_->setObjectName(QStringLiteral("proxyUser"));
    user_->setPlaceholderText(tr("User, where it wants one"));
    user_->setAccessibleName(tr("User at the proxy"));
    password_->setObjectName(QStringLiteral("proxyPassword"));
    password_->setPlaceholderText(tr("Password"));
    password_->setAccessibleName(tr("Password at the proxy"));
    password_->setEchoMode(QLineEdit::Password);
    use_->setObjectName(QStringLiteral("useProxy"));
    use_->setAutoDefault(false);
    failure_->setObjectName(QStringLiteral("proxyFailure"));
    failure_->setWordWrap(true);
    failure_->setVisible(false);
    auto* note = new QLabel(tr("Relays and devices in other networks are reached through it alone; "
                               "devices on the local network directly."),
                            this);
    note->setWordWrap(true);
    auto* place = new QHBoxLayout;
    place->addWidget(kind_);
    place->addWidget(host_, 1);
    place->addWidget(port_);
    auto* trust = new QHBoxLayout;
    trust->addWidget(user_, 1);
    trust->addWidget(password_, 1);
    trust->addWidget(use_);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->addLayout(place);
    all->addLayout(trust);
    all->addWidget(failure_);
    all->addWidget(note);
    for (QLineEdit* line : {host_, user_, password_})
        connect(line, &QLineEdit::textEdited, this, &ProxyForm::touch);
    connect(port_, &QSpinBox::valueChanged, this, &ProxyForm::touch);
    connect(kind_, &QComboBox::currentIndexChanged, this, &ProxyForm::touch);
    connect(use_, &QPushButton::clicked, this, &ProxyForm::use);
    fit();
}

void ProxyForm::touch() {
    is_edited_ = true;
    fit();
}

void ProxyForm::fit() {
    const bool is_some = kind_->currentIndex() != kNone;
    for (QWidget* widget : std::initializer_list<QWidget*>{host_, port_, user_, password_})
        widget->setEnabled(is_some);
    use_->setEnabled(is_edited_);
}

void ProxyForm::show(const QString& url) {
    shown_ = url;
    if (is_edited_) return;
    const QSignalBlocker quiet_kind(kind_), quiet_port(port_);
    const auto proxy = parse_proxy_url(url.toStdString());
    kind_->setCurrentIndex(!proxy.ok()                          ? kNone
                           : proxy->kind == Proxy::Kind::Socks5 ? kSocks5
                                                                : kHttp);
    host_->setText(proxy.ok() ? text_of(proxy->host) : QString());
    port_->setValue(proxy.ok() ? proxy->port : kUsualPort);
    user_->setText(proxy.ok() ? text_of(proxy->user) : QString());
    // The daemon tells no password, and takes its sign for the one that is set.
    password_->setText(proxy.ok() && !proxy->password.empty() ? hidden_password() : QString());
    fit();
}

Result<std::string> ProxyForm::typed() const {
    if (kind_->currentIndex() == kNone) return std::string();
    const auto wrong = [](const QString& why) {
        return Error{ErrorKind::Invalid, why.toStdString()};
    };
    Proxy proxy;
    proxy.kind = kind_->currentIndex() == kSocks5 ? Proxy::Kind::Socks5 : Proxy::Kind::Http;
    proxy.host = host_->text().trimmed().toStdString();
    proxy.port = static_cast<std::uint16_t>(port_->value());
    proxy.user = user_->text().toStdString();
    proxy.password = password_->text().toStdString();
    if (proxy.host.empty()) return wrong(tr("The proxy's name or address is missing."));
    if (proxy.user.empty() && !proxy.password.empty())
        return wrong(tr("There is a password and no user."));
    if (proxy.host.starts_with('[') && proxy.host.ends_with(']'))
        proxy.host = proxy.host.substr(1, proxy.host.size() - 2);
    std::string url = proxy_url(proxy);
    if (auto valid = parse_proxy_url(url); !valid.ok()) return std::move(valid).error();
    return url;
}

void ProxyForm::use() {
    Result<std::string> url = typed();
    if (!url.ok()) return say(text_of(url.error().message));
    say({});
    state_.link().ask(
        this,
        [wish = api::ConfigValue{"network.proxy", *url}](api::DaemonClient& client) {
            return client.set_config(wish);
        },
        [this](Result<api::ConfigList> config) {
            if (!config.ok()) return say(text_of(config.error().message));
            is_edited_ = false;
            for (const api::ConfigValue& value : config->values)
                if (value.key == "network.proxy") show(text_of(value.value));
        });
}

void ProxyForm::say(const QString& failure) {
    failure_->setText(failure);
    failure_->setVisible(!failure.isEmpty());
}

}  // namespace lockstep::gui
