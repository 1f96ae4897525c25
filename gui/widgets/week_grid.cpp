#include "gui/widgets/week_grid.h"

#include <QKeyEvent>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QStringList>
#include <QTime>
#include <algorithm>

namespace lockstep::gui {

namespace {

constexpr int kDays = 7, kHalves = 48, kMargin = 4;

QString day_name(int day) {
    return QLocale().dayName(day + 1, QLocale::ShortFormat);
}

QString time_text(int minute) {
    // The end of the day is no time of it.
    if (minute >= api::HoursOfDays::kMinutesOfDay) return QStringLiteral("24:00");
    return QTime(minute / 60, minute % 60).toString(QStringLiteral("HH:mm"));
}

QString days_text(std::uint8_t days) {
    QStringList names;
    for (int day = 0; day < kDays; ++day) {
        if (((days >> day) & 1) == 0) continue;
        int last = day;
        while (last + 1 < kDays && ((days >> (last + 1)) & 1) != 0) ++last;
        names += last == day ? day_name(day) : day_name(day) + QChar(0x2013) + day_name(last);
        day = last;
    }
    return names.join(QStringLiteral(", "));
}

}  // namespace

QString hours_text(const std::vector<api::HoursOfDays>& hours) {
    QStringList spans;
    for (const api::HoursOfDays& span : hours)
        spans +=
            WeekGrid::tr("%1 %2–%3")
                .arg(days_text(span.days), time_text(span.from_minute), time_text(span.to_minute));
    return spans.isEmpty() ? WeekGrid::tr("never") : spans.join(QStringLiteral("; "));
}

WeekGrid::WeekGrid(QWidget* parent) : QWidget(parent) {
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setToolTip(
        tr("Draw over the hours. Arrow keys move, Space switches half an hour, Shift with "
           "an arrow goes on with it."));
    describe();
}

void WeekGrid::show(const api::WeekGrid& hours) {
    hours_ = hours;
    describe();
    update();
}

int WeekGrid::daysWidth() const {
    int width = 0;
    for (int day = 0; day < kDays; ++day)
        width = std::max(width, fontMetrics().horizontalAdvance(day_name(day)));
    return width + kMargin;
}

int WeekGrid::hoursHeight() const {
    return fontMetrics().height();
}

QSize WeekGrid::sizeHint() const {
    return minimumSizeHint() + QSize(kHalves * 3, 0);
}

QSize WeekGrid::minimumSizeHint() const {
    return {daysWidth() + kHalves * 7, hoursHeight() + kDays * (fontMetrics().height() + 2)};
}

QRect WeekGrid::placeOf(Cell cell) const {
    // Edges, so that cells of uneven widths leave no gaps.
    const int left = daysWidth(), top = hoursHeight();
    const int x = left + (width() - left) * cell.half / kHalves;
    const int next_x = left + (width() - left) * (cell.half + 1) / kHalves;
    const int y = top + (height() - top) * cell.day / kDays;
    const int next_y = top + (height() - top) * (cell.day + 1) / kDays;
    const QRect place(x, y, next_x - x, next_y - y);
    if (layoutDirection() == Qt::LeftToRight) return place;
    return {width() - place.right() - 1, place.top(), place.width(), place.height()};
}

WeekGrid::Cell WeekGrid::cellAt(const QPoint& point) const {
    const int left = daysWidth(), top = hoursHeight();
    const int x = layoutDirection() == Qt::LeftToRight ? point.x() : width() - 1 - point.x();
    return {std::clamp((point.y() - top) * kDays / std::max(1, height() - top), 0, kDays - 1),
            std::clamp((x - left) * kHalves / std::max(1, width() - left), 0, kHalves - 1)};
}

bool WeekGrid::isOn(Cell cell) const {
    return hours_[static_cast<std::size_t>(cell.day)][static_cast<std::size_t>(cell.half)];
}

void WeekGrid::set(Cell cell, bool is_on) {
    at_ = cell;
    hours_[static_cast<std::size_t>(cell.day)][static_cast<std::size_t>(cell.half)] = is_on;
    describe();
    update();
}

void WeekGrid::describe() {
    const QString here = tr("%1 %2: %3")
                             .arg(QLocale().dayName(at_.day + 1), time_text(at_.half * 30),
                                  isOn(at_) ? tr("on") : tr("off"));
    setAccessibleDescription(hours_text(api::hours_of(hours_)) + QStringLiteral(". ") + here);
}

void WeekGrid::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const QPalette::ColorGroup group = isEnabled() ? QPalette::Active : QPalette::Disabled;
    painter.setPen(palette().color(group, QPalette::WindowText));
    for (int hour = 0; hour < 24; hour += 3) {
        const QRect cell = placeOf({0, hour * 2}), last = placeOf({0, hour * 2 + 5});
        const QRect place = cell.united(last);
        painter.drawText(QRect(place.left(), 0, place.width(), hoursHeight()),
                         Qt::AlignLeading | Qt::AlignVCenter, QString::number(hour));
    }
    for (int day = 0; day < kDays; ++day) {
        const QRect row = placeOf({day, 0});
        const QRect name = layoutDirection() == Qt::LeftToRight
                               ? QRect(0, row.top(), daysWidth() - kMargin, row.height())
                               : QRect(width() - daysWidth() + kMargin, row.top(),
                                       daysWidth() - kMargin, row.height());
        painter.drawText(name, Qt::AlignLeading | Qt::AlignVCenter, day_name(day));
        for (int half = 0; half < kHalves; ++half) {
            const QRect place = placeOf({day, half});
            painter.fillRect(place, palette().color(group, QPalette::Base));
            if (!isOn({day, half})) continue;
            painter.fillRect(place, palette().color(group, QPalette::Highlight));
            // Not by colour alone.
            painter.fillRect(
                place, QBrush(palette().color(group, QPalette::HighlightedText), Qt::BDiagPattern));
        }
    }
    painter.setPen(palette().color(group, QPalette::Mid));
    for (int day = 0; day < kDays; ++day)
        for (int hour = 0; hour < 24; ++hour)
            painter.drawRect(placeOf({day, hour * 2}).united(placeOf({day, hour * 2 + 1})));
    if (!hasFocus()) return;
    painter.setPen(QPen(palette().color(group, QPalette::WindowText), 2));
    painter.drawRect(placeOf(at_).adjusted(1, 1, -1, -1));
}

void WeekGrid::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return QWidget::mousePressEvent(event);
    is_painting_ = true;
    const Cell cell = cellAt(event->position().toPoint());
    paints_on_ = !isOn(cell);
    set(cell, paints_on_);
}

void WeekGrid::mouseMoveEvent(QMouseEvent* event) {
    if (is_painting_) set(cellAt(event->position().toPoint()), paints_on_);
}

void WeekGrid::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !is_painting_)
        return QWidget::mouseReleaseEvent(event);
    is_painting_ = false;
    Q_EMIT changed();
}

void WeekGrid::keyPressEvent(QKeyEvent* event) {
    Cell to = at_;
    const int forward = layoutDirection() == Qt::LeftToRight ? 1 : -1;
    switch (event->key()) {
        case Qt::Key_Space:
            set(at_, !isOn(at_));
            Q_EMIT changed();
            return;
        case Qt::Key_Left:
            to.half -= forward;
            break;
        case Qt::Key_Right:
            to.half += forward;
            break;
        case Qt::Key_Up:
            --to.day;
            break;
        case Qt::Key_Down:
            ++to.day;
            break;
        default:
            return QWidget::keyPressEvent(event);
    }
    if (to.day < 0 || to.day >= kDays || to.half < 0 || to.half >= kHalves) return;
    const bool paints = (event->modifiers() & Qt::ShiftModifier) != 0;
    set(to, paints ? isOn(at_) : isOn(to));
    if (paints) Q_EMIT changed();
}

void WeekGrid::focusInEvent(QFocusEvent* event) {
    QWidget::focusInEvent(event);
    update();
}

}  // namespace lockstep::gui
