// Which request is whose: paths and methods of the relay's HTTP port.
#pragma once

#include <string>

#include "base/http/message.h"
#include "relay/tracker.h"

namespace lockstep {

// THREADS: one, the tracker's.
class Router {
  public:
    // With a non-empty `path_token`, announce and scrape live under /announce/TOKEN and
    // /scrape/TOKEN only.
    Router(Tracker& tracker, std::string path_token)
        : tracker_(tracker), path_token_(std::move(path_token)) {}

    HttpResponse handle(const HttpRequest& request);

  private:
    bool is_admitted(std::string_view token) const;

    Tracker& tracker_;
    std::string path_token_;
};

}  // namespace lockstep
