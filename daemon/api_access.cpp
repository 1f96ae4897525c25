#include "daemon/api_access.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sys/stat.h>

#include "daemon/router.h"

namespace lockstep {

namespace {

constexpr std::size_t kTokenSizeMin = 32;
constexpr std::size_t kTokenFileSizeMax = 1024;
constexpr std::string_view kScheme = "Bearer ";

// Takes as long whatever the first byte is that differs.
bool is_same_secret(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        // The compiler may not know when it is settled.
        const volatile auto one = static_cast<unsigned char>(a[i]);
        const volatile auto other = static_cast<unsigned char>(b[i]);
        difference = static_cast<unsigned char>(difference | (one ^ other));
    }
    return difference == 0;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

Result<std::string> make_token(Disk& disk, const std::filesystem::path& file, Random& random) {
    std::array<std::byte, 32> bytes{};
    random.fill(bytes);
    std::string token = hex(bytes);
    TRY_OK(disk.write_file_durably(file, as_bytes(token + "\n")));
    return token;
}

Result<std::string> read_token(Disk& disk, const std::filesystem::path& file) {
    TRY(Bytes bytes, disk.read_file(file, kTokenFileSizeMax));
    std::string_view text = as_text(bytes);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    if (text.size() < kTokenSizeMin)
        return Error{
            ErrorKind::Invalid,
            fmt::format("{} holds a token of less than {} bytes; without one lockstepd makes a "
                        "good one in its state directory",
                        file.native(), kTokenSizeMin)};
    return std::string(text);
}

// The user's alone, and made where there is none.
Result<std::string> own_token(Disk& disk, const std::filesystem::path& file, Random& random) {
    if (!disk.exists(file)) return make_token(disk, file, random);
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
        (status.st_mode & 077) != 0)
        return Error{ErrorKind::Refused,
                     file.native() + " must be a file that only its owner can read: chmod 600"};
    return read_token(disk, file);
}

// Empty when none is shown.
std::string_view shown_token(const HttpRequest& request) {
    const std::string* shown = request.header("Authorization");
    if (shown == nullptr || !shown->starts_with(kScheme)) return {};
    return std::string_view(*shown).substr(kScheme.size());
}

bool is_about_figures(const HttpRequest& request) {
    return (request.method == "GET" || request.method == "HEAD") &&
           (request.path == "/metrics" || request.path == "/healthz");
}

HttpResponse refuse(int status, std::string_view why, const HttpRequest& request) {
    HttpResponse response =
        error_response({ErrorKind::Refused, std::string(why)}, "-", request.path);
    response.status = status;
    return response;
}

}  // namespace

ApiAccess::ApiAccess(Tokens tokens, api::LoopbackAddress address)
    : tokens_(std::move(tokens)), address_(std::move(address)) {}

Result<ApiAccess> ApiAccess::open(Disk& disk, const std::filesystem::path& directory,
                                  const api::LoopbackAddress& address, Random& random,
                                  const std::filesystem::path& metrics_token_file) {
    Tokens tokens;
    TRY(tokens.all, own_token(disk, directory / "api.token", random));
    if (metrics_token_file.empty()) {
        TRY(tokens.metrics, own_token(disk, directory / "metrics.token", random));
    } else {
        TRY(tokens.metrics, read_token(disk, metrics_token_file));
    }
    return ApiAccess(std::move(tokens), address);
}

bool ApiAccess::is_own_host(const std::string& host) const {
    const std::string port = fmt::format(":{}", address_.port);
    const std::string own = address_.host == "::1" ? "[::1]" : address_.host;
    const std::string named = lower(host);
    return named == own + port || named == "localhost" + port;
}

bool ApiAccess::is_own_origin(const std::string& origin) const {
    constexpr std::string_view kHttp = "http://";
    return origin.starts_with(kHttp) && is_own_host(origin.substr(kHttp.size()));
}

std::optional<HttpResponse> ApiAccess::refusal(const HttpRequest& request) const {
    std::size_t hosts = 0;
    for (const HttpField& field : request.headers) {
        const std::string name = lower(field.name);
        if (name == "host" && (++hosts > 1 || !is_own_host(field.value)))
            return refuse(403, "the request is for another host", request);
        if (name == "origin" && !is_own_origin(field.value))
            return refuse(403, "the request comes from another page", request);
    }
    if (hosts == 0) return refuse(403, "the request names no host", request);
    const std::string_view shown = shown_token(request);
    if (!shown.empty() && is_same_secret(shown, tokens_.all)) return std::nullopt;
    if (!shown.empty() && is_same_secret(shown, tokens_.metrics)) {
        if (is_about_figures(request)) return std::nullopt;
        return refuse(403, "this token is for /metrics alone", request);
    }
    HttpResponse response = refuse(401, "the token is missing, or is another", request);
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return response;
}

}  // namespace lockstep
