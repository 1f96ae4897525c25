#include "base/http/message.h"

#include <algorithm>
#include <charconv>

#include "base/http/url.h"

namespace lockstep {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_header(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

const std::string* find_header(const HttpFields& headers, std::string_view name) {
    for (const auto& field : headers)
        if (same_header(field.name, name)) return &field.value;
    return nullptr;
}

}  // namespace

Bytes HttpPeer::address_group() const {
    std::size_t group_size = address_bytes.size() == 4 ? 4 : 8;
    return to_bytes(ByteView(address_bytes).first(std::min(address_bytes.size(), group_size)));
}

const std::string* HttpRequest::query_value(std::string_view name) const {
    for (const auto& field : query)
        if (field.name == name) return &field.value;
    return nullptr;
}

std::uint64_t HttpRequest::query_number(std::string_view name) const {
    const std::string* text = query_value(name);
    std::uint64_t out = 0;
    if (text != nullptr) (void)std::from_chars(text->data(), text->data() + text->size(), out);
    return out;
}

const std::string* HttpRequest::header(std::string_view name) const {
    return find_header(headers, name);
}
const std::string* HttpResponse::header(std::string_view name) const {
    return find_header(headers, name);
}

std::vector<std::string> HttpRequest::path_parts() const {
    std::string_view rest = target.empty() ? std::string_view(path) : std::string_view(target);
    if (rest.starts_with("http://")) rest = rest.substr(std::min(rest.size(), rest.find('/', 7)));
    rest = rest.substr(0, rest.find_first_of("?#"));
    std::vector<std::string> out;
    while (!rest.empty()) {
        std::size_t end = rest.find('/');
        std::string_view part = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        if (part.empty()) continue;
        // A request we made ourselves has a path that is decoded already; one received was checked
        // before.
        out.push_back(target.empty() ? std::string(part)
                                     : percent_decode(part).value_or(std::string(part)));
    }
    return out;
}

HttpResponse HttpResponse::text(int status, std::string body) {
    return {.status = status,
            .content_type = "text/plain; charset=utf-8",
            .body = std::move(body),
            .headers = {}};
}

HttpResponse HttpResponse::json(int status, std::string body) {
    return {.status = status,
            .content_type = "application/json",
            .body = std::move(body),
            .headers = {}};
}

}  // namespace lockstep
