#include "gui/windows/activity_page.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"
#include "gui/widgets/table.h"

namespace lockstep::gui {

ActivityPage::ActivityPage(DaemonState& state, Commands& commands, ActivityModel& model,
                           QWidget* parent)
    : QWidget(parent),
      state_(state),
      model_(model),
      vaults_(new QComboBox(this)),
      devices_(new QComboBox(this)),
      kinds_(new QComboBox(this)) {
    filter_.setSourceModel(&model_);
    table_ = make_table(&filter_, tr("Activity"), this);
    table_->setObjectName(QStringLiteral("activityTable"));
    auto* open = new QPushButton(icon(QStringLiteral("folder")), tr("&Open folder"), this);
    connect(open, &QPushButton::clicked, this, [this, &commands] {
        if (const api::Event* event = model_.eventAt(selected_row(table_)))
            commands.openFolder(text_of(event->vault));
    });
    auto* history =
        new QPushButton(icon(QStringLiteral("history")), tr("&History of the vault"), this);
    connect(history, &QPushButton::clicked, this, [this, &commands] {
        const api::Event* event = model_.eventAt(selected_row(table_));
        const api::VaultInfo* vault =
            event == nullptr ? nullptr : state_.vault(text_of(event->vault));
        if (vault != nullptr) Q_EMIT commands.historyWanted(text_of(reference_of(*vault)));
    });
    auto* changes = new QPushButton(tr("Files that &changed…"), this);
    changes->setObjectName(QStringLiteral("changedFiles"));
    changes->setToolTip(tr("Within a day, with the history of each file"));
    connect(changes, &QPushButton::clicked, this, [this] {
        const api::Event* event = model_.eventAt(selected_row(table_));
        const api::VaultInfo* vault =
            event == nullptr ? nullptr : state_.vault(text_of(event->vault));
        if (vault == nullptr) vault = state_.vault(vaults_->currentText());
        for (const api::VaultInfo& other : state_.status().vaults)
            if (vault == nullptr && other.state != "locked") vault = &other;
        if (vault != nullptr) Q_EMIT changesWanted(text_of(reference_of(*vault)));
    });
    auto* all = new QVBoxLayout(this);
    all->addLayout(makeFilters());
    all->addWidget(table_, 1);
    auto* row = new QHBoxLayout;
    row->addWidget(open);
    row->addWidget(history);
    row->addWidget(changes);
    row->addStretch(1);
    all->addLayout(row);
    connect(&state_, &DaemonState::statusChanged, this, &ActivityPage::fillVaults);
    connect(&state_, &DaemonState::devicesChanged, this, &ActivityPage::fillDevices);
    fillVaults();
    fillDevices();
    table_->setColumnWidth(ActivityModel::Time, 150);
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
    for (const char* kind : {"vault", "mirror", "device", "invite", "join", "config", "daemon"})
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
