#include "relay/status_page.h"

#include "relay/status_page_files.h"

namespace lockstep {
namespace {

// Its own files and its own relay, and nobody may put it into a frame.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

HttpResponse file(const char* type, std::string_view content) {
    return {.status = 200,
            .content_type = type,
            .body = std::string(content),
            .headers = {{"Content-Security-Policy", kPolicy},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Cross-Origin-Resource-Policy", "same-origin"},
                        {"Cache-Control", "no-cache"}}};
}

}  // namespace

std::optional<HttpResponse> status_page_file(std::string_view path) {
    if (path == "/status") return file("text/html; charset=utf-8", kStatusHtml);
    if (path == "/status/status.css") return file("text/css; charset=utf-8", kStatusCss);
    if (path == "/status/status.js") return file("text/javascript; charset=utf-8", kStatusJs);
    if (path == "/status/icon.svg") return file("image/svg+xml", kIconSvg);
    return std::nullopt;
}

}  // namespace lockstep
