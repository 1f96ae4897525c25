#include "daemon/router.h"

#include <charconv>
#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "daemon/api/json_codec.h"

namespace lockstep {

namespace {

std::vector<std::string_view> split_pattern(std::string_view pattern) {
    std::vector<std::string_view> parts;
    while (!pattern.empty()) {
        pattern.remove_prefix(1);  // the slash
        const std::size_t slash = pattern.find('/');
        parts.push_back(pattern.substr(0, slash));
        pattern = slash == std::string_view::npos ? std::string_view{} : pattern.substr(slash);
    }
    return parts;
}

bool fits(const Route& route, const std::vector<std::string>& path,
          std::map<std::string, std::string, std::less<>>& parameters) {
    const std::vector<std::string_view> pattern = split_pattern(route.pattern);
    if (pattern.size() != path.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i].starts_with('{')) {
            parameters.emplace(pattern[i].substr(1, pattern[i].size() - 2), path[i]);
        } else if (pattern[i] != path[i]) {
            return false;
        }
    }
    return true;
}

}  // namespace

const std::string& ApiRequest::parameter(std::string_view name) const {
    auto found = parameters.find(name);
    CHECK(found != parameters.end(), "the route's pattern has no such parameter");
    return found->second;
}

std::string ApiRequest::query(std::string_view name) const {
    const std::string* value = http.query_value(name);
    return value == nullptr ? std::string() : *value;
}

Result<std::uint64_t> ApiRequest::query_number(std::string_view name,
                                               std::uint64_t fallback) const {
    const std::string text = query(name);
    if (text.empty()) return fallback;
    std::uint64_t number = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size()) {
        return Error{ErrorKind::Invalid, fmt::format("'{}' is a number", name)};
    }
    return number;
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& path) const {
    Match match;
    for (const Route& route : routes_) {
        std::map<std::string, std::string, std::less<>> parameters;
        if (!fits(route, path, parameters)) continue;
        match.is_known_path = true;
        match.methods.push_back(route.method);
        if (route.method == method && match.route == nullptr) {
            match.route = &route;
            match.parameters = std::move(parameters);
        }
    }
    return match;
}

HttpResponse error_response(const Error& error, std::string_view request_id,
                            std::string_view resource) {
    api::ErrorBody body;
    body.code = api::error_code(error.kind);
    body.message = error.message;
    body.request_id = request_id;
    body.resource = resource;
    body.timestamp = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    return HttpResponse::json(api::http_status(error.kind), api::encode_error(body));
}

}  // namespace lockstep
