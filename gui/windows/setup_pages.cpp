#include "gui/windows/setup_pages.h"

#include <QDesktopServices>
#include <QDir>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QRandomGenerator>
#include <QUrl>
#include <QVBoxLayout>
#include <utility>

#include "gui/client/autostart.h"
#include "gui/models/join_link.h"
#include "gui/models/text.h"

namespace lockstep::gui {

SetupPage::SetupPage(SetupWizard& wizard) : wizard_(wizard), failure_(new QLabel(this)) {
    failure_->setWordWrap(true);
    failure_->setTextFormat(Qt::PlainText);
    failure_->setVisible(false);
    failure_->setObjectName(QStringLiteral("failure"));
    auto* all = new QVBoxLayout(this);
    all->addWidget(failure_);
}

QLabel* SetupPage::addText(const QString& text) {
    auto* label = new QLabel(text, this);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    layout()->addWidget(label);
    return label;
}

bool SetupPage::validatePage() {
    // Who comes back to the page is asked again.
    if (is_done_) return std::exchange(is_done_, false);
    if (is_asking_) return false;
    say({});
    is_asking_ = true;
    Q_EMIT completeChanged();
    ask();
    return std::exchange(is_done_, false);
}

void SetupPage::done() {
    // Whoever answers at once is still in validatePage(), which goes on by itself.
    is_done_ = true;
    is_asking_ = false;
    Q_EMIT completeChanged();
}

void SetupPage::failed(const Error& error) {
    is_asking_ = false;
    say(text_of(error.message));
    Q_EMIT completeChanged();
}

void SetupPage::say(const QString& failure) {
    failure_->setText(failure);
    failure_->setVisible(!failure.isEmpty());
}

FolderChoice::FolderChoice(QWidget* parent)
    : QWidget(parent),
      is_shown_(new QCheckBox(tr("&Show it as a folder:"), this)),
      line_(new QLineEdit(this)) {
    is_shown_->setObjectName(QStringLiteral("showAsFolder"));
    is_shown_->setChecked(true);
    line_->setObjectName(QStringLiteral("folder"));
    line_->setAccessibleName(tr("Folder"));
    auto* browse = new QPushButton(tr("&Browse…"), this);
    connect(is_shown_, &QCheckBox::toggled, line_, &QWidget::setEnabled);
    connect(is_shown_, &QCheckBox::toggled, browse, &QWidget::setEnabled);
    connect(browse, &QPushButton::clicked, this, [this] {
        const QString chosen =
            QFileDialog::getExistingDirectory(this, tr("An empty folder"), QDir::homePath());
        if (!chosen.isEmpty()) line_->setText(chosen);
    });
    auto* all = new QHBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->addWidget(is_shown_);
    all->addWidget(line_, 1);
    all->addWidget(browse);
}

QString FolderChoice::folder() const {
    return is_shown_->isChecked() ? line_->text().trimmed() : QString();
}

void FolderChoice::setFolder(const QString& folder) {
    line_->setText(folder);
}

// ---- the first run ------------------------------------------------------------------------------

DevicePage::DevicePage(SetupWizard& wizard) : SetupPage(wizard), name_(new QLineEdit(this)) {
    setTitle(tr("This device"));
    addText(
        tr("Lockstep keeps encrypted folders in step across your own devices. How shall the others "
           "call this one?"));
    name_->setObjectName(QStringLiteral("deviceName"));
    name_->setAccessibleName(tr("Name of this device"));
    layout()->addWidget(name_);
    connect(name_, &QLineEdit::textChanged, this, &QWizardPage::completeChanged);
}

void DevicePage::initializePage() {
    name_->setText(text_of(wizard_.state().status().device.label));
}

bool DevicePage::isComplete() const {
    return SetupPage::isComplete() && !name_->text().trimmed().isEmpty();
}

void DevicePage::ask() {
    wizard_.state().link().ask(
        this,
        [name = name_->text().trimmed().toStdString()](api::DaemonClient& client) {
            return client.rename_device("self", {name});
        },
        [this](Result<api::DeviceInfo> renamed) {
            if (!renamed.ok()) return failed(renamed.error());
            done();
            wizard_.next();
        });
}

ChoicePage::ChoicePage(SetupWizard& wizard)
    : SetupPage(wizard),
      new_(new QRadioButton(tr("Make a &new vault"), this)),
      join_(new QRadioButton(tr("&Join a vault that another device has"), this)) {
    setTitle(tr("Vault"));
    addText(tr("A vault is an encrypted folder that several devices keep."));
    new_->setChecked(true);
    join_->setObjectName(QStringLiteral("chooseJoin"));
    layout()->addWidget(new_);
    layout()->addWidget(join_);
}

int ChoicePage::nextId() const {
    return join_->isChecked() ? SetupWizard::JoinPage : SetupWizard::NewVaultPage;
}

// ---- a new vault --------------------------------------------------------------------------------

NewVaultPage::NewVaultPage(SetupWizard& wizard)
    : SetupPage(wizard), name_(new QLineEdit(this)), folder_(new FolderChoice(this)) {
    setTitle(tr("New vault"));
    addText(tr("What shall it be called, and where shall its files be seen?"));
    name_->setObjectName(QStringLiteral("vaultName"));
    name_->setAccessibleName(tr("Name of the vault"));
    layout()->addWidget(name_);
    layout()->addWidget(folder_);
    connect(name_, &QLineEdit::textChanged, this, [this] {
        folder_->setFolder(name().isEmpty() ? QString()
                                            : QDir::homePath() + QLatin1Char('/') + name());
        Q_EMIT completeChanged();
    });
}

bool NewVaultPage::isComplete() const {
    return SetupPage::isComplete() && !name().isEmpty();
}

// ---- joining ------------------------------------------------------------------------------------

JoinPage::JoinPage(SetupWizard& wizard)
    : SetupPage(wizard), link_(new QPlainTextEdit(this)), folder_(new FolderChoice(this)) {
    setTitle(tr("Join a vault"));
    addText(tr("Paste or type the link that the other device shows under \"Invite\"."));
    link_->setObjectName(QStringLiteral("joinLink"));
    link_->setAccessibleName(tr("Link"));
    link_->setPlaceholderText(QStringLiteral("lockstep:…"));
    link_->setTabChangesFocus(true);
    layout()->addWidget(link_);
    layout()->addWidget(folder_);
    folder_->setFolder(QDir::homePath() + QStringLiteral("/Lockstep"));
    setCommitPage(true);
    setButtonText(QWizard::CommitButton, tr("&Join"));
    connect(link_, &QPlainTextEdit::textChanged, this, &QWizardPage::completeChanged);
}

void JoinPage::initializePage() {
    if (!wizard_.setup().ticket.isEmpty()) link_->setPlainText(wizard_.setup().ticket);
}

bool JoinPage::isComplete() const {
    return SetupPage::isComplete() && ticket_in(link_->toPlainText()).has_value();
}

void JoinPage::ask() {
    auto request = std::make_shared<api::JoinVault>();
    request->ticket = api::SecretText(ticket_in(link_->toPlainText())->toStdString());
    request->mount = folder_->folder().toStdString();
    wizard_.setup().folder = folder_->folder();
    wizard_.state().link().ask(
        this, [request](api::DaemonClient& client) { return client.join(*request); },
        [this](Result<api::JoinInfo> join) {
            if (!join.ok()) return failed(join.error());
            wizard_.setup().join = text_of(join->id);
            done();
            wizard_.next();
        });
}

DigitsPage::DigitsPage(SetupWizard& wizard) : SetupPage(wizard), digits_(new QLabel(this)) {
    setTitle(tr("Compare"));
    text_ = addText({});
    digits_->setObjectName(QStringLiteral("joinDigits"));
    digits_->setAlignment(Qt::AlignCenter);
    QFont large = digits_->font();
    large.setPointSizeF(large.pointSizeF() * 2.5);
    large.setBold(true);
    digits_->setFont(large);
    layout()->addWidget(digits_);
    connect(&wizard.state(), &DaemonState::happened, this,
            [this](const api::Event& event, bool is_past) {
                if (!is_past && event.subject == wizard_.setup().join.toStdString() &&
                    !event.subject.empty())
                    look();
            });
    connect(&wizard, &QDialog::rejected, this, [this] {
        if (wizard_.setup().join.isEmpty() || is_joined_) return;
        wizard_.state().link().ask(
            nullptr,
            [id = wizard_.setup().join.toStdString()](api::DaemonClient& client) {
                return client.cancel_join(id);
            },
            [](const Status&) {});
    });
}

void DigitsPage::initializePage() {
    is_joined_ = false;
    text_->setText(tr("Looking for the other device…"));
    digits_->clear();
    look();
}

void DigitsPage::look() {
    wizard_.state().link().ask(
        this,
        [id = wizard_.setup().join.toStdString()](api::DaemonClient& client) {
            return client.join_state(id, {}, std::chrono::milliseconds(0));
        },
        [this](Result<api::JoinInfo> join) {
            if (!join.ok()) return say(text_of(join.error().message));
            show(*join);
        });
}

void DigitsPage::show(const api::JoinInfo& join) {
    digits_->setText(digits_text(join.digits));
    if (join.state == "waiting") {
        text_->setText(
            tr("Both devices must show these six digits. Compare them, and let this device in on "
               "the other one."));
    } else if (join.state == "joined") {
        text_->setText(tr("This device is a member now."));
        if (join.vault) {
            wizard_.setup().vault = text_of(join.vault->name);
            wizard_.setup().folder = text_of(join.vault->mount);
            wizard_.setup().problem = text_of(join.vault->problem);
        }
        is_joined_ = true;
        wizard_.state().refresh();
    } else if (join.state == "rejected") {
        text_->setText(tr("The other device has rejected this one."));
    } else if (join.state == "failed") {
        text_->setText(tr("It failed: %1").arg(text_of(join.message)));
    }
    Q_EMIT completeChanged();
}

// ---- relay and end ------------------------------------------------------------------------------

RelayPage::RelayPage(SetupWizard& wizard)
    : SetupPage(wizard),
      none_(new QRadioButton(tr("&No relay"), this)),
      own_(new QRadioButton(tr("&A relay of my own:"), this)),
      url_(new QLineEdit(this)),
      test_(new QPushButton(tr("&Test"), this)),
      result_(nullptr) {
    setTitle(tr("Relay"));
    addText(
        tr("A relay helps devices to find each other. It can read nothing. Devices that share a "
           "network, or know each other's address, need none."));
    none_->setChecked(true);
    own_->setObjectName(QStringLiteral("ownRelay"));
    url_->setObjectName(QStringLiteral("relayUrl"));
    url_->setAccessibleName(tr("Address of the relay"));
    url_->setPlaceholderText(QStringLiteral("http://relay.example.org:6970"));
    test_->setObjectName(QStringLiteral("testRelay"));
    layout()->addWidget(none_);
    layout()->addWidget(own_);
    auto* row = new QHBoxLayout;
    row->addWidget(url_, 1);
    row->addWidget(test_);
    static_cast<QVBoxLayout*>(layout())->addLayout(row);
    result_ = addText({});
    result_->setObjectName(QStringLiteral("relayResult"));
    for (QWidget* widget : {static_cast<QWidget*>(url_), static_cast<QWidget*>(test_)}) {
        widget->setEnabled(false);
        connect(own_, &QRadioButton::toggled, widget, &QWidget::setEnabled);
    }
    connect(own_, &QRadioButton::toggled, this, &QWizardPage::completeChanged);
    connect(url_, &QLineEdit::textChanged, this, &QWizardPage::completeChanged);
    connect(test_, &QPushButton::clicked, this, &RelayPage::test);
}

bool RelayPage::isComplete() const {
    return SetupPage::isComplete() && (none_->isChecked() || !url_->text().trimmed().isEmpty());
}

void RelayPage::test() {
    result_->setText(tr("Asking the relay…"));
    wizard_.state().link().ask(
        this,
        [url = url_->text().trimmed().toStdString()](api::DaemonClient& client) {
            return client.test_relay({url});
        },
        [this](Result<api::RelayInfo> relay) {
            if (!relay.ok()) return result_->setText(text_of(relay.error().message));
            result_->setText(relay->is_reachable
                                 ? tr("It answers, in %1 ms.").arg(relay->round_trip_ms)
                                 : text_of(relay->detail));
        });
}

void RelayPage::ask() {
    if (none_->isChecked()) return done();
    wizard_.state().link().ask(
        this,
        [url = url_->text().trimmed().toStdString()](api::DaemonClient& client) {
            return client.add_relay({url});
        },
        [this](Result<api::RelayList> relays) {
            if (!relays.ok() && relays.error().kind != ErrorKind::Exists)
                return failed(relays.error());
            done();
            wizard_.next();
        });
}

DonePage::DonePage(SetupWizard& wizard)
    : SetupPage(wizard),
      autostart_(new QCheckBox(tr("&Start Lockstep with my session"), this)),
      open_(new QCheckBox(tr("&Open the folder now"), this)) {
    setTitle(tr("Done"));
    text_ = addText({});
    autostart_->setObjectName(QStringLiteral("autostart"));
    open_->setObjectName(QStringLiteral("openFolder"));
    layout()->addWidget(autostart_);
    layout()->addWidget(open_);
    setFinalPage(true);
}

void DonePage::initializePage() {
    const Setup& setup = wizard_.setup();
    const bool is_shown = !setup.folder.isEmpty() && setup.problem.isEmpty();
    text_->setText(
        !setup.problem.isEmpty()
            ? tr("The vault %1 is there, but: %2").arg(setup.vault, setup.problem)
        : is_shown
            ? tr("The vault %1 is there. Its files are in %2.").arg(setup.vault, setup.folder)
            : tr("The vault %1 is there.").arg(setup.vault));
    autostart_->setVisible(wizard_.kind() == SetupWizard::Kind::FirstRun);
    autostart_->setChecked(wizard_.kind() == SetupWizard::Kind::FirstRun);
    open_->setVisible(is_shown);
    open_->setChecked(is_shown);
}

void DonePage::ask() {
    if (wizard_.kind() == SetupWizard::Kind::FirstRun)
        if (Status set = set_autostarted(autostart_->isChecked()); !set.ok())
            return failed(set.error());
    if (open_->isVisible() && open_->isChecked())
        QDesktopServices::openUrl(QUrl::fromLocalFile(wizard_.setup().folder));
    wizard_.state().refresh();
    done();
}

}  // namespace lockstep::gui
