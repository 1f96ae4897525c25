// The control API on the unix socket: dispatch, request numbers, errors.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>

#include "base/http/server.h"
#include "daemon/control_context.h"

namespace lockstep {

class ControlServer {
  public:
    // Listens on return. Busy when another daemon answers on the socket. `context` must outlive
    // this. With `passed`, that listening socket serves in place of one of our own.
    static Result<std::unique_ptr<ControlServer>> start(ControlContext& context,
                                                        const std::filesystem::path& socket,
                                                        UniqueFd passed);
    ~ControlServer() { stop(); }

    // Waits for handlers under way. Stop LongPolls and EventLog first, so that none of them waits.
    void stop() { server_->stop(); }

    // As HttpServer::post().
    void post(std::function<void()> task) { server_->post(std::move(task)); }

    // One request, as the server does it. Public for tests.
    void handle(const HttpRequest& request, const HttpResponder& responder);

  private:
    explicit ControlServer(ControlContext& context);

    ControlContext& context_;
    const Router router_;
    std::atomic<std::uint64_t> requests_{0};
    std::unique_ptr<HttpServer> server_;
};

}  // namespace lockstep
