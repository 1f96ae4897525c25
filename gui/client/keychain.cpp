#include "gui/client/keychain.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QRandomGenerator>
#include <array>

#include <qt6keychain/keychain.h>

namespace lockstep::gui {

namespace {

const QString kKeychainService = QStringLiteral("lockstep");

QString keychain_key(const QString& vault) {
    return QStringLiteral("vault/") + vault;
}

Status keychain_status(const QKeychain::Job& job) {
    if (job.error() == QKeychain::NoError) return {};
    const bool is_missing = job.error() == QKeychain::EntryNotFound;
    return Error{is_missing ? ErrorKind::NotFound : ErrorKind::Unavailable,
                 "the keychain: " + job.errorString().toStdString()};
}

}  // namespace

Keychain::Keychain(QObject* parent) : QObject(parent) {
    look(QStringLiteral("ListNames"));
    look(QStringLiteral("ListActivatableNames"));
}

void Keychain::look(const QString& list) {
    const QDBusConnection bus = QDBusConnection::sessionBus();
    if (!bus.isConnected()) return;
    const QDBusMessage call = QDBusMessage::createMethodCall(
        QStringLiteral("org.freedesktop.DBus"), QStringLiteral("/org/freedesktop/DBus"),
        QStringLiteral("org.freedesktop.DBus"), list);
    auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this,
            [this](QDBusPendingCallWatcher* ended) {
                ended->deleteLater();
                const QDBusPendingReply<QStringList> names = *ended;
                if (names.isError()) return;
                for (const char* service :
                     {"org.freedesktop.secrets", "org.kde.kwalletd5", "org.kde.kwalletd6"})
                    if (names.value().contains(QLatin1String(service))) is_there_ = true;
            });
}

void Keychain::read(const QString& vault, std::function<void(Result<api::SecretText>)> then) {
    auto* job = new QKeychain::ReadPasswordJob(kKeychainService, this);
    job->setKey(keychain_key(vault));
    connect(job, &QKeychain::Job::finished, this, [job, then = std::move(then)] {
        if (Status done = keychain_status(*job); !done.ok()) return then(done.error());
        then(api::SecretText(job->textData().toStdString()));
    });
    job->start();
}

void Keychain::write(const QString& vault, const api::SecretText& secret,
                     std::function<void(Status)> then) {
    auto* job = new QKeychain::WritePasswordJob(kKeychainService, this);
    job->setKey(keychain_key(vault));
    job->setTextData(QString::fromStdString(secret.reveal()));
    connect(job, &QKeychain::Job::finished, this,
            [job, then = std::move(then)] { then(keychain_status(*job)); });
    job->start();
}

void Keychain::remove(const QString& vault, std::function<void(Status)> then) {
    auto* job = new QKeychain::DeletePasswordJob(kKeychainService, this);
    job->setKey(keychain_key(vault));
    connect(job, &QKeychain::Job::finished, this,
            [job, then = std::move(then)] { then(keychain_status(*job)); });
    job->start();
}

api::SecretText random_secret() {
    std::array<quint32, 8> words{};
    QRandomGenerator::system()->fillRange(words.data(), words.size());
    QByteArray digits;
    for (const quint32 word : words) digits += QByteArray::number(word, 16).rightJustified(8, '0');
    api::SecretText secret(digits.toStdString());
    digits.fill('\0');
    words.fill(0);
    return secret;
}

}  // namespace lockstep::gui
