#include "gui/windows/devices_page.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QMenu>
#include <QVBoxLayout>

#include "gui/models/text.h"
#include "gui/widgets/table.h"

namespace lockstep::gui {

DevicesPage::DevicesPage(DaemonState& state, Commands& commands, QWidget* parent)
    : QWidget(parent),
      model_(state),
      commands_(commands),
      table_(make_table(&model_, tr("Devices"), this)),
      explanation_(new QLabel(this)) {
    table_->setObjectName(QStringLiteral("deviceTable"));
    explanation_->setWordWrap(true);
    auto* row = new QHBoxLayout;
    const auto add = [&](const QString& text, const QString& name, auto act) {
        auto* button = new QPushButton(text, this);
        button->setObjectName(name);
        row->addWidget(button);
        connect(button, &QPushButton::clicked, this, [this, act] {
            if (const api::DeviceInfo* device = selected()) act(*device);
        });
        return button;
    };
    rename_ = add(tr("&Rename…"), QStringLiteral("rename"),
                  [this](const api::DeviceInfo&) { commands_.renameDevice(); });
    revoke_ = add(tr("Re&move…"), QStringLiteral("revoke"),
                  [this](const api::DeviceInfo& device) { commands_.revokeDevice(device); });
    role_ = new QPushButton(tr("R&ole…"), this);
    role_->setObjectName(QStringLiteral("role"));
    auto* roles = new QMenu(role_);
    for (const char* role : {"owner", "writer", "reader"}) {
        QAction* action = roles->addAction(role_text(role), this, [this, role] {
            if (const api::DeviceInfo* device = selected()) commands_.setRole(*device, role);
        });
        action->setObjectName(QStringLiteral("role-") + QLatin1String(role));
    }
    // As the pause button of VaultDetail.
    connect(role_, &QPushButton::clicked, roles,
            [this, roles] { roles->popup(role_->mapToGlobal(QPoint(0, role_->height()))); });
    row->addWidget(role_);
    retire_ = add(tr("&Stop waiting…"), QStringLiteral("retire"),
                  [this](const api::DeviceInfo& device) { commands_.retireDevice(device); });
    adopt_ = add(tr("&Take over…"), QStringLiteral("adopt"),
                 [this](const api::DeviceInfo& device) { commands_.adoptDevice(device); });
    answer_ = add(tr("&Answer…"), QStringLiteral("answer"), [this](const api::DeviceInfo& device) {
        Q_EMIT requestWanted(text_of(device.id));
    });
    row->addStretch(1);
    auto* all = new QVBoxLayout(this);
    all->addWidget(table_, 1);
    all->addWidget(explanation_);
    all->addLayout(row);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& now) {
                if (now.isValid()) chosen_ = now.data(DeviceModel::PlaceRole).toString();
                fill();
            });
    const auto fill_table = [this] {
        // What was chosen stays chosen when devices come and go.
        if (model_.rowCount() > 0)
            table_->setCurrentIndex(model_.index(std::max(0, model_.rowOf(chosen_)), 0));
        for (int column = 0; column < DeviceModel::ColumnCount; ++column)
            table_->resizeColumnToContents(column);
        fill();
    };
    connect(&model_, &DeviceModel::modelReset, this, fill_table);
    connect(&model_, &DeviceModel::dataChanged, this, &DevicesPage::fill);
    // The model may know its devices already.
    fill_table();
}

const api::DeviceInfo* DevicesPage::selected() const {
    return model_.device(selected_row(table_));
}

void DevicesPage::fill() {
    const api::DeviceInfo* device = selected();
    const bool is_member = device != nullptr && !device->is_this_device && !device->is_pending &&
                           !device->vault.empty();
    rename_->setEnabled(device != nullptr && device->is_this_device);
    revoke_->setEnabled(is_member && !device->is_revoked);
    retire_->setEnabled(is_member && !device->is_revoked);
    role_->setEnabled(is_member && !device->is_revoked);
    adopt_->setEnabled(is_member && device->held_segments > 0);
    answer_->setEnabled(device != nullptr && device->is_pending);
    QString text;
    if (device != nullptr && device->is_pending)
        text =
            tr("It asks to join %1. Compare the six digits on both screens before you let it in.")
                .arg(text_of(device->vault));
    else if (device != nullptr && device->held_segments > 0)
        text = tr("It wrote something after it was removed, which is kept aside.");
    else if (device != nullptr && device->is_this_device)
        text = tr("This device. Others see its new name in vaults made or joined from then on.");
    explanation_->setText(text);
}

}  // namespace lockstep::gui
