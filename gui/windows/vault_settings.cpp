#include "gui/windows/vault_settings.h"

#include <QFileDialog>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QVBoxLayout>

#include "gui/models/text.h"
#include "gui/models/vault_view.h"
#include "gui/widgets/icons.h"
#include "gui/windows/ignore_dialog.h"

namespace lockstep::gui {

VaultSettings::VaultSettings(DaemonState& state, QWidget* parent)
    : QWidget(parent),
      state_(state),
      vaults_(new QComboBox(this)),
      unlocks_(new QLabel(this)),
      result_(new QLabel(this)),
      content_(new QWidget(this)),
      parts_(new QTabWidget(content_)),
      kept_(new VaultContent(state, parts_)) {
    vaults_->setAccessibleName(tr("Vault"));
    vaults_->setObjectName(QStringLiteral("settingsVault"));
    unlocks_->setWordWrap(true);
    result_->setWordWrap(true);
    result_->setObjectName(QStringLiteral("vaultResult"));
    auto* inner = new QVBoxLayout(content_);
    inner->setContentsMargins(0, 0, 0, 0);
    inner->addWidget(unlocks_);
    inner->addWidget(parts_, 1);
    parts_->setObjectName(QStringLiteral("vaultParts"));
    auto* kept = new QWidget(parts_);
    auto* column = new QVBoxLayout(kept);
    column->addWidget(kept_);
    column->addWidget(makeSpace());
    column->addStretch(1);
    parts_->addTab(kept, tr("Con&tent"));
    parts_->addTab(makeMirrors(), tr("&Mirrors"));
    connect(kept_, &VaultContent::said, this, &VaultSettings::say);
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
    auto* page = new QWidget(parts_);
    auto* words = new QLabel(tr("Plain folders that are kept equal to the vault:"), page);
    words->setWordWrap(true);
    mirrors_ = new QListWidget(page);
    mirrors_->setAccessibleName(tr("Mirrors"));
    mirrors_->setObjectName(QStringLiteral("mirrors"));
    add_ = new QPushButton(tr("&Add a folder…"), page);
    auto* remove = new QPushButton(tr("&Remove"), page);
    rules_ = new QPushButton(tr("What is &ignored…"), page);
    rules_->setObjectName(QStringLiteral("ignoreRulesButton"));
    for (QPushButton* button : {add_, remove, rules_}) button->setAutoDefault(false);
    connect(add_, &QPushButton::clicked, this, &VaultSettings::addMirror);
    connect(remove, &QPushButton::clicked, this, &VaultSettings::removeMirror);
    connect(rules_, &QPushButton::clicked, this, [this] {
        if (const QListWidgetItem* item = mirrors_->currentItem())
            (new IgnoreDialog(state_, item->data(Qt::UserRole).toString(), this))->open();
    });
    connect(mirrors_, &QListWidget::currentRowChanged, this,
            [this](int row) { rules_->setEnabled(row >= 0); });
    rules_->setEnabled(false);
    auto* buttons = new QHBoxLayout;
    for (QPushButton* button : {add_, remove, rules_}) buttons->addWidget(button);
    buttons->addStretch(1);
    auto* all = new QVBoxLayout(page);
    all->addWidget(words);
    all->addWidget(mirrors_, 1);
    all->addLayout(buttons);
    return page;
}

QWidget* VaultSettings::makeSpace() {
    auto* box = new QGroupBox(tr("Space"), parts_);
    auto* look = new QPushButton(tr("&How much can be freed?"), box);
    collect_ = new QPushButton(tr("&Free it"), box);
    for (QPushButton* button : {look, collect_}) button->setAutoDefault(false);
    connect(look, &QPushButton::clicked, this, [this] { collect(true); });
    connect(collect_, &QPushButton::clicked, this, [this] { collect(false); });
    auto* words = new QLabel(
        tr("What the versions of the past do not need can be freed, on every device."), box);
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
    kept_->setVault(vault == nullptr ? QString() : text_of(vault->id));
    if (vault == nullptr) return;
    unlocks_->setText(
        is_blind(*vault) ? tr("It is held here for other devices; nothing of it can be read here.")
        : vault->unlock_at_start
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
