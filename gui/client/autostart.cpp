#include "gui/client/autostart.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QStandardPaths>

namespace lockstep::gui {

namespace {

// A word of an Exec line: in quotes, with what means something there escaped.
QString exec_word(QString word) {
    for (const char letter : {'\\', '"', '`', '$'})
        word.replace(QLatin1Char(letter), QLatin1String("\\") + QLatin1Char(letter));
    word.replace(QLatin1Char('\\'), QLatin1String("\\\\"));
    word.replace(QLatin1Char('%'), QLatin1String("%%"));
    return QLatin1Char('"') + word + QLatin1Char('"');
}

}  // namespace

QString autostart_file() {
    return QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation) +
           QStringLiteral("/autostart/lockstep-gui.desktop");
}

bool is_autostarted() {
    return QFile::exists(autostart_file());
}

Status set_autostarted(bool is_on) {
    const QString name = autostart_file();
    QFile old(name);
    if (!is_on) {
        if (!old.exists() || old.remove()) return {};
        return Error{ErrorKind::Io, name.toStdString() + ": " + old.errorString().toStdString()};
    }
    QDir().mkpath(QFileInfo(name).absolutePath());
    QSaveFile file(name);
    const QString text =
        QStringLiteral(
            "[Desktop Entry]\nType=Application\nName=Lockstep\nExec=%1 --tray\nIcon=lockstep-gui\n"
            "X-GNOME-Autostart-enabled=true\n")
            .arg(exec_word(QCoreApplication::applicationFilePath()));
    if (file.open(QIODevice::WriteOnly) && file.write(text.toUtf8()) > 0 && file.commit())
        return {};
    return Error{ErrorKind::Io, name.toStdString() + ": " + file.errorString().toStdString()};
}

}  // namespace lockstep::gui
