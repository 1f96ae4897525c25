// The control API on the unix socket, and over TCP where that is wanted: dispatch, request numbers,
// errors.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>

#include "base/http/server.h"
#include "daemon/control_context.h"

namespace lockstep {

class ApiAccess;

// Of the server on the socket. A follower of events may be sent all that is kept at once.
HttpServerOptions control_server_options();

class ControlServer {
  public:
    // Listens on return. Busy when another daemon answers on the socket. `context` must outlive
    // this. With `passed`, that listening socket serves in place of one of our own. With `tcp`,
    // which must outlive this, also listens where that says.
    static Result<std::unique_ptr<ControlServer>> start(ControlContext& context,
                                                        const std::filesystem::path& socket,
                                                        UniqueFd passed,
                                                        const ApiAccess* tcp = nullptr);
    ~ControlServer() { stop(); }

    // Waits for handlers under way. Stop LongPolls and EventLog first, so that none of them waits.
    void stop();

    // As HttpServer::post().
    void post(std::function<void()> task) { server_->post(std::move(task)); }

    // One request, as the server does it. Public for tests.
    void handle(const HttpRequest& request, const HttpResponder& responder);

  private:
    explicit ControlServer(ControlContext& context);
    Status serve_tcp(const ApiAccess& access);

    ControlContext& context_;
    const Router router_;
    std::atomic<std::uint64_t> requests_{0};
    std::unique_ptr<HttpServer> server_;
    // Apart, so that strangers at the port take no connection from the socket's clients.
    std::unique_ptr<HttpServer> tcp_server_;
};

}  // namespace lockstep
