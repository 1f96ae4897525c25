#include "gui/windows/activity_page.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"
#include "gui/widgets/table.h"

namespace lockstep::gui {

namespace {

constexpr int kRowsOfFiles = 6;  // that are seen at once

}  // namespace

ActivityPage::ActivityPage(DaemonState& state, Commands& commands, ActivityModel& model,
                           QWidget* parent)
    : QWidget(parent),
      state_(state),
      commands_(commands),
      model_(model),
      vaults_(new QComboBox(this)),
      devices_(new QComboBox(this)),
      kinds_(new QComboBox(this)),
      files_(new QListWidget(this)) {
    filter_.setSourceModel(&model_);
    table_ = make_table(&filter_, tr("Activity"), this);
    table_->setObjectName(QStringLiteral("activityTable"));
    files_->setObjectName(QStringLiteral("activityFiles"));
    files_->setAccessibleName(tr("Files that this is about"));
    files_->setUniformItemSizes(true);
    files_->setVisible(false);
    auto* all = new QVBoxLayout(this);
    all->addLayout(makeFilters());
    all->addWidget(table_, 1);
    all->addWidget(files_);
    all->addLayout(makeButtons());
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &ActivityPage::fillFiles);
    connect(&model_, &ActivityModel::filesForgotten, this, &ActivityPage::fillFiles);
    connect(files_, &QListWidget::currentRowChanged, this, &ActivityPage::fillButtons);
    connect(files_, &QListWidget::itemActivated, this, &ActivityPage::showFileHistory);
    connect(&state_, &DaemonState::statusChanged, this, &ActivityPage::fillVaults);
    connect(&state_, &DaemonState::statusChanged, this, &ActivityPage::fillButtons);
    connect(&state_, &DaemonState::devicesChanged, this, &ActivityPage::fillDevices);
    fillVaults();
    fillDevices();
    fillButtons();
    table_->setColumnWidth(ActivityModel::Time, 150);
    table_->setColumnWidth(ActivityModel::Kind, 160);
}

QLayout* ActivityPage::makeButtons() {
    open_ = new QPushButton(icon(QStringLiteral("folder")), tr("&Open folder"), this);
    open_->setObjectName(QStringLiteral("activityOpen"));
    connect(open_, &QPushButton::clicked, this, &ActivityPage::openFolder);
    file_history_ =
        new QPushButton(icon(QStringLiteral("history")), tr("History of this &file"), this);
    file_history_->setObjectName(QStringLiteral("activityFileHistory"));
    connect(file_history_, &QPushButton::clicked, this, &ActivityPage::showFileHistory);
    history_ = new QPushButton(icon(QStringLiteral("history")), tr("&History of the vault"), this);
    connect(history_, &QPushButton::clicked, this, [this] {
        if (const api::VaultInfo* vault = selectedVault())
            Q_EMIT commands_.historyWanted(text_of(reference_of(*vault)));
    });
    auto* changes = new QPushButton(tr("Files that &changed…"), this);
    changes->setObjectName(QStringLiteral("changedFiles"));
    changes->setToolTip(tr("Within a day, with the history of each file"));
    connect(changes, &QPushButton::clicked, this, [this] {
        const api::VaultInfo* vault = selectedVault();
        if (vault == nullptr) vault = state_.vault(vaults_->currentText());
        for (const api::VaultInfo& other : state_.status().vaults)
            if (vault == nullptr && other.state != "locked") vault = &other;
        if (vault != nullptr) Q_EMIT changesWanted(text_of(reference_of(*vault)));
    });
    auto* row = new QHBoxLayout;
    for (QPushButton* button : {open_, file_history_, history_, changes}) row->addWidget(button);
    row->addStretch(1);
    return row;
}

const api::Event* ActivityPage::selected() const {
    return model_.eventAt(selected_row(table_));
}

const api::VaultInfo* ActivityPage::selectedVault() const {
    const api::Event* event = selected();
    return event == nullptr ? nullptr : state_.vault(text_of(event->vault));
}

std::string ActivityPage::selectedPath() const {
    const api::Event* event = selected();
    const int row = files_->currentRow();
    if (event == nullptr || row < 0 || row >= static_cast<int>(event->files.size())) return {};
    return ActivityModel::pathOf(event->files[static_cast<std::size_t>(row)]);
}

void ActivityPage::fillFiles() {
    const api::Event* event = selected();
    files_->clear();
    if (event != nullptr)
        for (const api::ChangedFile& file : event->files) files_->addItem(text_of(file.path));
    files_->setVisible(files_->count() > 0);
    if (files_->count() > 0) {
        const int rows = std::min(files_->count(), kRowsOfFiles);
        files_->setFixedHeight(rows * files_->sizeHintForRow(0) + 2 * files_->frameWidth() + 2);
        files_->setCurrentRow(0);
    }
    fillButtons();
}

void ActivityPage::fillButtons() {
    const api::VaultInfo* vault = selectedVault();
    const bool is_open = vault != nullptr && vault->state != "locked";
    open_->setEnabled(is_open && !folder_of(*vault).isEmpty());
    history_->setEnabled(is_open);
    file_history_->setEnabled(is_open && !selectedPath().empty());
}

void ActivityPage::openFolder() {
    const api::VaultInfo* vault = selectedVault();
    if (vault == nullptr) return;
    const QString reference = text_of(reference_of(*vault));
    const std::string path = selectedPath();
    if (path.empty()) return commands_.openFolder(reference);
    commands_.openFolderOf(reference, path);
}

void ActivityPage::showFileHistory() {
    const api::VaultInfo* vault = selectedVault();
    const std::string path = selectedPath();
    if (vault != nullptr && !path.empty() && file_history_->isEnabled())
        Q_EMIT commands_.fileHistoryWanted(text_of(reference_of(*vault)), path);
}

QLayout* ActivityPage::makeFilters() {
    vaults_->setAccessibleName(tr("Show only this vault"));
    devices_->setAccessibleName(tr("Show only this device"));
    devices_->setObjectName(QStringLiteral("activityDevice"));
    connect(devices_, &QComboBox::currentIndexChanged, this, [this](int index) {
        if (index <= 0) return filter_.setDevice({}, {});
        filter_.setDevice(devices_->itemData(index).toString(), devices_->itemText(index));
    });
    kinds_->setAccessibleName(tr("Show only this kind"));
    kinds_->addItem(tr("All kinds"));
    for (const char* kind :
         {"files", "files.added", "files.changed", "files.renamed", "files.removed",
          "files.attributes", "vault", "mirror", "device", "invite", "join", "config", "daemon"})
        kinds_->addItem(ActivityModel::kindText(QString::fromLatin1(kind)),
                        QString::fromLatin1(kind));
    auto* search = new QLineEdit(this);
    search->setPlaceholderText(tr("Search"));
    search->setAccessibleName(tr("Search"));
    search->setClearButtonEnabled(true);
    connect(vaults_, &QComboBox::currentIndexChanged, this, [this](int index) {
        filter_.setVault(index <= 0 ? QString() : vaults_->itemText(index));
    });
    connect(kinds_, &QComboBox::currentIndexChanged, this, [this](int index) {
        filter_.setKind(index <= 0 ? QString() : kinds_->itemText(index));
    });
    connect(search, &QLineEdit::textChanged, &filter_, &ActivityFilter::setText);
    auto* row = new QHBoxLayout;
    row->addWidget(vaults_);
    row->addWidget(devices_);
    row->addWidget(kinds_);
    row->addWidget(search, 1);
    return row;
}

void ActivityPage::fillVaults() {
    QStringList names = {tr("All vaults")};
    for (const api::VaultInfo& vault : state_.status().vaults) names += text_of(vault.name);
    QStringList shown;
    for (int index = 0; index < vaults_->count(); ++index) shown += vaults_->itemText(index);
    if (shown == names) return;
    const QString current = vaults_->currentText();
    vaults_->clear();
    vaults_->addItems(names);
    vaults_->setCurrentIndex(std::max(0, vaults_->findText(current)));
}

void ActivityPage::fillDevices() {
    QStringList ids, shown;
    for (const api::DeviceInfo& device : state_.devices().devices)
        if (!device.is_pending && !ids.contains(text_of(device.id))) ids += text_of(device.id);
    for (int index = 1; index < devices_->count(); ++index)
        shown += devices_->itemData(index).toString();
    if (ids == shown && devices_->count() > 0) return;
    const QVariant current = devices_->currentData();
    devices_->clear();
    devices_->addItem(tr("All devices"));
    for (const api::DeviceInfo& device : state_.devices().devices)
        if (!device.is_pending && devices_->findData(text_of(device.id)) < 0)
            devices_->addItem(text_of(device.label), text_of(device.id));
    devices_->setCurrentIndex(std::max(0, devices_->findData(current)));
}

}  // namespace lockstep::gui
