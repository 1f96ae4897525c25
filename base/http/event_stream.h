// Server-sent events: how one is written, and the reader of a stream of them.
// Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/message.h"
#include "base/result.h"

namespace lockstep {

// The event as bytes of a stream. Line breaks and NULs in `id` and `event` are dropped; line breaks
// in `data` are kept ("\r\n" and "\r" become "\n").
std::string format_event(const HttpEvent& event);

// Takes a stream in pieces of any size, and gives its events. Comments and unknown fields are
// skipped.
class EventParser {
  public:
    explicit EventParser(std::size_t event_size_max) : event_size_max_(event_size_max) {}

    // The events completed by this piece. TooLarge when one event (or line) is above the limit; the
    // parser is of no use after that.
    Result<std::vector<HttpEvent>> feed(std::string_view piece);

  private:
    void take_line(std::vector<HttpEvent>& out);

    std::size_t event_size_max_;
    std::string line_;
    HttpEvent event_;
    bool has_data_ = false;
    bool after_return_ = false;
};

}  // namespace lockstep
