#include "daemon/api/error_code.h"

#include <array>

namespace lockstep::api {

namespace {

constexpr std::array kKinds = {
    ErrorKind::NotFound,     ErrorKind::Exists,       ErrorKind::WrongKey,
    ErrorKind::Corrupt,      ErrorKind::Io,           ErrorKind::NoSpace,
    ErrorKind::Busy,         ErrorKind::Locked,       ErrorKind::Conflict,
    ErrorKind::Invalid,      ErrorKind::Unsupported,  ErrorKind::Cancelled,
    ErrorKind::Timeout,      ErrorKind::Unavailable,  ErrorKind::Refused,
    ErrorKind::NotDirectory, ErrorKind::IsDirectory,  ErrorKind::NotEmpty,
    ErrorKind::NameTooLong,  ErrorKind::NoAttribute,  ErrorKind::ReadOnly,
    ErrorKind::TooLarge,     ErrorKind::TooManyLinks, ErrorKind::Loop,
};

}  // namespace

std::string_view error_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::NotFound:
            return "not_found";
        case ErrorKind::Exists:
            return "exists";
        case ErrorKind::WrongKey:
            return "wrong_key";
        case ErrorKind::Corrupt:
            return "corrupt";
        case ErrorKind::Io:
            return "io";
        case ErrorKind::NoSpace:
            return "no_space";
        case ErrorKind::Busy:
            return "busy";
        case ErrorKind::Locked:
            return "locked";
        case ErrorKind::Conflict:
            return "conflict";
        case ErrorKind::Invalid:
            return "invalid";
        case ErrorKind::Unsupported:
            return "unsupported";
        case ErrorKind::Cancelled:
            return "cancelled";
        case ErrorKind::Timeout:
            return "timeout";
        case ErrorKind::Unavailable:
            return "unavailable";
        case ErrorKind::Refused:
            return "refused";
        case ErrorKind::NotDirectory:
            return "not_directory";
        case ErrorKind::IsDirectory:
            return "is_directory";
        case ErrorKind::NotEmpty:
            return "not_empty";
        case ErrorKind::NameTooLong:
            return "name_too_long";
        case ErrorKind::NoAttribute:
            return "no_attribute";
        case ErrorKind::ReadOnly:
            return "read_only";
        case ErrorKind::TooLarge:
            return "too_large";
        case ErrorKind::TooManyLinks:
            return "too_many_links";
        case ErrorKind::Loop:
            return "loop";
    }
    CHECK(false, "an ErrorKind outside its enumeration");
}

int http_status(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::NotFound:
        case ErrorKind::NoAttribute:
            return 404;
        case ErrorKind::Exists:
        case ErrorKind::Busy:
        case ErrorKind::Conflict:
        case ErrorKind::NotEmpty:
        case ErrorKind::Cancelled:
            return 409;
        case ErrorKind::WrongKey:
        case ErrorKind::Refused:
        case ErrorKind::ReadOnly:
            return 403;
        case ErrorKind::Corrupt:
        case ErrorKind::Io:
            return 500;
        case ErrorKind::NoSpace:
            return 507;
        case ErrorKind::Locked:
            return 423;
        case ErrorKind::Invalid:
        case ErrorKind::NotDirectory:
        case ErrorKind::IsDirectory:
        case ErrorKind::NameTooLong:
        case ErrorKind::TooManyLinks:
        case ErrorKind::Loop:
            return 400;
        case ErrorKind::Unsupported:
            return 501;
        case ErrorKind::Timeout:
            return 504;
        case ErrorKind::Unavailable:
            return 503;
        case ErrorKind::TooLarge:
            return 413;
    }
    CHECK(false, "an ErrorKind outside its enumeration");
}

ExitCode exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::NotFound:
            return ExitCode::NotFound;
        case ErrorKind::WrongKey:
            return ExitCode::WrongPassphrase;
        case ErrorKind::Busy:
        case ErrorKind::Locked:
            return ExitCode::Locked;
        case ErrorKind::Invalid:
            return ExitCode::Usage;
        case ErrorKind::Unsupported:
            return ExitCode::Format;
        case ErrorKind::Cancelled:
            return ExitCode::Cancelled;
        case ErrorKind::Timeout:
            return ExitCode::Timeout;
        case ErrorKind::Exists:
        case ErrorKind::Corrupt:
        case ErrorKind::Io:
        case ErrorKind::NoSpace:
        case ErrorKind::Conflict:
        case ErrorKind::Unavailable:
        case ErrorKind::Refused:
        case ErrorKind::NotDirectory:
        case ErrorKind::IsDirectory:
        case ErrorKind::NotEmpty:
        case ErrorKind::NameTooLong:
        case ErrorKind::NoAttribute:
        case ErrorKind::ReadOnly:
        case ErrorKind::TooLarge:
        case ErrorKind::TooManyLinks:
        case ErrorKind::Loop:
            return ExitCode::Failure;
    }
    CHECK(false, "an ErrorKind outside its enumeration");
}

std::optional<ErrorKind> error_kind(std::string_view code) {
    for (ErrorKind kind : kKinds) {
        if (error_code(kind) == code) return kind;
    }
    return std::nullopt;
}

}  // namespace lockstep::api
