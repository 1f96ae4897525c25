// A table as all pages have it: whole rows, sortable or not, all by keyboard.
#pragma once

#include <QAbstractItemModel>
#include <QTreeView>

namespace lockstep::gui {

// `name` is for assistive technology.
QTreeView* make_table(QAbstractItemModel* model, const QString& name, QWidget* parent);
// The row of the model below the proxies that is selected; -1: none.
int selected_row(const QTreeView* table);

}  // namespace lockstep::gui
