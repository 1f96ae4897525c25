// JSON text of the API's structs, both ways.
//
// Every struct of messages.h (and ErrorBody) has one list of its fields in json_codec.cpp that
// serves encoding and decoding. decode() takes what a newer daemon says: unknown keys are skipped,
// missing ones keep their default. decode_request() is strict: an unknown key is a mistake of the
// caller and named.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/api/error_code.h"
#include "daemon/api/messages.h"

namespace lockstep::api {

template <typename T>
std::string encode(const T& value);

// Invalid when `text` is no JSON object of that shape; the message names the key.
template <typename T>
Result<T> decode(std::string_view text);
template <typename T>
Result<T> decode_request(std::string_view text);

// The body of a failed answer, and back. A code this build does not know becomes Io.
std::string encode_error(const ErrorBody& error);
Error decode_error(int status, std::string_view body);

}  // namespace lockstep::api
