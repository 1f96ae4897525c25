#include "gui/client/single_instance.h"

#include <QLocalSocket>
#include <system_error>

namespace lockstep::gui {

namespace {

constexpr int kPatienceMs = 2000;
constexpr qint64 kLineMax = 8192;

}  // namespace

SingleInstance::SingleInstance(const std::filesystem::path& runtime_directory, QObject* parent)
    : QObject(parent), socket_(QString::fromStdString((runtime_directory / "gui.sock").native())) {
    std::error_code failure;
    if (std::filesystem::create_directories(runtime_directory, failure))
        std::filesystem::permissions(runtime_directory, std::filesystem::perms::owner_all, failure);
    server_.setSocketOptions(QLocalServer::UserAccessOption);
    connect(&server_, &QLocalServer::newConnection, this, &SingleInstance::take);
}

bool SingleInstance::handOver(const QString& link) {
    QLocalSocket socket;
    socket.connectToServer(socket_);
    if (!socket.waitForConnected(kPatienceMs)) return false;
    socket.write(link.toUtf8() + '\n');
    // The other one closes when it has read it.
    return socket.waitForBytesWritten(kPatienceMs) &&
           (socket.state() == QLocalSocket::UnconnectedState ||
            socket.waitForDisconnected(kPatienceMs));
}

bool SingleInstance::listen() {
    if (server_.listen(socket_)) return true;
    // Left behind by one that was killed: handOver() has found nobody there.
    QLocalServer::removeServer(socket_);
    return server_.listen(socket_);
}

void SingleInstance::take() {
    while (QLocalSocket* socket = server_.nextPendingConnection()) {
        connect(socket, &QLocalSocket::disconnected, socket, &QObject::deleteLater);
        const auto read = [this, socket] {
            if (!socket->canReadLine()) {
                if (socket->bytesAvailable() > kLineMax) socket->abort();
                return;
            }
            const QString link = QString::fromUtf8(socket->readLine(kLineMax)).trimmed();
            socket->disconnectFromServer();
            Q_EMIT started(link);
        };
        connect(socket, &QLocalSocket::readyRead, this, read);
        if (socket->canReadLine()) read();
    }
}

}  // namespace lockstep::gui
