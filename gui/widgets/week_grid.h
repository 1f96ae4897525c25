// A week as half hours that are on or off, painted with the mouse or the keyboard.
#pragma once

#include <QWidget>

#include "daemon/api/bandwidth.h"

namespace lockstep::gui {

// Rows are days, Monday first; columns are half hours. Arrow keys move, with Shift they paint as
// the cell is that they come from; Space switches a cell, the mouse what it is drawn over.
//
// THREADS: the GUI's.
class WeekGrid : public QWidget {
    Q_OBJECT

  public:
    explicit WeekGrid(QWidget* parent = nullptr);

    void show(const api::WeekGrid& hours);
    using QWidget::show;
    const api::WeekGrid& hours() const { return hours_; }
    // A person is painting: what the daemon says now comes too late.
    bool isPainting() const { return is_painting_; }

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

  Q_SIGNALS:
    // A person has changed something, and let go.
    void changed();

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;

  private:
    struct Cell {
        int day = 0, half = 0;
    };

    QRect placeOf(Cell cell) const;
    Cell cellAt(const QPoint& point) const;
    int daysWidth() const;
    int hoursHeight() const;
    void set(Cell cell, bool is_on);
    bool isOn(Cell cell) const;
    // For who cannot see it.
    void describe();

    api::WeekGrid hours_{};
    Cell at_;
    bool is_painting_ = false, paints_on_ = false;
};

// "Mon–Fri 08:30–18:00; Sat 22:00–02:00", in the person's language; "never".
QString hours_text(const std::vector<api::HoursOfDays>& hours);

}  // namespace lockstep::gui
