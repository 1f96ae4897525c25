#include "base/prometheus_text.h"

namespace lockstep {

void PrometheusText::metric(std::string_view name, std::string_view type, std::string_view help) {
    name_ = prefix_ + std::string(name);
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, type);
}

void PrometheusText::add(std::string_view number, std::string_view labels) {
    out_ += labels.empty() ? fmt::format("{} {}\n", name_, number)
                           : fmt::format("{}{{{}}} {}\n", name_, labels, number);
}

std::string prometheus_label(std::string_view name, std::string_view value) {
    std::string out = std::string(name) + "=\"";
    for (char c : value) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out + '"';
}

}  // namespace lockstep
