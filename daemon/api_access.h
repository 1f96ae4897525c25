// Who may use the control API over TCP. On the unix socket the kernel says who is there; at a port
// anybody on this machine may be, and a web page that makes a browser connect.
//
// A request must name this server as its Host (a page of another name that resolves to us does
// not: DNS rebinding), must come from no page or from one of this server (Origin), and must show
// a token. One opens all and lies where only the user can read it; another, for Prometheus, opens
// what tells how the daemon does, and nothing else.
//
// THREADS: any.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/disk.h"
#include "base/http/message.h"
#include "base/random.h"
#include "daemon/api/config.h"

namespace lockstep {

class ApiAccess {
  public:
    struct Tokens {
        std::string all;
        std::string metrics;  // GET /metrics and /healthz
    };

    // Reads api.token and metrics.token in `directory`, or makes them there (mode 0600). Refused
    // when others can read one, Invalid when one is shorter than 32 bytes.
    // `metrics_token_file`: read in place of metrics.token, and others may read it, too: as files
    // are that a container is handed. Empty: none.
    static Result<ApiAccess> open(Disk& disk, const std::filesystem::path& directory,
                                  const api::LoopbackAddress& address, Random& random,
                                  const std::filesystem::path& metrics_token_file = {});
    ApiAccess(Tokens tokens, api::LoopbackAddress address);

    const std::string& host() const { return address_.host; }
    std::uint16_t port() const { return address_.port; }

    // What a request that may not come in is answered: 403 for a foreign Host or Origin and for
    // what the token does not open, 401 without a token. Nothing when it may.
    std::optional<HttpResponse> refusal(const HttpRequest& request) const;

  private:
    bool is_own_host(const std::string& host) const;
    bool is_own_origin(const std::string& origin) const;

    Tokens tokens_;
    api::LoopbackAddress address_;
};

}  // namespace lockstep
