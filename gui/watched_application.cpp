#include "gui/watched_application.h"

#include <QEvent>
#include <QMetaEnum>
#include <QTimer>
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace lockstep::gui {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

WatchedApplication::WatchedApplication(int& argc, char** argv)
    : QApplication(argc, argv), aborts_(qgetenv("LOCKSTEP_GUI_WATCH") == "abort") {
    if (qgetenv("LOCKSTEP_GUI_WATCH") == "start") installEventFilter(this);
#ifdef LOCKSTEP_WATCHES_GUI
    schedule_ = UniqueFd(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
#endif
}

bool WatchedApplication::eventFilter(QObject* receiver, QEvent* event) {
    if (event->type() != QEvent::Paint || !receiver->isWidgetType()) return false;
    removeEventFilter(this);
    // The frame has been handed over when the event that all of it was painted in has ended.
    QTimer::singleShot(0, this, [] {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        std::fprintf(
            stderr, "first frame at %.1f ms\n",
            static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6);
    });
    return false;
}

struct WatchedApplication::Times {
    nanoseconds wall{}, worked{}, queued{};  // queued: it could run, and others did
    // How often the thread gave up its processor to wait, and for how many pages of a disk.
    long waits = 0, pages = 0;
};

WatchedApplication::Times WatchedApplication::now() const {
    const auto read = [](clockid_t clock) {
        timespec time{};
        ::clock_gettime(clock, &time);
        return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
    };
    Times times{read(CLOCK_MONOTONIC), read(CLOCK_THREAD_CPUTIME_ID), {}};
    rusage usage{};
    if (::getrusage(RUSAGE_THREAD, &usage) == 0) {
        times.waits = usage.ru_nvcsw;
        times.pages = usage.ru_majflt;
    }
    // "time on a processor, time queued for one, turns"; without it nothing is known to be queued.
    std::array<char, 64> text{};
    if (schedule_.ok() && ::pread(schedule_.get(), text.data(), text.size() - 1, 0) > 0) {
        long long queued = 0;
        if (std::sscanf(text.data(), "%*s %lld", &queued) == 1) times.queued = nanoseconds(queued);
    }
    return times;
}

#ifndef LOCKSTEP_WATCHES_GUI
bool WatchedApplication::notify(QObject* receiver, QEvent* event) {
    return QApplication::notify(receiver, event);
}
#else
bool WatchedApplication::notify(QObject* receiver, QEvent* event) {
    // What it calls is part of it.
    if (depth_ > 0) return QApplication::notify(receiver, event);
    // Both may be gone afterwards.
    const char* name = receiver->metaObject()->className();
    const int type = event->type();
    const Times before = now();
    ++depth_;
    const bool is_done = QApplication::notify(receiver, event);
    --depth_;
    const Times after = now();
    const nanoseconds worked = after.worked - before.worked;
    const nanoseconds kept = (after.wall - before.wall) - (after.queued - before.queued);
    // Who has never given up the processor has waited for nothing: the machine was taken away from
    // under it. Pages of programs that a disk brings are the machine's as well.
    const bool has_waited = after.waits - before.waits > after.pages - before.pages;
    const nanoseconds waited = has_waited ? std::max(kept - worked, nanoseconds{}) : nanoseconds{};
    if (worked + waited > kFrame)
        tell(name, type, std::chrono::duration_cast<milliseconds>(worked),
             std::chrono::duration_cast<milliseconds>(waited));
    return is_done;
}
#endif

void WatchedApplication::tell(const char* receiver, int type, milliseconds worked,
                              milliseconds waited) {
    ++slow_;
    const char* event = QMetaEnum::fromType<QEvent::Type>().valueToKey(type);
    const QString what =
        QStringLiteral("%1 of %2")
            .arg(QLatin1String(event == nullptr ? "an event" : event), QLatin1String(receiver));
    if (waited > longest_wait_) {
        longest_wait_ = waited;
        longest_waiter_ = what;
    }
    if (worked > longest_work_) {
        longest_work_ = worked;
        hardest_worker_ = what;
    }
    qInfo("the window stood still for %lld ms (worked %lld ms, waited %lld ms): %s",
          static_cast<long long>((worked + waited).count()), static_cast<long long>(worked.count()),
          static_cast<long long>(waited.count()), qPrintable(what));
    if (aborts_) qFatal("as asked by LOCKSTEP_GUI_WATCH");
}

}  // namespace lockstep::gui
