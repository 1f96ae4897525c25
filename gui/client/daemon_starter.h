// Starts `lockstepd` when it does not run, and says what it said when it ends at once.
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>

#include "daemon/api/data_paths.h"

namespace lockstep::gui {

// The daemon goes on when this app ends.
class DaemonStarter : public QObject {
    Q_OBJECT

  public:
    explicit DaemonStarter(api::DataPaths paths, QObject* parent = nullptr);

    // Beside this program, else in the PATH; empty when it is not installed.
    static QString program();
    // Its output goes to `logFile()`.
    void start();
    // Asks the daemon to end, as a session manager does: it publishes, unmounts and goes.
    void stop();
    QString logFile() const;
    bool isStarting() const { return watch_.isActive(); }
    // The daemon answers: it needs no watching any more.
    void setAnswered() { watch_.stop(); }

  Q_SIGNALS:
    // With the last lines that it wrote.
    void failed(const QString& why);

  private:
    void look();

    const api::DataPaths paths_;
    QTimer watch_;
    qint64 process_ = 0;
};

}  // namespace lockstep::gui
