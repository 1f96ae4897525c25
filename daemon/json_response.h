// A struct of the API as an HTTP response.
#pragma once

#include "base/http/message.h"
#include "daemon/api/json_codec.h"

namespace lockstep {

template <typename T>
HttpResponse json_response(int status, const T& value) {
    return HttpResponse::json(status, api::encode(value));
}

}  // namespace lockstep
