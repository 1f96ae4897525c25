// The QApplication, and in debug builds a watch over its thread: what keeps it from the person for
// longer than a frame of the display is logged, with what it was.
//
// It counts both what is busy and what waits: neither belongs on the GUI's thread. On a machine
// that has no time for this process everything is slow, so nothing is asserted but by who asks:
// with LOCKSTEP_GUI_WATCH=abort the first slow event ends the program.
#pragma once

#include <QApplication>
#include <chrono>

namespace lockstep::gui {

inline constexpr std::chrono::milliseconds kFrame{16};

// THREADS: the GUI's.
class WatchedApplication : public QApplication {
    Q_OBJECT

  public:
    WatchedApplication(int& argc, char** argv);

    bool notify(QObject* receiver, QEvent* event) override;

    // Events that took longer than kFrame, so far; 0 in release builds.
    int slowEvents() const { return slow_; }

  private:
    void tell(const char* receiver, int type, std::chrono::milliseconds wall,
              std::chrono::milliseconds busy);

    const bool aborts_;
    int depth_ = 0;
    int slow_ = 0;
};

}  // namespace lockstep::gui
