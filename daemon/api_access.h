// Who may use the control API over TCP. On the unix socket the kernel says who is there; at a port
// anybody on this machine may be, and a web page that makes a browser connect.
//
// A request must name this server as its Host (a page of another name that resolves to us does
// not: DNS rebinding), must come from no page or from one of this server (Origin), and must show
// the token, which lies where only the user can read it.
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
    // Reads the token in `file`, or makes one there (mode 0600). Refused when others can read it,
    // Invalid when it is shorter than 32 bytes.
    static Result<ApiAccess> open(Disk& disk, const std::filesystem::path& file,
                                  const api::LoopbackAddress& address, Random& random);
    ApiAccess(std::string token, api::LoopbackAddress address);

    const std::string& host() const { return address_.host; }
    std::uint16_t port() const { return address_.port; }

    // What a request that may not come in is answered: 403 for a foreign Host or Origin, 401
    // without the token. Nothing when it may.
    std::optional<HttpResponse> refusal(const HttpRequest& request) const;

  private:
    bool is_own_host(const std::string& host) const;
    bool is_own_origin(const std::string& origin) const;
    bool has_token(const HttpRequest& request) const;

    std::string token_;
    api::LoopbackAddress address_;
};

}  // namespace lockstep
