// The QApplication, and in debug builds a watch over its thread: what keeps it from the person for
// longer than a frame of the display is logged, with what it was.
//
// What counts is the time in which the thread worked or waited for something (a disk, a lock, an
// answer). The time in which it could have run and the machine had no processor for it does not,
// nor any while it never gave up the processor by itself (a hypervisor took it away), nor waiting
// for pages of programs: so a loaded machine makes nobody look slow. Work takes longer in debug
// builds, waiting does not; so tests assert how long it waited, and with LOCKSTEP_GUI_WATCH=abort
// the first event that kept the thread for longer than a frame ends the program.
// LOCKSTEP_GUI_WATCH=start tells, in release builds too, when the first frame is on its way to the
// display (tests/bench/gui_start).
#pragma once

#include <QApplication>
#include <chrono>

#include "base/unique_fd.h"

namespace lockstep::gui {

inline constexpr std::chrono::milliseconds kFrame{16};

// THREADS: the GUI's.
class WatchedApplication : public QApplication {
    Q_OBJECT

  public:
    WatchedApplication(int& argc, char** argv);

    bool notify(QObject* receiver, QEvent* event) override;
    bool eventFilter(QObject* receiver, QEvent* event) override;

    // Events that took longer than kFrame, so far; 0 in release builds.
    int slowEvents() const { return slow_; }
    // The longest that one event has waited for anything but a processor, so far; 0 in release
    // builds.
    std::chrono::milliseconds longestWait() const { return longest_wait_; }
    const QString& longestWaiter() const { return longest_waiter_; }
    // The longest that one event has kept a processor busy, so far; 0 in release builds.
    std::chrono::milliseconds longestWork() const { return longest_work_; }
    const QString& hardestWorker() const { return hardest_worker_; }
    // Begins anew, for a test that is the first to ask.
    void forgetLongest() {
        longest_wait_ = longest_work_ = {};
        longest_waiter_ = hardest_worker_ = {};
    }

  private:
    struct Times;
    Times now() const;
    void tell(const char* receiver, int type, std::chrono::milliseconds worked,
              std::chrono::milliseconds waited);

    const bool aborts_;
    UniqueFd schedule_;  // of this thread
    int depth_ = 0;
    int slow_ = 0;
    std::chrono::milliseconds longest_wait_{0};
    QString longest_waiter_;
    std::chrono::milliseconds longest_work_{0};
    QString hardest_worker_;
};

}  // namespace lockstep::gui
