// A response's status line and headers as bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/http/message.h"

namespace lockstep {

// "Not Found" for 404; "Unknown" for what no standard names.
std::string_view http_reason(int status);

// 204, 304 and 1xx never have a body.
bool has_body(int status);

struct ResponseHeadOptions {
    bool keep_alive = true;
    std::string_view server_name;
    // Unknown: the body ends with the connection.
    std::optional<std::size_t> content_length;
};

// Headers whose name or value could break out of their line are left out.
std::string response_head(const HttpResponse& response, const ResponseHeadOptions& options);

// Whether `text` may stand in a header's value, or (stricter) be its name.
bool is_header_value(std::string_view text);
bool is_header_name(std::string_view text);

}  // namespace lockstep
