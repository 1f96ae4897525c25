#include "gui/windows/vaults_page.h"

#include <QHeaderView>
#include <QSplitter>
#include <QVBoxLayout>

#include "gui/widgets/icons.h"
#include "gui/widgets/table.h"

namespace lockstep::gui {

VaultsPage::VaultsPage(DaemonState& state, Commands& commands, QWidget* parent)
    : QWidget(parent),
      model_(state),
      detail_(new VaultDetail(state, commands)),
      welcome_(makeWelcome()) {
    auto* splitter = new QSplitter(Qt::Vertical, this);
    table_ = make_table(&model_, tr("Vaults"), splitter);
    table_->setObjectName(QStringLiteral("vaultTable"));
    splitter->addWidget(table_);
    splitter->addWidget(detail_);
    splitter->setChildrenCollapsible(false);
    splitter->setStretchFactor(0, 1);
    splitter->setStretchFactor(1, 2);
    content_ = splitter;
    auto* all = new QVBoxLayout(this);
    all->addWidget(welcome_);
    all->addWidget(content_);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& now) {
                if (!now.isValid()) return;
                selected_ = now.data(VaultModel::ReferenceRole).toString();
                detail_->show(selected_);
            });
    connect(table_, &QTreeView::activated, this,
            [this, &commands] { commands.openFolder(selected_); });
    connect(&model_, &VaultModel::modelReset, this, &VaultsPage::keepSelection);
    // Columns grow with what they show, and do not shrink under somebody's eyes.
    connect(&model_, &VaultModel::dataChanged, table_, [this] {
        for (int column = 0; column < VaultModel::ColumnCount; ++column) {
            const int before = table_->columnWidth(column);
            table_->resizeColumnToContents(column);
            if (table_->columnWidth(column) < before) table_->setColumnWidth(column, before);
        }
    });
    keepSelection();
}

QWidget* VaultsPage::makeWelcome() {
    auto* welcome = new QWidget(this);
    auto* words = new QLabel(
        tr("There is no vault on this device yet. Make a new one, or join one that another of your "
           "devices has."),
        welcome);
    words->setWordWrap(true);
    auto* make = new QPushButton(icon(QStringLiteral("add")), tr("&New vault…"), welcome);
    auto* join = new QPushButton(icon(QStringLiteral("join")), tr("&Join a vault…"), welcome);
    connect(make, &QPushButton::clicked, this, &VaultsPage::newVaultWanted);
    connect(join, &QPushButton::clicked, this, &VaultsPage::joinWanted);
    auto* all = new QVBoxLayout(welcome);
    all->addStretch(1);
    all->addWidget(words);
    all->addWidget(make, 0, Qt::AlignHCenter);
    all->addWidget(join, 0, Qt::AlignHCenter);
    all->addStretch(2);
    words->setAlignment(Qt::AlignCenter);
    return welcome;
}

QString VaultsPage::selected() const {
    return selected_;
}

void VaultsPage::select(const QString& vault) {
    const int row = model_.rowOf(vault);
    if (row >= 0) table_->setCurrentIndex(model_.index(row, 0));
}

void VaultsPage::keepSelection() {
    const bool is_empty = model_.rowCount() == 0;
    welcome_->setVisible(is_empty);
    content_->setVisible(!is_empty);
    if (is_empty) {
        selected_.clear();
        detail_->show({});
        return;
    }
    table_->setCurrentIndex(model_.index(std::max(0, model_.rowOf(selected_)), 0));
    for (int column = 0; column < VaultModel::ColumnCount; ++column)
        table_->resizeColumnToContents(column);
}

}  // namespace lockstep::gui
