// Both versions of one file, and which to keep.
#pragma once

#include <QDialog>
#include <QLabel>
#include <QPushButton>

#include "gui/models/conflict_model.h"

namespace lockstep::gui {

class ConflictDialog : public QDialog {
    Q_OBJECT

  public:
    ConflictDialog(DaemonState& state, VaultConflict conflict, QWidget* parent);

  private:
    QWidget* makeVersion(const QString& title, const std::string& path, QLabel* facts,
                         const QString& keep_name);
    void askAboutThis();
    void openFile(const std::string& path);
    // `path` is the file's or its sibling's; `keep` as the API has it.
    void keep(const std::string& path, const std::string& keep);

    DaemonState& state_;
    const VaultConflict conflict_;
    QLabel *this_facts_, *that_facts_, *failure_;
    QList<QPushButton*> choices_;
};

}  // namespace lockstep::gui
