// What Prometheus reads: metrics in its text format 0.0.4.
//
//     PrometheusText out("lockstep_relay_");
//     out.gauge("peers", "Peers that announce.", 7);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace lockstep {

class PrometheusText {
  public:
    static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

    // Every name begins with `prefix`.
    explicit PrometheusText(std::string_view prefix) : prefix_(prefix) {}

    // Begins a metric; `type` is counter or gauge. Its values follow, each with other labels.
    void metric(std::string_view name, std::string_view type, std::string_view help);
    // `labels` as prometheus_label() makes them, with commas between.
    template <typename Number>
    void value(Number number, std::string_view labels = {}) {
        add(fmt::format("{}", number), labels);
    }

    // Metrics of one value.
    template <typename Number>
    void counter(std::string_view name, std::string_view help, Number count) {
        metric(name, "counter", help);
        value(count);
    }
    template <typename Number>
    void gauge(std::string_view name, std::string_view help, Number now) {
        metric(name, "gauge", help);
        value(now);
    }

    std::string take() { return std::move(out_); }

  private:
    void add(std::string_view number, std::string_view labels);

    const std::string prefix_;
    std::string name_;
    std::string out_;
};

// name="value", with what the format needs escaped.
std::string prometheus_label(std::string_view name, std::string_view value);

}  // namespace lockstep
