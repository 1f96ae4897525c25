// The status page: live numbers and charts for operators, from /v1/stats. Its files are part of the
// program (relay/status_page/), and it loads nothing from anywhere else.
#pragma once

#include <optional>
#include <string_view>

#include "base/http/message.h"

namespace lockstep {

// The page's file of that path; nothing for another path.
std::optional<HttpResponse> status_page_file(std::string_view path);

}  // namespace lockstep
