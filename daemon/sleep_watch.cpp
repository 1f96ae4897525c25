#include "daemon/sleep_watch.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/unique_fd.h"

namespace lockstep {
namespace {

constexpr int kRetryMs = 60'000;  // without a bus
constexpr std::uint64_t kAnswerTimeoutUs = 2'000'000;
constexpr const char* kService = "org.freedesktop.login1";
constexpr const char* kPath = "/org/freedesktop/login1";
constexpr const char* kInterface = "org.freedesktop.login1.Manager";

}  // namespace

struct SleepWatch::Parts {
    explicit Parts(std::function<void()> told)
        : before_sleep(std::move(told)), stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        CHECK(stop.ok(), "no eventfd");
        thread = std::thread([this] { run(); });
    }

    ~Parts() {
        const std::uint64_t one = 1;
        CHECK(::write(stop.get(), &one, sizeof(one)) == sizeof(one));
        thread.join();
    }

    void run() {
        pthread_setname_np(pthread_self(), "ls-sleep");
        while (!is_stopped(0)) {
            follow();
            delay = UniqueFd();
            sd_bus_flush_close_unref(bus);
            bus = nullptr;
            if (is_stopped(kRetryMs)) return;
        }
    }

    bool is_stopped(int wait_ms) {
        pollfd wanted{.fd = stop.get(), .events = POLLIN, .revents = 0};
        return ::poll(&wanted, 1, wait_ms) > 0;
    }

    // Until the bus has gone, or the end.
    void follow() {
        if (sd_bus_open_system(&bus) < 0) return;
        if (sd_bus_match_signal(bus, nullptr, kService, kPath, kInterface, "PrepareForSleep",
                                on_sleep, this) < 0)
            return;
        // A logind that starts later, or anew, knows nothing of what an earlier one was asked.
        if (sd_bus_match_signal(bus, nullptr, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus", "NameOwnerChanged", on_owner, this) < 0)
            return;
        take_delay();
        while (true) {
            const int done = sd_bus_process(bus, nullptr);
            if (done < 0) return;
            if (done > 0) continue;
            std::array<pollfd, 2> wanted{
                pollfd{.fd = stop.get(), .events = POLLIN, .revents = 0},
                pollfd{.fd = sd_bus_get_fd(bus),
                       .events = static_cast<short>(sd_bus_get_events(bus)),
                       .revents = 0}};
            if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return;
            if (wanted[0].revents != 0) return;
        }
    }

    void take_delay() {
        sd_bus_message *call = nullptr, *reply = nullptr;
        int descriptor = -1;
        int done =
            sd_bus_message_new_method_call(bus, &call, kService, kPath, kInterface, "Inhibit");
        if (done >= 0) done = sd_bus_message_set_auto_start(call, 0);
        if (done >= 0)
            done = sd_bus_message_append(call, "ssss", "sleep", "Lockstep", "vaults are locked",
                                         "delay");
        if (done >= 0) done = sd_bus_call(bus, call, kAnswerTimeoutUs, nullptr, &reply);
        if (done >= 0) done = sd_bus_message_read(reply, "h", &descriptor);
        // The message closes its own.
        if (done >= 0) delay = UniqueFd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
        if (done < 0) log_info("daemon", "logind does not wait for vaults to be locked");
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
    }

    static int on_sleep(sd_bus_message* message, void* self, sd_bus_error*) {
        auto& parts = *static_cast<Parts*>(self);
        int is_beginning = 0;
        if (sd_bus_message_read(message, "b", &is_beginning) < 0) return 0;
        if (is_beginning == 0) {
            parts.take_delay();
            return 0;
        }
        log_info("daemon", "the machine is about to sleep");
        parts.before_sleep();
        parts.delay = UniqueFd();
        return 0;
    }

    static int on_owner(sd_bus_message* message, void* self, sd_bus_error*) {
        const char *name = nullptr, *before = nullptr, *now = nullptr;
        if (sd_bus_message_read(message, "sss", &name, &before, &now) < 0) return 0;
        if (std::string_view(name) == kService && now[0] != '\0')
            static_cast<Parts*>(self)->take_delay();
        return 0;
    }

    const std::function<void()> before_sleep;
    UniqueFd stop;
    UniqueFd delay;  // logind waits as long as it is open
    sd_bus* bus = nullptr;
    std::thread thread;
};

SleepWatch::SleepWatch(std::function<void()> before_sleep)
    : parts_(std::make_unique<Parts>(std::move(before_sleep))) {}

SleepWatch::~SleepWatch() = default;

}  // namespace lockstep
