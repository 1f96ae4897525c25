#include "gui/widgets/table.h"

#include <QAbstractProxyModel>
#include <QHeaderView>

namespace lockstep::gui {

QTreeView* make_table(QAbstractItemModel* model, const QString& name, QWidget* parent) {
    auto* table = new QTreeView(parent);
    table->setModel(model);
    table->setAccessibleName(name);
    table->setRootIsDecorated(false);
    table->setUniformRowHeights(true);
    table->setAlternatingRowColors(true);
    table->setSelectionMode(QAbstractItemView::SingleSelection);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setAllColumnsShowFocus(true);
    table->header()->setSectionResizeMode(QHeaderView::Interactive);
    table->header()->setStretchLastSection(true);
    return table;
}

int selected_row(const QTreeView* table) {
    QModelIndex index = table->selectionModel()->currentIndex();
    while (const auto* proxy = qobject_cast<const QAbstractProxyModel*>(index.model()))
        index = proxy->mapToSource(index);
    return index.isValid() ? index.row() : -1;
}

}  // namespace lockstep::gui
