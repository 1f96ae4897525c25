#include "daemon/metered_network.h"

#include <cstdint>

#include <systemd/sd-bus.h>

#include "base/log.h"

namespace lockstep {
namespace {

constexpr std::chrono::seconds kAskInterval{5};
constexpr std::chrono::minutes kRetry{1};  // without a bus, or without anybody who answers
constexpr std::uint64_t kAnswerTimeoutUs = 1'000'000;

// NMMetered: 1 yes, 2 no, 3 and 4 the same by a guess, 0 unknown.
constexpr std::uint32_t kYes = 1, kGuessYes = 3;

struct Message {
    Message() = default;
    ~Message() { sd_bus_message_unref(held); }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

    sd_bus_message* held = nullptr;
};

}  // namespace

struct MeteredNetwork::Bus {
    ~Bus() { sd_bus_flush_close_unref(connection); }

    // Negative: nobody says.
    int read(std::uint32_t& metered) {
        Message call, reply;
        int done = sd_bus_message_new_method_call(
            connection, &call.held, "org.freedesktop.NetworkManager",
            "/org/freedesktop/NetworkManager", "org.freedesktop.DBus.Properties", "Get");
        if (done >= 0) done = sd_bus_message_set_auto_start(call.held, 0);
        if (done >= 0)
            done =
                sd_bus_message_append(call.held, "ss", "org.freedesktop.NetworkManager", "Metered");
        if (done >= 0)
            done = sd_bus_call(connection, call.held, kAnswerTimeoutUs, nullptr, &reply.held);
        if (done >= 0) done = sd_bus_message_read(reply.held, "v", "u", &metered);
        return done;
    }

    sd_bus* connection = nullptr;
};

MeteredNetwork::MeteredNetwork() = default;
MeteredNetwork::~MeteredNetwork() = default;

bool MeteredNetwork::is_metered() {
    const auto now = std::chrono::steady_clock::now();
    if (now < due_) return is_metered_;
    const bool was_metered = is_metered_;
    is_metered_ = ask();
    due_ = now + (bus_ ? std::chrono::seconds(kAskInterval) : std::chrono::seconds(kRetry));
    if (is_metered_ != was_metered)
        log_info("daemon", "the network is {}", is_metered_ ? "metered" : "not metered any more");
    return is_metered_;
}

bool MeteredNetwork::ask() {
    if (!bus_) {
        auto bus = std::make_unique<Bus>();
        if (sd_bus_open_system(&bus->connection) < 0) return false;
        bus_ = std::move(bus);
    }
    std::uint32_t metered = 0;
    if (bus_->read(metered) < 0) {
        // The bus may have gone: it is connected to anew.
        bus_.reset();
        return false;
    }
    return metered == kYes || metered == kGuessYes;
}

}  // namespace lockstep
