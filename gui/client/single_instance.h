// One app for each person: a second one hands over what it was started for, and ends.
#pragma once

#include <QLocalServer>
#include <QObject>
#include <filesystem>

namespace lockstep::gui {

// Over a socket in the runtime directory that only the person can open.
class SingleInstance : public QObject {
    Q_OBJECT

  public:
    explicit SingleInstance(const std::filesystem::path& runtime_directory,
                            QObject* parent = nullptr);

    // True: another app runs and was told; this one has nothing more to do.
    // `link`: what was clicked; may be empty.
    bool handOver(const QString& link);
    // From now on this is the one. False when the socket cannot be made; the app works all the
    // same.
    bool listen();

  Q_SIGNALS:
    void started(const QString& link);

  private:
    void take();

    QString socket_;
    QLocalServer server_;
};

}  // namespace lockstep::gui
