#include "gui/watched_application.h"

#include <QEvent>
#include <QMetaEnum>
#include <ctime>

namespace lockstep::gui {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Of this thread alone: what others have used of the machine does not count.
nanoseconds busy_time() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + nanoseconds(used.tv_nsec);
}

milliseconds whole(nanoseconds time) {
    return std::chrono::duration_cast<milliseconds>(time);
}

}  // namespace

WatchedApplication::WatchedApplication(int& argc, char** argv)
    : QApplication(argc, argv), aborts_(qgetenv("LOCKSTEP_GUI_WATCH") == "abort") {}

#ifdef NDEBUG
bool WatchedApplication::notify(QObject* receiver, QEvent* event) {
    return QApplication::notify(receiver, event);
}
#else
bool WatchedApplication::notify(QObject* receiver, QEvent* event) {
    // Both may be gone afterwards.
    const char* name = receiver->metaObject()->className();
    const int type = event->type();
    const auto begun = std::chrono::steady_clock::now();
    const nanoseconds busy_before = busy_time();
    ++depth_;
    const bool is_done = QApplication::notify(receiver, event);
    --depth_;
    const nanoseconds wall = std::chrono::steady_clock::now() - begun;
    // What it called is part of it.
    if (depth_ == 0 && wall > kFrame)
        tell(name, type, whole(wall), whole(busy_time() - busy_before));
    return is_done;
}
#endif

void WatchedApplication::tell(const char* receiver, int type, milliseconds wall,
                              milliseconds busy) {
    ++slow_;
    const char* event = QMetaEnum::fromType<QEvent::Type>().valueToKey(type);
    qInfo("the window stood still for %lld ms (busy %lld ms): %s of %s",
          static_cast<long long>(wall.count()), static_cast<long long>(busy.count()),
          event == nullptr ? "an event" : event, receiver);
    if (aborts_) qFatal("as asked by LOCKSTEP_GUI_WATCH");
}

}  // namespace lockstep::gui
