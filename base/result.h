// Result<T>: a value or an Error. The one way functions of this project fail.
//
// An ErrorKind says what the caller can do about it; the message says what happened, in words for a
// person. Errors are values: no exceptions of our own. Third-party exceptions are caught in the
// file that calls the library and become Errors there.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace lockstep {

enum class ErrorKind {
    NotFound,     // no such thing
    Exists,       // it is there already
    WrongKey,     // passphrase or key does not open it
    Corrupt,      // bytes are not what their name, tag or signature promises
    Io,           // the disk or the network failed
    NoSpace,      // disk or quota full
    Busy,         // in use or locked by somebody; try later
    Locked,       // the vault is locked; unlock first
    Conflict,     // the state is not what the caller assumed
    Invalid,      // the request makes no sense as given
    Unsupported,  // a format or feature this build does not know
    Cancelled,    // given up because somebody asked to
    Timeout,      // did not happen in time
    Unavailable,  // content that is not here now (no peer has sent it yet)
    Refused,      // not allowed
    // What only file systems say (each is one POSIX errno):
    NotDirectory,
    IsDirectory,
    NotEmpty,
    NameTooLong,
    NoAttribute,
    ReadOnly,
    TooLarge,
    TooManyLinks,
    Loop,
};

struct [[nodiscard]] Error {
    ErrorKind kind = ErrorKind::Io;
    std::string message;

    // Adds what was being done: "open vault: read header: unexpected end".
    Error in(std::string_view doing) && {
        message = std::string(doing) + ": " + message;
        return std::move(*this);
    }
};

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & {
        CHECK(ok(), error_text());
        return std::get<0>(state_);
    }
    const T& value() const& {
        CHECK(ok(), error_text());
        return std::get<0>(state_);
    }
    T&& value() && {
        CHECK(ok(), error_text());
        return std::get<0>(std::move(state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T value_or(T other) && { return ok() ? std::get<0>(std::move(state_)) : std::move(other); }

    const Error& error() const& {
        CHECK(!ok());
        return std::get<1>(state_);
    }
    Error&& error() && {
        CHECK(!ok());
        return std::get<1>(std::move(state_));
    }

  private:
    const char* error_text() const { return ok() ? "" : std::get<1>(state_).message.c_str(); }
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), ok_(false) {}

    bool ok() const { return ok_; }
    explicit operator bool() const { return ok_; }
    const Error& error() const& {
        CHECK(!ok_);
        return error_;
    }
    Error&& error() && {
        CHECK(!ok_);
        return std::move(error_);
    }

  private:
    Error error_;
    bool ok_ = true;
};

using Status = Result<void>;

#define LOCKSTEP_CAT_(a, b) a##b
#define LOCKSTEP_CAT(a, b) LOCKSTEP_CAT_(a, b)

// TRY(auto pack, open_pack(path)); declares `pack`, or returns the error to our caller.
#define TRY(declaration, expression) \
    TRY_(declaration, expression, LOCKSTEP_CAT(try_result_, __LINE__))
#define TRY_(declaration, expression, name)         \
    auto name = (expression);                       \
    if (!name.ok()) return std::move(name).error(); \
    declaration = std::move(name).value()

// TRY_OK(file.sync()); returns the error to our caller.
#define TRY_OK(expression)                                    \
    do {                                                      \
        if (auto try_status = (expression); !try_status.ok()) \
            return std::move(try_status).error();             \
    } while (false)

}  // namespace lockstep
