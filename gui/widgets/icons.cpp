#include "gui/widgets/icons.h"

#include <QFile>
#include <QGuiApplication>
#include <QHash>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QSvgRenderer>

namespace lockstep::gui {

namespace {

QPixmap drawn(QSvgRenderer& picture, int size) {
    QPixmap pixmap(size, size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    picture.render(&painter);
    return pixmap;
}

QIcon drawn_icon(const QByteArray& svg, const QByteArray& disabled_svg,
                 const QByteArray& selected_svg) {
    QIcon icon;
    QSvgRenderer picture(svg);
    QSvgRenderer disabled(disabled_svg);
    QSvgRenderer selected(selected_svg);
    for (const int size : {16, 22, 24, 32, 48, 64, 96, 128}) {
        icon.addPixmap(drawn(picture, size));
        icon.addPixmap(drawn(disabled, size), QIcon::Disabled);
        icon.addPixmap(drawn(selected, size), QIcon::Selected);
    }
    return icon;
}

QByteArray svg_of(const QString& name) {
    QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

QByteArray in_colour(QByteArray svg, const QColor& colour) {
    return svg.replace("#000", colour.name(QColor::HexRgb).toLatin1());
}

}  // namespace

QIcon icon_in(const QString& name, const QColor& colour) {
    static QHash<QString, QIcon> known;
    const QString key = name + colour.name();
    if (const auto found = known.constFind(key); found != known.cend()) return *found;
    const QByteArray svg = svg_of(name);
    const QPalette palette = QGuiApplication::palette();
    const QByteArray grey = in_colour(svg, palette.color(QPalette::Disabled, QPalette::Text));
    const QByteArray lit = in_colour(svg, palette.color(QPalette::HighlightedText));
    return *known.insert(key, drawn_icon(in_colour(svg, colour), grey, lit));
}

QIcon icon(const QString& name) {
    return icon_in(name, QGuiApplication::palette().color(QPalette::Active, QPalette::Text));
}

QIcon app_icon() {
    const QByteArray svg = svg_of(QStringLiteral("lockstep"));
    return drawn_icon(svg, svg, svg);
}

}  // namespace lockstep::gui
