// Pictures of windows, and what is wrong with them.
#pragma once

#include <QStringList>
#include <QWidget>

namespace lockstep::gui {

// Shows the window and keeps its picture in the build directory's screens/VARIANT/. What is blank,
// clipped, on top of something else, or nameless for assistive technology; empty: nothing.
QStringList shoot(QWidget& window, const QString& name);

#define LOCKSTEP_SHOOT(window, name)                                            \
    do {                                                                        \
        const QStringList faults = shoot(window, name);                         \
        QVERIFY2(faults.isEmpty(), qPrintable(faults.join(QLatin1Char('\n')))); \
    } while (false)

}  // namespace lockstep::gui
