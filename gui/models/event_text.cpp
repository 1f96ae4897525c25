#include "gui/models/event_text.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <vector>

namespace lockstep::gui {
namespace {

// The service's patterns: %1, %2 are names, numbers and what went wrong. The first that fits is it.
constexpr const char* kPatterns[] = {
    QT_TRANSLATE_NOOP("EventText", "lockstepd started"),
    QT_TRANSLATE_NOOP("EventText", "lockstepd stops"),
    QT_TRANSLATE_NOOP("EventText", "added"),
    QT_TRANSLATE_NOOP("EventText", "removed"),
    QT_TRANSLATE_NOOP("EventText", "unlocked"),
    QT_TRANSLATE_NOOP("EventText", "locked"),
    QT_TRANSLATE_NOOP("EventText", "locked: not used for %1"),
    QT_TRANSLATE_NOOP("EventText", "locked: the machine goes to sleep"),
    QT_TRANSLATE_NOOP("EventText", "not locked yet: %1"),
    QT_TRANSLATE_NOOP("EventText", "mounted at %1"),
    QT_TRANSLATE_NOOP("EventText", "unmounted from %1 by somebody else"),
    QT_TRANSLATE_NOOP("EventText", "unmounted from %1"),
    QT_TRANSLATE_NOOP("EventText", "paused"),
    QT_TRANSLATE_NOOP("EventText", "resumed"),
    QT_TRANSLATE_NOOP("EventText", "the network is metered"),
    QT_TRANSLATE_NOOP("EventText", "the network is not metered any more"),
    QT_TRANSLATE_NOOP("EventText", "a mirror in %1"),
    QT_TRANSLATE_NOOP("EventText", "no mirror in %1 any more"),
    QT_TRANSLATE_NOOP("EventText", "the mirror in %1 does not run: %2"),
    QT_TRANSLATE_NOOP("EventText", "%1: %2 deletes wait for `lockstep brake release`"),
    QT_TRANSLATE_NOOP("EventText",
                      "%1 files were rewritten to noise on this device within ten minutes, as "
                      "ransomware does: nothing is published (lockstep brake show)"),
    QT_TRANSLATE_NOOP("EventText",
                      "%1 rewrote %2 files to noise within ten minutes, as ransomware does: what "
                      "it writes is not applied here (lockstep brake show)"),
    QT_TRANSLATE_NOOP("EventText", "a passphrase was added"),
    QT_TRANSLATE_NOOP("EventText", "a passphrase was removed"),
    QT_TRANSLATE_NOOP("EventText", "the passphrase was changed"),
    QT_TRANSLATE_NOOP("EventText", "it has a new recovery code; the old one opens it no more"),
    QT_TRANSLATE_NOOP("EventText", "its keys were changed"),
    QT_TRANSLATE_NOOP("EventText", "waiting for a device"),
    QT_TRANSLATE_NOOP("EventText", "%1 asks to be admitted; digits %2"),
    QT_TRANSLATE_NOOP("EventText", "%1 is asked to approve; digits %2"),
    QT_TRANSLATE_NOOP("EventText", "accepted"),
    QT_TRANSLATE_NOOP("EventText", "rejected"),
    QT_TRANSLATE_NOOP("EventText", "admitted"),
    QT_TRANSLATE_NOOP("EventText", "joined"),
    QT_TRANSLATE_NOOP("EventText", "ended: %1"),
    QT_TRANSLATE_NOOP("EventText", "the alternative limits count"),
    QT_TRANSLATE_NOOP("EventText", "the usual limits count"),
    QT_TRANSLATE_NOOP("EventText", "renamed to %1"),
    QT_TRANSLATE_NOOP("EventText", "%1 was removed"),
    QT_TRANSLATE_NOOP("EventText", "%1 was retired"),
    QT_TRANSLATE_NOOP("EventText", "%1 is %2 now"),
    QT_TRANSLATE_NOOP("EventText", "%1 changed"),
};

struct Pattern {
    const char* source;
    QRegularExpression fits;
};

std::vector<Pattern> make_patterns() {
    std::vector<Pattern> out;
    for (const char* source : kPatterns) {
        QString text = QRegularExpression::escape(QLatin1String(source));
        text.replace(QStringLiteral("\\%1"), QStringLiteral("(.+?)"));
        text.replace(QStringLiteral("\\%2"), QStringLiteral("(.+)"));
        out.push_back({source, QRegularExpression(QRegularExpression::anchoredPattern(text),
                                                  QRegularExpression::DotMatchesEverythingOption)});
    }
    return out;
}

}  // namespace

QString event_text(const QString& message) {
    static const std::vector<Pattern> patterns = make_patterns();
    for (const Pattern& pattern : patterns) {
        const QRegularExpressionMatch match = pattern.fits.match(message);
        if (!match.hasMatch()) continue;
        const QString text = QCoreApplication::translate("EventText", pattern.source);
        switch (match.lastCapturedIndex()) {
            case 0:
                return text;
            case 1:
                return text.arg(match.captured(1));
            default:
                return text.arg(match.captured(1), match.captured(2));
        }
    }
    return message;
}

}  // namespace lockstep::gui
