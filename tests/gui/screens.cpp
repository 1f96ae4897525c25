#include "tests/gui/screens.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAccessible>
#include <QComboBox>
#include <QDir>
#include <QLabel>
#include <QLayout>
#include <QLineEdit>
#include <QtTest>

#include "tests/gui/gui_test.h"

namespace lockstep::gui {

namespace {

QString name_of(const QWidget* widget) {
    return QString::fromLatin1(widget->metaObject()->className()) + QLatin1Char(' ') +
           widget->objectName();
}

QString clipped(const QWidget* widget) {
    if (const auto* label = qobject_cast<const QLabel*>(widget)) {
        const QString text = label->text();
        if (text.isEmpty()) return {};
        const bool is_high_enough =
            !label->wordWrap() || label->height() >= label->heightForWidth(label->width());
        const bool is_wide_enough =
            label->wordWrap() || label->width() >= label->sizeHint().width();
        return is_high_enough && is_wide_enough
                   ? QString()
                   : QStringLiteral("clipped: %1 \"%2\"").arg(name_of(label), text);
    }
    if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) {
        const bool fits = button->width() >= button->minimumSizeHint().width() &&
                          button->height() >= button->minimumSizeHint().height();
        return fits || button->text().isEmpty()
                   ? QString()
                   : QStringLiteral("clipped: %1 \"%2\"").arg(name_of(button), button->text());
    }
    return {};
}

QString nameless(QWidget* widget) {
    if (!(widget->focusPolicy() & Qt::TabFocus) || !widget->isEnabled()) return {};
    const bool is_input = qobject_cast<QLineEdit*>(widget) || qobject_cast<QComboBox*>(widget) ||
                          qobject_cast<QAbstractItemView*>(widget) ||
                          qobject_cast<QAbstractButton*>(widget);
    if (!is_input || widget->objectName().startsWith(QLatin1String("qt_"))) return {};
    const QAccessibleInterface* accessible = QAccessible::queryAccessibleInterface(widget);
    if (accessible != nullptr && !accessible->text(QAccessible::Name).isEmpty()) return {};
    if (widget->parentWidget() != nullptr && qobject_cast<QComboBox*>(widget->parentWidget()))
        return {};
    return QStringLiteral("no accessible name: ") + name_of(widget);
}

QStringList overlapping(const QWidget* parent) {
    QStringList faults;
    if (parent->layout() == nullptr) return faults;
    std::vector<const QWidget*> shown;
    for (int index = 0; index < parent->layout()->count(); ++index)
        if (const QWidget* widget = parent->layout()->itemAt(index)->widget();
            widget && widget->isVisible())
            shown.push_back(widget);
    for (std::size_t first = 0; first < shown.size(); ++first)
        for (std::size_t second = first + 1; second < shown.size(); ++second)
            if (shown[first]->geometry().intersects(shown[second]->geometry()))
                faults += QStringLiteral("on top of each other: %1, %2")
                              .arg(name_of(shown[first]), name_of(shown[second]));
    return faults;
}

bool is_blank(const QImage& image) {
    const QRgb first = image.pixel(0, 0);
    int others = 0;
    for (int y = 0; y < image.height(); y += 2)
        for (int x = 0; x < image.width(); x += 2) others += image.pixel(x, y) != first ? 1 : 0;
    return others < image.width() * image.height() / 4 / 500;
}

}  // namespace

QStringList shoot(QWidget& window, const QString& name) {
    const QString directory = QStringLiteral(LOCKSTEP_SCREENS_DIR "/") + variant();
    QDir().mkpath(directory);
    window.show();
    if (!QTest::qWaitForWindowExposed(&window)) return {name + QStringLiteral(": not shown")};
    QCoreApplication::processEvents();
    const QImage image = window.grab().toImage();
    QStringList faults;
    if (!image.save(directory + QLatin1Char('/') + name + QStringLiteral(".png")))
        faults += name + QStringLiteral(": not saved");
    if (is_blank(image)) faults += name + QStringLiteral(": blank");
    faults += overlapping(&window);
    for (QWidget* widget : window.findChildren<QWidget*>()) {
        if (!widget->isVisible()) continue;
        faults += overlapping(widget);
        faults += clipped(widget);
        faults += nameless(widget);
    }
    faults.removeAll(QString());
    return faults;
}

}  // namespace lockstep::gui
