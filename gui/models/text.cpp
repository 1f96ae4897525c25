#include "gui/models/text.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <algorithm>

namespace lockstep::gui {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(Text)
};

}  // namespace

QString text_of(const std::string& text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QString size_text(std::uint64_t bytes) {
    return QLocale().formattedDataSize(static_cast<qint64>(bytes), 1);
}

QString rate_text(std::uint64_t bytes_per_second) {
    return Text::tr("%1/s").arg(size_text(bytes_per_second));
}

QString time_left_text(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    if (bytes == 0 || bytes_per_second == 0) return {};
    const std::uint64_t seconds = bytes / bytes_per_second + 1;
    if (seconds < 60) return Text::tr("less than a minute left");
    if (seconds < 3600)
        return Text::tr("about %n minute(s) left", "", static_cast<int>(seconds / 60));
    if (seconds < 72 * 3600)
        return Text::tr("about %n hour(s) left", "", static_cast<int>(seconds / 3600));
    return Text::tr("days left");
}

QString countdown_text(std::int64_t seconds) {
    seconds = std::max<std::int64_t>(0, seconds);
    const auto two = [](std::int64_t n) {
        return QString::number(n).rightJustified(2, QLatin1Char('0'));
    };
    if (seconds < 3600) return QString::number(seconds / 60) + QLatin1Char(':') + two(seconds % 60);
    return QString::number(seconds / 3600) + QLatin1Char(':') + two(seconds / 60 % 60) +
           QLatin1Char(':') + two(seconds % 60);
}

QString moment_text(std::int64_t wall_ms, std::int64_t now_ms) {
    if (wall_ms <= 0) return Text::tr("never");
    const QDateTime time = QDateTime::fromMSecsSinceEpoch(wall_ms);
    const QDateTime now = QDateTime::fromMSecsSinceEpoch(now_ms);
    if (time.date() == now.date()) return QLocale().toString(time.time(), QLocale::ShortFormat);
    return QLocale().toString(time, QLocale::ShortFormat);
}

QString age_text(std::int64_t ms) {
    const std::int64_t minutes = std::max<std::int64_t>(1, ms / 60'000);
    if (minutes < 60) return Text::tr("%n minute(s)", "", static_cast<int>(minutes));
    if (minutes < 48 * 60) return Text::tr("%n hour(s)", "", static_cast<int>(minutes / 60));
    return Text::tr("%n day(s)", "", static_cast<int>(minutes / (24 * 60)));
}

QString digits_text(const std::string& digits) {
    if (digits.size() != 6) return text_of(digits);
    return text_of(digits.substr(0, 3)) + QLatin1Char(' ') + text_of(digits.substr(3));
}

QString role_text(const std::string& role) {
    if (role == "owner") return Text::tr("owner");
    if (role == "writer") return Text::tr("writer");
    if (role == "reader") return Text::tr("reader");
    if (role == "blind") return Text::tr("blind");
    return text_of(role);
}

std::int64_t now_ms() {
    return QDateTime::currentMSecsSinceEpoch();
}

}  // namespace lockstep::gui
