// What the service has written to its log lately.
#pragma once

#include <QDialog>
#include <QPlainTextEdit>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class LogDialog : public QDialog {
    Q_OBJECT

  public:
    explicit LogDialog(DaemonState& state, QWidget* parent = nullptr);

    // For tests and screenshots: as if the daemon had said this.
    void show(const api::LogLineList& log);
    using QWidget::show;

  private:
    void ask();

    DaemonState& state_;
    QPlainTextEdit* text_;
};

}  // namespace lockstep::gui
