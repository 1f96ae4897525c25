#include "gui/client/preferences.h"

#include <QCoreApplication>

namespace lockstep::gui {

namespace {

struct NoticeText {
    Q_DECLARE_TR_FUNCTIONS(NoticeText)
};

QString key_of(Notice notice) {
    switch (notice) {
        case Notice::Request:
            return QStringLiteral("notify/request");
        case Notice::Conflict:
            return QStringLiteral("notify/conflict");
        case Notice::Problem:
            return QStringLiteral("notify/problem");
        case Notice::Brake:
            return QStringLiteral("notify/brake");
        case Notice::FirstSync:
            return QStringLiteral("notify/firstSync");
        case Notice::Locked:
            return QStringLiteral("notify/locked");
    }
    return {};
}

}  // namespace

QString notice_text(Notice notice) {
    switch (notice) {
        case Notice::Request:
            return NoticeText::tr("A device asks to join");
        case Notice::Conflict:
            return NoticeText::tr("Two devices have changed the same file");
        case Notice::Problem:
            return NoticeText::tr("An error needs me");
        case Notice::Brake:
            return NoticeText::tr("A mass of deletes or rewrites is held");
        case Notice::FirstSync:
            return NoticeText::tr("A vault is here completely for the first time");
        case Notice::Locked:
            return NoticeText::tr("A vault is locked by itself");
    }
    return {};
}

Preferences::Preferences(const std::filesystem::path& file)
    : settings_(QString::fromStdString(file.native()), QSettings::IniFormat) {}

bool Preferences::wants(Notice notice) const {
    return settings_.value(key_of(notice), true).toBool();
}

void Preferences::setWanted(Notice notice, bool is_wanted) {
    settings_.setValue(key_of(notice), is_wanted);
}

QString Preferences::keychainSlot(const QString& vault) const {
    return settings_.value(QStringLiteral("keychain/") + vault).toString();
}

void Preferences::setKeychainSlot(const QString& vault, const QString& slot) {
    const QString key = QStringLiteral("keychain/") + vault;
    if (slot.isEmpty())
        settings_.remove(key);
    else
        settings_.setValue(key, slot);
}

QByteArray Preferences::windowPlace() const {
    return settings_.value(QStringLiteral("window/place")).toByteArray();
}

void Preferences::setWindowPlace(const QByteArray& place) {
    settings_.setValue(QStringLiteral("window/place"), place);
}

}  // namespace lockstep::gui
