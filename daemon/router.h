// Finds the handler of a request by method and path. Paths are patterns: "/v1/vaults/{vault}/lock".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/server.h"
#include "base/result.h"

namespace lockstep {

struct ControlContext;

struct ApiRequest {
    const HttpRequest& http;
    std::map<std::string, std::string, std::less<>> parameters;  // of the pattern, decoded
    std::string id;                                              // named in errors and in the log

    const std::string& parameter(std::string_view name) const;
    // The value of a query field, or "".
    std::string query(std::string_view name) const;
    // Invalid when it is no number.
    Result<std::uint64_t> query_number(std::string_view name, std::uint64_t fallback) const;
    bool query_flag(std::string_view name) const { return query(name) == "true"; }
};

// Answers at once (it may block, but not for long).
using AnswerFunction = Result<HttpResponse> (*)(ControlContext&, const ApiRequest&);
// Answers later, through the responder. An error returned is the answer instead.
using LaterFunction = Status (*)(ControlContext&, const ApiRequest&, const HttpResponder&);

struct Route {
    std::string_view method;
    std::string_view pattern;
    AnswerFunction answer = nullptr;
    LaterFunction answer_later = nullptr;
};

class Router {
  public:
    explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

    const std::vector<Route>& routes() const { return routes_; }

    struct Match {
        const Route* route = nullptr;  // null: no such path, or not with this method
        bool is_known_path = false;
        std::vector<std::string_view> methods;  // that the path knows
        std::map<std::string, std::string, std::less<>> parameters;
    };
    Match find(std::string_view method, const std::vector<std::string>& path_parts) const;

  private:
    std::vector<Route> routes_;
};

// The response of a failed request.
HttpResponse error_response(const Error& error, std::string_view request_id,
                            std::string_view resource);

}  // namespace lockstep
