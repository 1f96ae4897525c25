#include "daemon/control_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/api/error_code.h"
#include "daemon/api/messages.h"
#include "daemon/api_access.h"

namespace lockstep {

HttpServerOptions control_server_options() {
    // Four times what all kept events usually take.
    constexpr std::size_t kPendingEventBytesMax = 16 << 20;
    HttpServerOptions options;
    options.threads = 8;
    options.body_size_max = api::kContentBlockSize + (64 << 10);
    options.connections_max = 128;
    options.allowed_uid = ::geteuid();
    options.server_name = "lockstepd";
    options.pending_events_max += kEventsKeptMax;
    options.pending_event_bytes_max = kPendingEventBytesMax;
    return options;
}

namespace {

HttpResponse unknown_route(const Router::Match& match, const HttpRequest& request,
                           std::string_view id) {
    if (!match.is_known_path) {
        return error_response({ErrorKind::NotFound, "no such resource: " + request.path}, id,
                              request.path);
    }
    HttpResponse response = error_response(
        {ErrorKind::Invalid, fmt::format("{} is not for this resource", request.method)}, id,
        request.path);
    response.status = 405;
    std::string methods;
    for (std::string_view method : match.methods) {
        methods.append(methods.empty() ? "" : ", ").append(method);
    }
    response.headers.push_back({"Allow", methods});
    return response;
}

}  // namespace

ControlServer::ControlServer(ControlContext& context)
    : context_(context), router_(control_routes()) {
    server_ = std::make_unique<HttpServer>(
        control_server_options(), [this](const HttpRequest& request, HttpResponder responder) {
            handle(request, responder);
        });
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(ControlContext& context,
                                                            const std::filesystem::path& socket,
                                                            UniqueFd passed, const ApiAccess* tcp) {
    std::unique_ptr<ControlServer> server(new ControlServer(context));
    if (tcp != nullptr) TRY_OK(server->serve_tcp(*tcp));
    if (passed.ok())
        TRY_OK(server->server_->listen_on(std::move(passed)));
    else
        TRY_OK(server->server_->listen_unix(socket));
    return server;
}

// Whoever may not come in is told so before his request's body is read.
Status ControlServer::serve_tcp(const ApiAccess& access) {
    HttpServerOptions options = control_server_options();
    options.threads = 4;
    options.connections_max = 32;
    options.allowed_uid.reset();
    const std::uint64_t body_size_max = options.body_size_max;
    options.body_limit = [&access, body_size_max](const HttpRequest& head) {
        return HttpBodyLimit{.size_max = body_size_max, .refusal = access.refusal(head)};
    };
    tcp_server_ = std::make_unique<HttpServer>(
        options, [this, &access](const HttpRequest& request, HttpResponder responder) {
            if (auto refusal = access.refusal(request)) {
                ++context_.requests;
                ++context_.refused;
                return responder.respond(std::move(*refusal));
            }
            handle(request, responder);
        });
    TRY_OK(tcp_server_->listen_tcp(access.host(), access.port()));
    return {};
}

void ControlServer::stop() {
    if (tcp_server_) tcp_server_->stop();
    server_->stop();
}

void ControlServer::handle(const HttpRequest& request, const HttpResponder& responder) {
    const std::string id = fmt::format("r{}", ++requests_);
    ++context_.requests;
    const std::string_view method =
        request.method == "HEAD" ? "GET" : std::string_view(request.method);
    Router::Match match = router_.find(method, request.path_parts());
    if (match.route == nullptr) {
        ++context_.refused;
        return responder.respond(unknown_route(match, request, id));
    }

    const ApiRequest api_request{request, std::move(match.parameters), id};
    auto refuse = [&](const Error& error) {
        ++(api::http_status(error.kind) >= 500 ? context_.failures : context_.refused);
        // Not the message: it may name a file inside a vault.
        log_debug("control", "{} {} {}: {}", id, request.method, match.route->pattern,
                  api::error_code(error.kind));
        responder.respond(error_response(error, id, request.path));
    };
    if (match.route->answer_later != nullptr) {
        Status taken = match.route->answer_later(context_, api_request, responder);
        if (!taken.ok()) refuse(taken.error());
        return;
    }
    Result<HttpResponse> response = match.route->answer(context_, api_request);
    if (!response.ok()) return refuse(response.error());
    responder.respond(std::move(*response));
}

}  // namespace lockstep
