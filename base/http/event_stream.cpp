#include "base/http/event_stream.h"

namespace lockstep {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    for (char c : value)
        if (c != '\r' && c != '\n' && c != '\0') out += c;
    out += '\n';
}

void append_data(std::string& out, std::string_view data) {
    out += "data: ";
    for (std::size_t i = 0; i < data.size(); ++i) {
        bool is_break = data[i] == '\n' || data[i] == '\r';
        if (data[i] == '\r' && i + 1 < data.size() && data[i + 1] == '\n') ++i;
        if (is_break) {
            out += "\ndata: ";
        } else {
            out += data[i];
        }
    }
    out += '\n';
}

}  // namespace

std::string format_event(const HttpEvent& event) {
    std::string out;
    out.reserve(event.data.size() + event.event.size() + event.id.size() + 32);
    if (!event.id.empty()) append_field(out, "id", event.id);
    if (!event.event.empty()) append_field(out, "event", event.event);
    append_data(out, event.data);
    out += '\n';
    return out;
}

Result<std::vector<HttpEvent>> EventParser::feed(std::string_view piece) {
    std::vector<HttpEvent> out;
    for (char c : piece) {
        bool second_half_of_break = c == '\n' && after_return_;
        after_return_ = c == '\r';
        if (second_half_of_break) continue;
        if (c == '\n' || c == '\r') {
            take_line(out);
        } else {
            line_ += c;
        }
        if (line_.size() + event_.data.size() > event_size_max_)
            return Error{ErrorKind::TooLarge, "an event is larger than allowed"};
    }
    return out;
}

void EventParser::take_line(std::vector<HttpEvent>& out) {
    std::string line = std::move(line_);
    line_.clear();
    if (line.empty()) {
        if (has_data_) {
            event_.data.pop_back();  // the break after the last line
            out.push_back(std::move(event_));
        }
        event_ = {};
        has_data_ = false;
        return;
    }
    std::size_t colon = line.find(':');
    std::string_view name = std::string_view(line).substr(0, colon);
    std::string_view value =
        colon == std::string::npos ? std::string_view() : std::string_view(line).substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "id") event_.id = value;
    if (name == "event") event_.event = value;
    if (name == "data") {
        event_.data += value;
        event_.data += '\n';
        has_data_ = true;
    }
}

}  // namespace lockstep
