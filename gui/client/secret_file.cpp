#include "gui/client/secret_file.h"

#include <QCoreApplication>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace lockstep::gui {

namespace {

struct SecretFileText {
    Q_DECLARE_TR_FUNCTIONS(SecretFileText)
};

}  // namespace

Status write_secret_file(const QString& file, const QString& content) {
    const QByteArray name = file.toLocal8Bit(), text = content.toUtf8();
    const UniqueFd fd(::open(name.constData(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.get() < 0 && errno == EEXIST)
        return Error{ErrorKind::Exists,
                     SecretFileText::tr("%1 is there already: choose another name.")
                         .arg(file)
                         .toStdString()};
    const bool is_written =
        fd.get() >= 0 &&
        ::write(fd.get(), text.constData(), static_cast<std::size_t>(text.size())) == text.size() &&
        ::fsync(fd.get()) == 0;
    if (is_written) return {};
    return Error{ErrorKind::Io,
                 SecretFileText::tr("%1 could not be written.").arg(file).toStdString()};
}

}  // namespace lockstep::gui
