#include "gui/widgets/icons.h"

#include <QFile>
#include <QGuiApplication>
#include <QHash>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QSvgRenderer>
#include <map>
#include <tuple>

namespace lockstep::gui {

namespace {

// One picture in the colours of its modes. A size is drawn when it is asked for: what a window
// shows first needs few of them.
class SvgIconEngine : public QIconEngine {
  public:
    SvgIconEngine(QByteArray normal, QByteArray disabled, QByteArray selected)
        : normal_(std::move(normal)),
          disabled_(std::move(disabled)),
          selected_(std::move(selected)) {}

    void paint(QPainter* painter, const QRect& place, QIcon::Mode mode, QIcon::State) override {
        QSvgRenderer(svg(mode)).render(painter, place);
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
        const auto key = std::tuple(size.width(), size.height(), shown_as(mode));
        if (const auto found = drawn_.find(key); found != drawn_.end()) return found->second;
        QPixmap picture(size);
        picture.fill(Qt::transparent);
        QPainter painter(&picture);
        paint(&painter, QRect({}, size), mode, state);
        painter.end();
        return drawn_.emplace(key, picture).first->second;
    }
    // Trays and window managers take all that there are.
    QList<QSize> availableSizes(QIcon::Mode, QIcon::State) override {
        QList<QSize> sizes;
        for (const int size : {16, 22, 24, 32, 48, 64, 96, 128}) sizes += QSize(size, size);
        return sizes;
    }
    QIconEngine* clone() const override { return new SvgIconEngine(*this); }

  private:
    static QIcon::Mode shown_as(QIcon::Mode mode) {
        return mode == QIcon::Active ? QIcon::Normal : mode;
    }
    const QByteArray& svg(QIcon::Mode mode) const {
        if (mode == QIcon::Disabled) return disabled_;
        return mode == QIcon::Selected ? selected_ : normal_;
    }

    const QByteArray normal_, disabled_, selected_;
    std::map<std::tuple<int, int, QIcon::Mode>, QPixmap> drawn_;
};

QIcon drawn_icon(const QByteArray& svg, const QByteArray& disabled_svg,
                 const QByteArray& selected_svg) {
    return QIcon(new SvgIconEngine(svg, disabled_svg, selected_svg));
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
    static const QIcon picture = [] {
        const QByteArray svg = svg_of(QStringLiteral("lockstep"));
        return drawn_icon(svg, svg, svg);
    }();
    return picture;
}

}  // namespace lockstep::gui
