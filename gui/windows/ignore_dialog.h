// The ignore rules of a mirror: the text of its `.lockstepignore`, and what they say of a path.
#pragma once

#include <QDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class IgnoreDialog : public QDialog {
    Q_OBJECT

  public:
    // `directory`: the mirror's folder on this machine.
    IgnoreDialog(DaemonState& state, const QString& directory, QWidget* parent = nullptr);

  private:
    void load();
    void save();
    void test();

    DaemonState& state_;
    const QString directory_;
    QPlainTextEdit* rules_;
    QLineEdit* path_;
    QLabel* answer_;
};

}  // namespace lockstep::gui
