#include "gui/models/join_link.h"

#include <algorithm>

namespace lockstep::gui {

std::optional<QString> ticket_in(const QString& text) {
    static const QString kScheme = QStringLiteral("lockstep:");
    QString link;
    std::ranges::copy_if(text, std::back_inserter(link),
                         [](QChar letter) { return !letter.isSpace(); });
    if (!link.startsWith(kScheme, Qt::CaseInsensitive)) return std::nullopt;
    QString ticket = link.mid(kScheme.size());
    while (ticket.startsWith(QLatin1Char('/'))) ticket.remove(0, 1);
    while (ticket.endsWith(QLatin1Char('/'))) ticket.chop(1);
    const bool is_plain = std::ranges::all_of(
        ticket, [](QChar letter) { return letter.isLetterOrNumber() && letter.unicode() < 128; });
    if (ticket.isEmpty() || !is_plain) return std::nullopt;
    return kScheme + ticket;
}

}  // namespace lockstep::gui
