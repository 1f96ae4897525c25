#include "gui/client/daemon_starter.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QProcess>
#include <QStandardPaths>
#include <QStringList>
#include <csignal>

namespace lockstep::gui {

namespace {

constexpr int kLookMs = 100;
constexpr qint64 kLastWordsMax = 2000;

}  // namespace

DaemonStarter::DaemonStarter(api::DataPaths paths, QObject* parent)
    : QObject(parent), paths_(std::move(paths)) {
    watch_.setInterval(kLookMs);
    connect(&watch_, &QTimer::timeout, this, &DaemonStarter::look);
}

QString DaemonStarter::program() {
    QString beside = QCoreApplication::applicationDirPath() + QStringLiteral("/lockstepd");
    if (QFileInfo(beside).isExecutable()) return beside;
    return QStandardPaths::findExecutable(QStringLiteral("lockstepd"));
}

QString DaemonStarter::logFile() const {
    return QString::fromStdString((paths_.state_directory / "lockstepd.log").native());
}

void DaemonStarter::start() {
    const QString lockstepd = program();
    if (lockstepd.isEmpty()) {
        Q_EMIT failed(tr("The program lockstepd is not installed."));
        return;
    }
    QDir().mkpath(QString::fromStdString(paths_.state_directory.native()));
    QProcess process;
    process.setProgram(lockstepd);
    process.setStandardInputFile(QProcess::nullDevice());
    process.setStandardOutputFile(QProcess::nullDevice());
    process.setStandardErrorFile(logFile());
    if (!process.startDetached(&process_)) {
        Q_EMIT failed(tr("%1 could not be started.").arg(lockstepd));
        return;
    }
    watch_.start();
}

void DaemonStarter::stop() {
    QFile lock(QString::fromStdString(paths_.lock_file().native()));
    if (!lock.open(QIODevice::ReadOnly)) return;
    const qlonglong process = lock.readAll().trimmed().toLongLong();
    if (process > 1) ::kill(static_cast<pid_t>(process), SIGTERM);
}

void DaemonStarter::look() {
    if (::kill(static_cast<pid_t>(process_), 0) == 0) return;
    watch_.stop();
    QFile log(logFile());
    QString said;
    if (log.open(QIODevice::ReadOnly)) {
        if (log.size() > kLastWordsMax) log.seek(log.size() - kLastWordsMax);
        said = QString::fromUtf8(log.readAll()).trimmed();
    }
    Q_EMIT failed(tr("The service ended at once.") + QLatin1Char('\n') + said);
}

}  // namespace lockstep::gui
