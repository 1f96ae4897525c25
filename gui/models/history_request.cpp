#include "gui/models/history_request.h"

#include <QDir>
#include <QUrl>
#include <algorithm>

namespace lockstep::gui {

namespace {

const QString kScheme = QStringLiteral("history:");

bool is_path_here(const QString& place) {
    return place == QLatin1String(".") || place == QLatin1String("..") ||
           place.startsWith(QLatin1Char('/')) || place.startsWith(QLatin1String("./")) ||
           place.startsWith(QLatin1String("../"));
}

}  // namespace

QString history_request(const QString& place) {
    const QString whole =
        is_path_here(place) ? QDir::cleanPath(QDir::current().absoluteFilePath(place)) : place;
    return kScheme + QString::fromLatin1(QUrl::toPercentEncoding(whole));
}

std::optional<QString> place_in(const QString& request) {
    if (!request.startsWith(kScheme)) return std::nullopt;
    return QUrl::fromPercentEncoding(request.mid(kScheme.size()).toLatin1());
}

std::optional<api::VaultPlace> find_place(const std::vector<api::VaultInfo>& vaults,
                                          const QString& place) {
    const std::string text = place.toStdString();
    if (is_path_here(place)) return api::place_below(vaults, text);
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string name = text.substr(0, colon);
    const bool is_there = std::ranges::any_of(
        vaults, [&](const api::VaultInfo& vault) { return vault.name == name; });
    if (!is_there) return std::nullopt;
    return api::VaultPlace{name, colon < text.size() ? text.substr(colon + 1) : std::string()};
}

}  // namespace lockstep::gui
