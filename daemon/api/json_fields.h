// The one list of fields of each struct that goes over the API: fields(f, value) calls
// f("name", value.member) for each. One header for each kind of message.
#pragma once

#include <concepts>
#include <type_traits>

namespace lockstep::api {

template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

}  // namespace lockstep::api
