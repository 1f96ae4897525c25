#include "gui/windows/vault_settings.h"

#include <QFileDialog>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QVBoxLayout>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

VaultSettings::VaultSettings(DaemonState& state, QWidget* parent)
    : QWidget(parent),
      state_(state),
      vaults_(new QComboBox(this)),
      unlocks_(new QLabel(this)),
      result_(new QLabel(this)),
      content_(new QWidget(this)) {
    vaults_->setAccessibleName(tr("Vault"));
    vaults_->setObjectName(QStringLiteral("settingsVault"));
    unlocks_->setWordWrap(true);
    result_->setWordWrap(true);
    result_->setObjectName(QStringLiteral("vaultResult"));
    auto* inner = new QVBoxLayout(content_);
    inner->setContentsMargins(0, 0, 0, 0);
    inner->addWidget(unlocks_);
    inner->addWidget(makeMirrors());
    inner->addWidget(makeSpace());
    auto* all = new QVBoxLayout(this);
    all->addWidget(vaults_);
    all->addWidget(content_);
    all->addWidget(result_);
    all->addStretch(1);
    connect(vaults_, &QComboBox::currentIndexChanged, this, [this] {
        result_->clear();
        fill();
    });
    connect(&state_, &DaemonState::statusChanged, this, &VaultSettings::fillVaults);
    fillVaults();
}

QWidget* VaultSettings::makeMirrors() {
    auto* box = new QGroupBox(tr("Mirrors: plain folders kept equal to the vault"), content_);
    mirrors_ = new QListWidget(box);
    mirrors_->setAccessibleName(tr("Mirrors"));
    mirrors_->setObjectName(QStringLiteral("mirrors"));
    mirrors_->setMaximumHeight(mirrors_->fontMetrics().height() * 5);
    add_ = new QPushButton(tr("&Add a folder…"), box);
    auto* remove = new QPushButton(tr("&Remove"), box);
    ignored_ = new QLineEdit(box);
    ignored_->setPlaceholderText(tr("Path of a file in a mirror"));
    ignored_->setAccessibleName(tr("Path of a file in a mirror"));
    auto* test = new QPushButton(tr("Is it &ignored?"), box);
    for (QPushButton* button : {add_, remove, test}) button->setAutoDefault(false);
    connect(add_, &QPushButton::clicked, this, &VaultSettings::addMirror);
    connect(remove, &QPushButton::clicked, this, &VaultSettings::removeMirror);
    connect(test, &QPushButton::clicked, this, &VaultSettings::testIgnored);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(add_);
    buttons->addWidget(remove);
    buttons->addStretch(1);
    auto* row = new QHBoxLayout;
    row->addWidget(ignored_, 1);
    row->addWidget(test);
    auto* all = new QVBoxLayout(box);
    all->addWidget(mirrors_);
    all->addLayout(buttons);
    all->addLayout(row);
    return box;
}

QWidget* VaultSettings::makeSpace() {
    auto* box = new QGroupBox(tr("Space"), content_);
    auto* look = new QPushButton(tr("&How much can be freed?"), box);
    collect_ = new QPushButton(tr("&Free it"), box);
    for (QPushButton* button : {look, collect_}) button->setAutoDefault(false);
    connect(look, &QPushButton::clicked, this, [this] { collect(true); });
    connect(collect_, &QPushButton::clicked, this, [this] { collect(false); });
    auto* words = new QLabel(
        tr("What was replaced or deleted more than 30 days ago can be freed, on every device."),
        box);
    words->setWordWrap(true);
    auto* row = new QHBoxLayout;
    row->addWidget(look);
    row->addWidget(collect_);
    row->addStretch(1);
    auto* all = new QVBoxLayout(box);
    all->addWidget(words);
    all->addLayout(row);
    return box;
}

std::string VaultSettings::vault() const {
    return vaults_->currentData().toString().toStdString();
}

void VaultSettings::fillVaults() {
    QStringList now, shown;
    for (const api::VaultInfo& vault : state_.status().vaults)
        if (!vault.id.empty()) now += text_of(vault.id);
    for (int index = 0; index < vaults_->count(); ++index)
        shown += vaults_->itemData(index).toString();
    if (now != shown) {
        vaults_->clear();
        for (const api::VaultInfo& vault : state_.status().vaults)
            if (!vault.id.empty()) vaults_->addItem(text_of(vault.name), text_of(vault.id));
    }
    fill();
}

void VaultSettings::fill() {
    const api::VaultInfo* vault = state_.vault(vaults_->currentData().toString());
    content_->setEnabled(vault != nullptr);
    if (vault == nullptr) return;
    unlocks_->setText(
        vault->unlock_at_start
            ? tr("It unlocks by itself: this device keeps its key.")
            : tr("It asks for its passphrase. To unlock it by itself, say so when you unlock it."));
    add_->setEnabled(vault->state != "locked");
    collect_->setEnabled(vault->state != "locked");
    const QListWidgetItem* chosen = mirrors_->currentItem();
    const QString directory = chosen == nullptr ? QString() : chosen->data(Qt::UserRole).toString();
    mirrors_->clear();
    for (const api::MirrorInfo& mirror : vault->mirrors) {
        const bool is_stopped = mirror.state == "stopped";
        const QString where =
            mirror.path.empty() ? QString() : tr(" (folder %1)").arg(text_of(mirror.path));
        auto* item = new QListWidgetItem(
            icon(is_stopped ? QStringLiteral("state-error") : QStringLiteral("folder")),
            tr("%1%2: %3").arg(text_of(mirror.directory), where, text_of(mirror.state)), mirrors_);
        item->setData(Qt::UserRole, text_of(mirror.directory));
        item->setToolTip(text_of(mirror.problem));
        if (text_of(mirror.directory) == directory) mirrors_->setCurrentItem(item);
    }
}

void VaultSettings::addMirror() {
    auto* dialog = new QFileDialog(this, tr("A folder to keep equal to the vault"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& directory) {
        api::AddMirror request;
        request.directory = directory.toStdString();
        state_.link().ask(
            this,
            [vault = vault(), request](api::DaemonClient& client) {
                return client.add_mirror(vault, request);
            },
            [this](Result<api::MirrorInfo> mirror) {
                state_.refresh();
                say(mirror.ok() ? QString() : text_of(mirror.error().message));
            });
    });
    dialog->open();
}

void VaultSettings::removeMirror() {
    const QListWidgetItem* item = mirrors_->currentItem();
    if (item == nullptr) return;
    state_.link().ask(
        this,
        [directory = item->data(Qt::UserRole).toString().toStdString()](api::DaemonClient& client) {
            return client.remove_mirror({directory});
        },
        [this](const Status& removed) {
            state_.refresh();
            say(removed.ok() ? tr("The folder stays as it is; it is not kept equal any more.")
                             : text_of(removed.error().message));
        });
}

void VaultSettings::testIgnored() {
    state_.link().ask(
        this,
        [path = ignored_->text().trimmed().toStdString()](api::DaemonClient& client) {
            return client.test_ignore({path});
        },
        [this](Result<api::IgnoreAnswer> answer) {
            if (!answer.ok()) return say(text_of(answer.error().message));
            say(!answer->is_ignored
                    ? tr("It is not ignored.")
                    : tr("It is ignored, by the rule: %1").arg(text_of(answer->rule)));
        });
}

void VaultSettings::collect(bool is_dry_run) {
    state_.link().ask(
        this,
        [vault = vault(), is_dry_run](api::DaemonClient& client) {
            return client.collect(vault, {.is_dry_run = is_dry_run});
        },
        [this, is_dry_run](Result<api::CollectAnswer> answer) {
            if (!answer.ok()) return say(text_of(answer.error().message));
            const QString size = size_text(answer->bytes);
            say(is_dry_run ? tr("%1 can be freed.").arg(size)
                           : tr("%1 are freed as soon as every device has agreed.").arg(size));
        });
}

void VaultSettings::say(const QString& text) {
    result_->setText(text);
}

}  // namespace lockstep::gui
