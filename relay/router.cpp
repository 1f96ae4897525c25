#include "relay/router.h"

#include <optional>

namespace lockstep {
namespace {

HttpResponse bencoded(std::string body) {
    return {.status = 200, .content_type = "text/plain", .body = std::move(body)};
}

// The token after "/announce/", nothing after "/announce"; nullopt for another path.
std::optional<std::string_view> token_after(std::string_view path, std::string_view word) {
    if (!path.starts_with(word)) return std::nullopt;
    path.remove_prefix(word.size());
    if (path.empty()) return path;
    if (!path.starts_with('/')) return std::nullopt;
    return path.substr(1);
}

}  // namespace

HttpResponse Router::handle(const HttpRequest& request) {
    auto announce = token_after(request.path, "/announce");
    auto scrape = token_after(request.path, "/scrape");
    bool is_tracker_path =
        is_admitted(announce.value_or(scrape.value_or(""))) && (announce || scrape);
    if (!is_tracker_path && request.path != "/healthz")
        return HttpResponse::text(404, "not found\n");
    if (request.method != "GET" && request.method != "HEAD") {
        HttpResponse response = HttpResponse::text(405, "method not allowed\n");
        response.headers.push_back({"Allow", "GET, HEAD"});
        return response;
    }
    if (announce) return bencoded(tracker_.announce(request.query, request.peer));
    if (scrape) return bencoded(tracker_.scrape(request.query));
    return HttpResponse::text(200, "ok\n");
}

// Looks at every byte whatever the first ones are, so that time tells nothing of the token.
bool Router::is_admitted(std::string_view token) const {
    if (token.size() != path_token_.size()) return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < token.size(); ++i)
        difference = static_cast<unsigned char>(difference | (token[i] ^ path_token_[i]));
    return difference == 0;
}

}  // namespace lockstep
