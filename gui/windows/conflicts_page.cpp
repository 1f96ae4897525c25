#include "gui/windows/conflicts_page.h"

#include <QVBoxLayout>

#include "gui/widgets/table.h"
#include "gui/windows/conflict_dialog.h"

namespace lockstep::gui {

ConflictsPage::ConflictsPage(DaemonState& state, QWidget* parent)
    : QWidget(parent),
      state_(state),
      model_(state),
      table_(make_table(&model_, tr("Conflicts"), this)),
      none_(new QLabel(tr("There are no conflicts in unlocked vaults."), this)),
      resolve_(new QPushButton(tr("&Resolve…"), this)) {
    table_->setObjectName(QStringLiteral("conflictTable"));
    resolve_->setObjectName(QStringLiteral("resolve"));
    auto* all = new QVBoxLayout(this);
    all->addWidget(none_);
    all->addWidget(table_, 1);
    all->addWidget(resolve_, 0, Qt::AlignLeft);
    connect(resolve_, &QPushButton::clicked, this, &ConflictsPage::resolve);
    connect(table_, &QTreeView::activated, this, &ConflictsPage::resolve);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this] {
        if (const VaultConflict* one = model_.conflict(selected_row(table_)))
            chosen_ = {one->vault, one->conflict.sibling};
    });
    connect(&model_, &QAbstractItemModel::modelReset, this, &ConflictsPage::fill);
    fill();
}

void ConflictsPage::fill() {
    const bool is_empty = model_.rowCount() == 0;
    none_->setVisible(is_empty);
    resolve_->setEnabled(!is_empty);
    if (is_empty) return;
    // What was chosen stays chosen when conflicts come and go.
    int row = 0;
    for (int other = 0; other < model_.rowCount(); ++other) {
        const VaultConflict* one = model_.conflict(other);
        if (std::pair(one->vault, one->conflict.sibling) == chosen_) row = other;
    }
    table_->setCurrentIndex(model_.index(row, 0));
    for (int column = 0; column < ConflictModel::ColumnCount; ++column)
        table_->resizeColumnToContents(column);
}

void ConflictsPage::resolve() {
    const VaultConflict* conflict = model_.conflict(selected_row(table_));
    if (conflict != nullptr) (new ConflictDialog(state_, *conflict, this))->open();
}

}  // namespace lockstep::gui
